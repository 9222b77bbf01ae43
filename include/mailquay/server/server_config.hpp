#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/base/network_set.hpp>
#include <mailquay/handler/profile.hpp>
#include <mailquay/server/admission.hpp>
#include <mailquay/server/listen_socket.hpp>
#include <mailquay/server/reactor.hpp>
#include <mailquay/session/session_config.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// All settings of a server. Only `hostname` must be given; a listener's `profile` may say otherwise in part.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
///
/// @code
/// server_config config{.hostname = "mx.example.org", .limits = {.message_octets = 20'000'000}};
/// @endcode
struct server_config {
    /// Who we are in the greeting, EHLO and Received: the name this host has in DNS. Required; it is not guessed, because
    /// the wrong name costs mail.
    std::string hostname{};
    /// The rest of the greeting line (RFC 5321 §4.2 wants the word ESMTP there).
    std::string banner{"ESMTP"};
    session_limits limits{};
    session_timeouts timeouts{};
    error_budgets budgets{};
    mailquay::leniency leniency{};
    line_ending_policy line_endings = line_ending_policy::refuse;
    unknown_parameters unknown = unknown_parameters::refuse;
    /// What EHLO offers, as far as the sink promises it.
    extension_registry extensions = extension_registry::standard();
    /// Opt-in extensions by keyword, with default settings: those of `extension_registry::opt_in()`. One that the sink does not
    /// promise to keep is a start-up error, unless "all" is among them: then all are announced, kept or not (for conformance
    /// runs), and a log line says what is not. With other settings: `extensions.add()`.
    std::vector<std::string> enable{};
    mailquay::received_client received_client = mailquay::received_client::full;
    bool add_received = true;             ///< see `session_config`, as for the next six
    bool refuse_nul = false;
    bool strict_eight_bit = false;
    bool refuse_talking_ahead = false;
    bool id_in_refusals = false;
    /// Proxies that may say with a PROXY header who their client is, on listeners whose profile has a `proxy` mode. They must
    /// send it, and what they say is believed.
    network_set trusted_proxies{};
    /// How long a proxy may take for its header; it has it ready when it connects.
    std::chrono::seconds proxy_header_time{5};
    /// Clients that may use XCLIENT, by the address they have at that time. Empty: it is not offered.
    network_set trusted_xclient{};
    /// Clients that may use XFORWARD. Absent: those of `trusted_xclient`.
    std::optional<network_set> trusted_xforward{};
    bool trusted_xclient_login = false;   ///< LOGIN of XCLIENT authenticates; else it is only noted
    connection_limits connections{};
    /// Units of work in a host's executor: 1, so that plug-ins are called one at a time and need no locks. `run(n)` makes n.
    unsigned shards = 1;
    /// How readiness is waited for. `portable` costs a system call more for each wait; it is for hosts whose sandbox forbids
    /// epoll sets of one's own.
    reactor_choice waits_by = reactor_choice::best;
    /// Read buffers of 64 KiB that slow writers may keep, per shard: a thousand of them. Above it messages wait unread.
    std::size_t parked_octets = 64 * 1024 * 1024;
    /// Hooks that wait for something at once, per shard; one more is answered 451 4.3.2. As many as connections, since each
    /// has at most one under way; only hooks that ignore their cancellation come near it.
    std::size_t hook_frames = 10'000;
    /// Threads for what blocks (fsync, SQLite, crypt): enough to keep a disk's queue filled. Started when first needed.
    /// Half as many more, one at least, are the authenticator's alone, with 128 jobs that may wait: who tries passwords keeps no
    /// mail waiting.
    unsigned worker_threads = 4;
    /// Jobs that wait for a worker; one more is answered 451 4.3.2.
    std::size_t worker_queue = 4096;
    /// How listening sockets are opened.
    listen_options listening{};
    /// Where log lines go (docs/logging.md); by default nowhere.
    logger log{};
};

/// @return what is wrong with `config`, one sentence per setting naming it, its value and the cure; empty if all is well
MAILQUAY_DECL std::vector<std::string> problems(server_config const& config);

/// What a listener's sessions are told to do: the server's settings, with what the profile says otherwise, and no more
/// extensions than the sink promises to keep. With an authenticator AUTH is among them, unless the profile has it off.
/// @param has_tls  the server has a `tls_provider`: STARTTLS is offered unless the profile says otherwise
MAILQUAY_DECL session_config make_session_config(server_config const& server, profile const& listener, promises const& sink,
                                                 std::shared_ptr<authenticator> const& asks = nullptr, bool has_tls = false);

/// Whether "all" is among `enable`: then extensions are announced whether the sink keeps them or not.
MAILQUAY_DECL bool announces_all(server_config const& config) noexcept;

/// Keywords of extensions that were asked for by name (or by "all") and that the sink does not promise to keep.
MAILQUAY_DECL std::vector<std::string> unkept_extensions(server_config const& server, promises const& sink);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/server_config.ipp>
#endif
