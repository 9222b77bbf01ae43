#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/session/session_info.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

/// The TLS layer of one connection, without I/O: octets of the wire go in and out through lent buffers.
///
/// The loop of a connection:
/// @code
/// tls->lend(octets_read);                                   // cipher text, stays put until wants_input()
/// while (auto plain = tls->read(room); plain && *plain) use(room.first(*plain));
/// auto taken = tls->write(reply);                           // plain text that goes out
/// while (auto n = tls->take_output(room)) send(room.first(n));
/// @endcode
///
/// Errors are fatal for the connection; the alert to send, if any, is in the output. None of the calls blocks.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the connection's executor.
struct MAILQUAY_API tls_stream {
    enum class state : std::uint8_t {
        handshake,    ///< not complete: no plain text flows
        established,
        closed,       ///< close_notify came from the peer: no more plain text comes
        failed,
    };

    virtual ~tls_stream();

    /// Lends cipher text. It must stay until `wants_input()`. Precondition: `wants_input()`.
    virtual void lend(std::span<char const> cipher) = 0;
    /// True when all that was lent is used up.
    virtual bool wants_input() const noexcept = 0;
    /// The lender takes his buffer back: the stream keeps what is left of it.
    virtual void keep_rest() = 0;
    /// The wire ended; without close_notify before it the stream is truncated.
    virtual void input_closed() noexcept = 0;

    /// Goes on with the handshake as far as the octets reach.
    virtual result<state> handshake() = 0;
    /// Decrypts into `room`.
    /// @return octets of plain text; 0 when more cipher text must come first, or the peer has closed (`current()` tells)
    virtual result<std::size_t> read(std::span<char> room) = 0;
    /// Encrypts plain text.
    /// @return octets taken; fewer than given when output must be taken first
    virtual result<std::size_t> write(std::span<char const> plain) = 0;
    /// Moves cipher text that is owed to the peer into `room`.
    /// @return octets; 0 when none is owed
    virtual std::size_t take_output(std::span<char> room) = 0;
    virtual bool has_output() const noexcept = 0;
    /// Owes the peer a close_notify.
    virtual void close_notify() = 0;

    virtual state current() const noexcept = 0;
    /// False while the peer has not sent close_notify: what ends now may have been cut off (RFC 8446 §6.1).
    virtual bool closed_cleanly() const noexcept = 0;
    /// What was agreed; meaningful once established.
    virtual tls_info info() const = 0;
};

/// Makes the TLS side of connections.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API tls_provider {
    virtual ~tls_provider();
    /// The server's side of a new connection; null when none can be had now (the client is told 454 4.7.0).
    virtual std::unique_ptr<tls_stream> accept(session_info const& client) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
