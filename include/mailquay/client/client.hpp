#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/base/unique_function.hpp>
#include <mailquay/client/next_hop.hpp>
#include <mailquay/client/outgoing_message.hpp>
#include <mailquay/client/pool_limits.hpp>
#include <mailquay/client/send_report.hpp>
#include <mailquay/handler/tls_connector.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What a `client` is made of.
struct client_config {
    /// Given with EHLO: a name that resolves to this machine. Empty: the machine's own.
    std::string hello_name{};
    /// TLS; null: none, and a hop that demands it gets no mail. `tls::client_context` is one.
    std::shared_ptr<tls_connector> tls{};
    pool_limits pool{};
    logger log{};
};

/// Told of outcomes as they become known: the places of the recipients in the message, and the report so far. The next command
/// on that connection waits until it returns; it must not throw.
using settled_listener = std::function<asio::awaitable<void>(std::vector<std::size_t> recipients, send_report const& so_far)>;

/// Sends messages by SMTP and LMTP; keeps connections for the next ones.
///
/// Runs on the host's executor, on a strand of its own. Nothing is sent twice by it, and each `send()` ends: every wait has a
/// time-out (`client_timeouts`). The caller's cancellation ends the attempt; the report then says `hop_problem::cancelled`, and
/// `recipient_state::unknown` for what may have been taken.
///
/// Lifetime: destroying it closes idle connections; attempts under way go on to their end. The host's context outlives it.
/// Thread safety: safe.
///
/// @code
/// asio::io_context io;
/// client mail{io, {.hello_name = "app.example.org"}};
/// outgoing_message message{"alice@example.org", {"bob@example.net"}, "Subject: lunch\r\n\r\nAt noon?\r\n"};
/// mail.send(*next_hop::parse("localhost:2525"), message, [](send_report report) { std::cout << report.summary() << '\n'; });
/// io.run();
/// @endcode
class MAILQUAY_API client {
public:
    /// Throws `std::invalid_argument` naming setting, value and cure.
    MAILQUAY_DECL client(asio::any_io_executor host, client_config config = {});
    template <class Context>
        requires requires(Context& io) { asio::any_io_executor{io.get_executor()}; }
    explicit client(Context& io, client_config config = {}) : client(asio::any_io_executor{io.get_executor()}, std::move(config)) {}
    MAILQUAY_DECL ~client();
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    /// One attempt at one host: over a kept connection if there is one, else to its addresses in order until one works. Never
    /// throws for what the wire or the host does.
    MAILQUAY_DECL asio::awaitable<send_report> send(next_hop to, outgoing_message message, settled_listener listener = {});
    /// The same with a callback, which runs on the client's strand.
    MAILQUAY_DECL void send(next_hop to, outgoing_message message, unique_function<void(send_report)> done);

    /// Takes kept connections down with QUIT and keeps none from now on. Attempts under way go on.
    MAILQUAY_DECL void close();
    /// @{ Connections that wait for the next message, and all of them. Not while another thread runs the client's context.
    MAILQUAY_DECL std::size_t idle_connections() const;
    MAILQUAY_DECL std::size_t open_connections() const;
    /// @}

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/client.ipp>
#endif
