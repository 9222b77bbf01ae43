#pragma once

#include <mailquay/server/listen_endpoint.hpp>
#include <mailquay/server/plugins.hpp>
#include <mailquay/server/server_config.hpp>

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// How a shutdown went.
struct shutdown_report {
    std::size_t connections = 0;          ///< open when it began
    std::size_t turned_away = 0;          ///< waited to be accepted; got 421
    std::uint64_t messages_accepted = 0;  ///< since it began
    std::uint64_t messages_aborted = 0;   ///< since it began: cut off, or unfinished at the deadline
    std::size_t hooks_left = 0;           ///< did not end in spite of their cancellation
    bool in_time = true;                  ///< all connections ended before the grace did
};

/// An SMTP and LMTP server: listeners, connections, limits, and the plug-ins that carry the host's logic.
///
/// In a host's event loop: `server{io, config}`; everything runs on `io` (with `config.shards` strands), from `listen()`
/// on. On its own: `server{config}`, then `run(n)`.
///
/// Order: plug-ins, then `listen()`, which freezes them; later only `reconfigure()` changes anything.
///
/// Lifetime: the host's context must outlive the server. Destroying the server closes every connection at once, without
/// 421; do it when no other thread runs the context (after `run()` returned, or on the only thread), or after
/// `shutdown()` was done. Jobs that workers have begun are waited for.
///
/// Thread safety: `shutdown()` is safe from any thread; all else from one thread.
///
/// @code
/// asio::io_context io;
/// mailquay::server server{io, {.hostname = "mx.example.org"}};
/// server.recipients(mailquay::recipient_table{"alice@example.org"}).sink(mailquay::sinks::maildir{"mail"});
/// server.listen("0.0.0.0:2525");
/// io.run();
/// @endcode
class MAILQUAY_API server {
public:
    /// In a host's context, or on any executor of one. Settings are checked by `listen()`.
    MAILQUAY_DECL server(asio::any_io_executor host, server_config config);
    template <class Context>
        requires requires(Context& io) { asio::any_io_executor{io.get_executor()}; }
    server(Context& io, server_config config) : server(asio::any_io_executor{io.get_executor()}, std::move(config)) {}
    /// With contexts and threads of its own: `run()`.
    MAILQUAY_DECL explicit server(server_config config);
    MAILQUAY_DECL ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// @{ The plug-ins; each call replaces what an earlier one set. See `plugins` for what they take.
    /// Throws `std::logic_error` once the server listens.
    template <class... Handler>
    server& recipients(Handler&&... given) {
        return changeable().recipients(std::forward<Handler>(given)...), *this;
    }
    template <class... Handler>
    server& policies(Handler&&... given) {
        return changeable().policies(std::forward<Handler>(given)...), *this;
    }
    template <class... Handler>
    server& filters(Handler&&... given) {
        return changeable().filters(std::forward<Handler>(given)...), *this;
    }
    template <class Handler>
    server& sink(Handler&& given) {
        return changeable().sink(std::forward<Handler>(given)), *this;
    }
    template <class Handler>
    server& authentication(Handler&& given) {
        return changeable().authentication(std::forward<Handler>(given)), *this;
    }
    template <class Provider>
    server& tls(Provider&& given) {
        return changeable().tls(std::forward<Provider>(given)), *this;
    }
    template <class... Handler>
    server& observers(Handler&&... given) {
        return changeable().observers(std::forward<Handler>(given)...), *this;
    }
    template <class... Extension>
    server& extensions(Extension&&... given) {
        return changeable().extensions(std::forward<Extension>(given)...), *this;
    }
    server& verify(command_handler answers, asked_by whom = asked_by::users) {
        return changeable().verify(std::move(answers), whom), *this;
    }
    server& expand(command_handler answers, asked_by whom = asked_by::users) {
        return changeable().expand(std::move(answers), whom), *this;
    }
    /// Threads of the host's own for what blocks, in place of the server's.
    server& use_workers(std::shared_ptr<workers> pool) { return changeable().use_workers(std::move(pool)), *this; }
    /// @}

    /// @{ Listens on "ADDR:PORT", "[::1]:25" or "unix:PATH".
    ///
    /// @return where it listens; port 0 has become the one the system chose
    /// Throws `std::invalid_argument` for settings that cannot be (naming setting, value and cure) and endpoints that
    /// are none, `std::system_error` when the system refuses (naming endpoint and cure). The form with `failure` reports
    /// the system's refusal there instead.
    MAILQUAY_DECL listen_endpoint listen(std::string_view where, profile kind = profile::mx());
    MAILQUAY_DECL listen_endpoint listen(std::string_view where, std::error_code& failure, profile kind = profile::mx());
    /// @}
    /// Accepts on a listening stream socket that was inherited (socket activation); takes it over if it does not throw.
    MAILQUAY_DECL listen_endpoint listen_inherited(int descriptor, profile kind = profile::mx());

    /// Changes settings and plug-ins for sessions to come: `change(server_config&, plugins&)`. Those under way keep
    /// theirs, the log among them. The limits of `connections` count for all at once; what is `per_shard()` is made anew.
    /// Listeners and the server's workers stay as they are, shards as well, with `waits_by`, `parked_octets`, `hook_frames` and
    /// the log of their own lines (`error`, `overload`, `accept-paused`). Nothing changes if this throws: `change`, or
    /// `std::invalid_argument` as `listen()` does.
    template <class Change>
    void reconfigure(Change change) {
        server_config config = current_config();
        plugins plugged = current_plugins();
        change(config, plugged);
        apply(std::move(config), std::move(plugged));
    }

    /// Runs until a shutdown is done: on this thread and `threads - 1` more, each with a shard, a context and (where the
    /// system has SO_REUSEPORT) listening sockets of its own. Only for `server{config}`, and once.
    /// While mail comes in without pause, what a hook left behind on its executor (a detached coroutine, a timer) may wait 20 ms for
    /// its first turn.
    /// Throws `std::logic_error` when misused, `std::system_error` when threads or sockets are not to be had.
    MAILQUAY_DECL void run(unsigned threads = 1);

    /// Ends gracefully: what waits to be accepted gets 421; sessions get 421 at their next command boundary, transactions
    /// may finish within `grace`; then 421 for the rest, hooks are cancelled, all is closed (at most 3 s after `grace`).
    /// `done` is called on a shard's executor. A second call may shorten the first; both are told.
    MAILQUAY_DECL void shutdown(std::chrono::milliseconds grace, unique_function<void(shutdown_report const&)> done = {});

    /// Connections now, all shards together.
    MAILQUAY_DECL std::size_t connections() const noexcept;

private:
    struct impl;

    MAILQUAY_DECL plugins& changeable();
    MAILQUAY_DECL server_config current_config() const;
    MAILQUAY_DECL plugins current_plugins() const;
    MAILQUAY_DECL void apply(server_config config, plugins plugged);

    std::unique_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/server.ipp>
#endif
