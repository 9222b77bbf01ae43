#pragma once

#include <mailquay/server/server_config.hpp>
#include <mailquay/session/extensions/auth.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/scrub.hpp>
#include <mailquay/server/read_buffers.hpp>
#include <mailquay/session/extensions/dsn.hpp>
#include <mailquay/session/extensions/xclient.hpp>
#include <mailquay/session/extensions/xforward.hpp>
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
    made.log = from.log;
    made.trusted_xclient_login = from.trusted_xclient_login;
    return made;
}

inline bool is_enabled(server_config const& server, std::string_view keyword) noexcept {
    return std::any_of(server.enable.begin(), server.enable.end(), [&](std::string const& one) { return iequals(one, keyword); });
}

/// Adds those that were asked for by keyword. @return the keywords that no extension has
inline std::vector<std::string> enable_extensions(extension_registry& all, server_config const& server) {
    auto const known = extension_registry::opt_in();
    std::vector<std::string> unknown;
    bool const every = announces_all(server);
    for (auto const& one : known.all()) {
        // What a host added with settings of its own stays.
        if ((every || is_enabled(server, one->keyword())) && all.find(one->keyword()) == nullptr) all.add(one);
    }
    for (std::string const& keyword : server.enable)
        if (!iequals(keyword, "all") && all.find(keyword) == nullptr) unknown.push_back(keyword);
    return unknown;
}

/// What a profile asks for "as far as the sink promises", and what is on by itself there.
inline void add_kept_extensions(extension_registry& all, profile const& listener, promises const& sink) {
    auto const known = extension_registry::opt_in();
    for (std::string const& keyword : listener.extensions_on) {
        // Strangers are offered DSN only where a server's settings name it.
        if (iequals(keyword, "DSN") || all.find(keyword) != nullptr) continue;
        for (auto const& one : known.all())
            if (iequals(one->keyword(), keyword) && one->kept_by(sink)) all.add(one);
    }
    if (sink.dsn && all.find("DSN") == nullptr)
        all.add(std::make_shared<extensions::dsn>(extensions::dsn::offered_to::authenticated));
}

inline void drop_unkept_extensions(extension_registry& all, promises const& sink) {
    std::vector<std::string> dropped;
    for (auto const& one : all.all())
        if (!one->kept_by(sink)) dropped.emplace_back(one->keyword());
    for (std::string const& keyword : dropped) all.remove(keyword);
}

}  // namespace detail

MAILQUAY_DECL std::vector<std::string> problems(server_config const& config) {
    std::vector<std::string> found = problems(detail::session_part(config));
    auto const say = [&](std::string sentence) { found.push_back(std::move(sentence)); };

    extension_registry all = config.extensions;
    for (std::string const& keyword : detail::enable_extensions(all, config))
        say(fmt::format("enable names \"{}\", which is no extension here; use \"all\" or a keyword such as DSN", scrub(keyword)));
    if (config.shards == 0 || config.shards > 1024) say(fmt::format("shards is {}; use 1 to 1024", config.shards));
    if (config.parked_octets < read_buffers::octets)
        say(fmt::format("parked_octets is {}; use at least {} (one read buffer), or no message could wait for its sink",
                        config.parked_octets, read_buffers::octets));
    if (config.proxy_header_time < std::chrono::seconds{1} || config.proxy_header_time > std::chrono::seconds{300})
        say(fmt::format("proxy_header_time is {} s; use 1 to 300", config.proxy_header_time.count()));
    if (config.trusted_xclient_login && config.trusted_xclient.empty())
        say("trusted_xclient_login is set, but no client may use XCLIENT; name some in trusted_xclient");
    if (config.connections.hurry_above_percent > 100)
        say(fmt::format("connections.hurry_above_percent is {}; use 0 to 100 (100: never hurry)", config.connections.hurry_above_percent));
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
                                                 std::shared_ptr<authenticator> const& asks, bool has_tls) {
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

    network_set const& forwarders = server.trusted_xforward ? *server.trusted_xforward : server.trusted_xclient;
    if (asks && listener.auth != auth_mode::off) {
        auto const offers = [asks](session_info const& client) { return asks->offered(client); };
        auto const weak = [asks](session_info const& client) { return asks->too_weak(client); };
        // A filter that may say who the client was may say who sent first, too; after XCLIENT it is the client who says it.
        auto const believes = [known = server.trusted_xclient, passes_on = forwarders](session_info const& client) {
            return extensions::is_trusted_peer(client, known) || extensions::is_trusted_peer(client, passes_on);
        };
        made.extensions.add(std::make_shared<extensions::auth>(offers, listener.auth_without_tls, believes, weak));
    }
    if (!server.trusted_xclient.empty()) made.extensions.add(std::make_shared<extensions::xclient>(server.trusted_xclient));
    if (!forwarders.empty()) made.extensions.add(std::make_shared<extensions::xforward>(forwarders));
    detail::enable_extensions(made.extensions, server);
    detail::add_kept_extensions(made.extensions, listener, sink);
    if (!announces_all(server)) detail::drop_unkept_extensions(made.extensions, sink);
    // A message that would be refused for what BINARYMIME allows must not be asked for.
    if (made.refuse_nul) made.extensions.remove("BINARYMIME");
    std::uint64_t& most = made.limits.message_octets;
    if (sink.max_size) most = most == 0 ? *sink.max_size : std::min(most, *sink.max_size);
    return made;
}

MAILQUAY_DECL bool announces_all(server_config const& config) noexcept {
    return detail::is_enabled(config, "all");
}

MAILQUAY_DECL std::vector<std::string> unkept_extensions(server_config const& server, promises const& sink) {
    extension_registry all = server.extensions;
    detail::enable_extensions(all, server);
    std::vector<std::string> found;
    for (auto const& one : all.all()) {
        bool const asked_for = one->opt_in() || announces_all(server) || detail::is_enabled(server, one->keyword());
        if (asked_for && !one->kept_by(sink)) found.emplace_back(one->keyword());
    }
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
