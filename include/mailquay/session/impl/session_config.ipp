#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/scrub.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/session/session_config.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::vector<std::string> problems(session_config const& config) {
    std::vector<std::string> found;
    auto const say = [&](std::string sentence) { found.push_back(std::move(sentence)); };

    if (config.hostname.empty())
        say("hostname is empty; set it to the name this server has in DNS, for example \"mx.example.org\"");
    else if (cursor in{config.hostname}; !domain(in) || !in.at_end())
        say(fmt::format("hostname \"{}\" is not a domain name; use letters, digits, hyphens and dots, for example \"mx.example.org\"",
            scrub(config.hostname)));
    for (char const c : config.banner)
        if (is_control(c)) {
            say(fmt::format("banner \"{}\" holds control characters; use one line of text", scrub(config.banner)));
            break;
        }
    if (config.limits.recipients < 100)
        say(fmt::format("limits.recipients is {}; RFC 5321 §4.5.3.1.8 asks for at least 100", config.limits.recipients));
    if (config.limits.command_line_octets < 512 || config.limits.command_line_octets > 65'536)
        say(fmt::format("limits.command_line_octets is {}; use 512 (RFC 5321 §4.5.3.1.4) to 65536", config.limits.command_line_octets));
    if (config.limits.auth_line_octets < 512 || config.limits.auth_line_octets > 65'536)
        say(fmt::format("limits.auth_line_octets is {}; use 12288 (RFC 4954 §4), or at least 512 and at most 65536",
            config.limits.auth_line_octets));
    if (config.limits.message_octets > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        say(fmt::format("limits.message_octets is {}; use at most 2^63-1, or 0 for no limit", config.limits.message_octets));
    if (config.limits.text_line_octets != 0 && config.limits.text_line_octets < 998)
        say(fmt::format("limits.text_line_octets is {}; use 998 or more (RFC 5321 §4.5.3.1.6), or 0 for no limit",
                        config.limits.text_line_octets));
    if (config.limits.recipients_in_flight == 0) say("limits.recipients_in_flight is 0; use 1 or more");
    if (config.limits.hops == 0) say("limits.hops is 0, which refuses all relayed mail; use 100 (RFC 5321 §6.3)");
    if (config.limits.output_octets < 1024)
        say(fmt::format("limits.output_octets is {}; use 1024 or more, or no reply fits", config.limits.output_octets));
    if (config.limits.header_octets < 1024)
        say(fmt::format("limits.header_octets is {}; use at least 1024, or hardly a message fits", config.limits.header_octets));
    if (config.limits.header_fields == 0) say("limits.header_fields is 0, which refuses all mail; use 1 or more");

    if (config.budgets.auth == 0) say("budgets.auth is 0, so that AUTH could never be tried; use 1 or more");

    session_timeouts const& times = config.timeouts;
    if (times.greeting_delay < std::chrono::seconds{0} || times.greeting_delay > std::chrono::seconds{30})
        say(fmt::format("timeouts.greeting_delay is {} s; use 0 to 30: clients give up soon after 30 s", times.greeting_delay.count()));
    // Shorter than a tick none can be; a week is more than any connection waits, and far from where sums of times overflow.
    constexpr std::chrono::seconds least{1}, most{604'800};
    std::pair<char const*, std::chrono::seconds> const each_timeout[] = {
        {"command", times.command}, {"message_silence", times.message_silence}, {"handshake", times.handshake}, {"hook", times.hook},
        {"write", times.write}, {"finish", times.finish}, {"without_message", times.without_message},
        {"output_stall", times.output_stall}, {"drain", times.drain}, {"rate_window", times.rate_window},
        {"command_hurried", times.command_hurried}, {"hello_hurried", times.hello_hurried},
        {"handshake_hurried", times.handshake_hurried}};
    for (auto const& [name, time] : each_timeout)
        if (time < least || time > most)
            say(fmt::format("timeouts.{} is {} s; use {} to {} s", name, time.count(), least.count(), most.count()));
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
