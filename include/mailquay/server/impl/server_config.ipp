#pragma once

#include <mailquay/server/server_config.hpp>

#include <mailquay/server/read_buffers.hpp>
#include <mailquay/session/extensions/starttls.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline session_config session_part(server_config const& from) {
    session_config made;
    made.hostname = from.hostname;
    made.banner = from.banner;
    made.limits = from.limits;
    made.timeouts = from.timeouts;
    made.budgets = from.budgets;
    made.leniency = from.leniency;
    made.line_endings = from.line_endings;
    made.unknown = from.unknown;
    made.extensions = from.extensions;
    made.received_client = from.received_client;
    made.add_received = from.add_received;
    made.refuse_nul = from.refuse_nul;
    made.strict_eight_bit = from.strict_eight_bit;
    made.refuse_talking_ahead = from.refuse_talking_ahead;
    made.id_in_refusals = from.id_in_refusals;
    return made;
}

}  // namespace detail

MAILQUAY_DECL std::vector<std::string> problems(server_config const& config) {
    std::vector<std::string> found = problems(detail::session_part(config));
    auto const say = [&](std::string sentence) { found.push_back(std::move(sentence)); };

    if (config.shards == 0 || config.shards > 1024) say(fmt::format("shards is {}; use 1 to 1024", config.shards));
    if (config.parked_octets < read_buffers::octets)
        say(fmt::format("parked_octets is {}; use at least {} (one read buffer), or no message could wait for its sink",
                        config.parked_octets, read_buffers::octets));
    if (config.hook_frames == 0) say("hook_frames is 0, so no hook could answer later; use as many as connections.total");
    if (config.worker_threads == 0 || config.worker_threads > 1024)
        say(fmt::format("worker_threads is {}; use 1 to 1024", config.worker_threads));
    if (config.worker_queue == 0) say("worker_queue is 0, so no job could wait for a worker; use 1 or more");
    if (config.listening.backlog < 1) say(fmt::format("listening.backlog is {}; use 1 or more", config.listening.backlog));
    if (config.listening.unix_mode > 0777)
        say(fmt::format("listening.unix_mode is {:#o}; use file permissions of at most 0777", config.listening.unix_mode));
    return found;
}

MAILQUAY_DECL session_config make_session_config(server_config const& server, profile const& listener, promises const& sink,
                                                 bool has_tls) {
    session_config made = detail::session_part(server);
    if (listener.dialect) made.dialect = *listener.dialect;
    if (listener.hostname) made.hostname = *listener.hostname;
    if (listener.banner) made.banner = *listener.banner;
    if (listener.line_endings) made.line_endings = *listener.line_endings;
    if (listener.unknown) made.unknown = *listener.unknown;
    if (listener.received_client) made.received_client = *listener.received_client;
    made.limits = combined(made.limits, listener.limits);
    made.require_authentication = listener.auth == auth_mode::required;

    tls_mode const tls = listener.tls.value_or(has_tls ? tls_mode::starttls : tls_mode::none);
    if (has_tls && (tls == tls_mode::starttls || tls == tls_mode::required)) made.extensions.add(std::make_shared<extensions::starttls>());
    made.require_tls = tls == tls_mode::required;
    made.tls_first = tls == tls_mode::implicit;

    if (!sink.eight_bit) made.extensions.remove("8BITMIME");
    if (!sink.utf8) made.extensions.remove("SMTPUTF8");
    std::uint64_t& most = made.limits.message_octets;
    if (sink.max_size) most = most == 0 ? *sink.max_size : std::min(most, *sink.max_size);
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI
