#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/scrub.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/session/session_config.hpp>

#include <fmt/format.h>

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
    if (config.limits.recipients_in_flight == 0) say("limits.recipients_in_flight is 0; use 1 or more");
    if (config.limits.hops == 0) say("limits.hops is 0, which refuses all relayed mail; use 100 (RFC 5321 §6.3)");
    if (config.limits.output_octets < 1024)
        say(fmt::format("limits.output_octets is {}; use 1024 or more, or no reply fits", config.limits.output_octets));
    if (config.limits.header_octets < 1024 || config.limits.header_fields == 0)
        say(fmt::format("limits.header_octets is {} and limits.header_fields {}; use at least 1024 octets and 1 field",
            config.limits.header_octets, config.limits.header_fields));
    if (config.timeouts.greeting_delay > std::chrono::seconds{30})
        say(fmt::format("timeouts.greeting_delay is {} s; clients give up soon after 30 s, use 30 or less",
            config.timeouts.greeting_delay.count()));
    if (config.timeouts.command < std::chrono::seconds{1} || config.timeouts.message_silence < std::chrono::seconds{1} ||
        config.timeouts.hook < std::chrono::seconds{1} || config.timeouts.write < std::chrono::seconds{1} ||
        config.timeouts.finish < std::chrono::seconds{1})
        say("a time-out of timeouts is below 1 s, which is shorter than a tick; use 1 s or more");
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
