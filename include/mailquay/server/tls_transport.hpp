#pragma once

#include <mailquay/handler/tls_provider.hpp>
#include <mailquay/server/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

/// Where cipher text lies on its way: a buffer each way that all connections of a shard share, made when TLS is first
/// spoken. What must last longer than a call is kept by the connection that needs it.
///
/// Thread safety: unsafe; one per shard.
class cipher_rooms {
public:
    /// As much as is read of plain text at once.
    static constexpr std::size_t octets = 64 * 1024;

    std::span<char> in() { return made(in_); }
    std::span<char> out() { return made(out_); }

private:
    static std::span<char> made(std::unique_ptr<char[]>& one) {
        if (!one) one = std::make_unique_for_overwrite<char[]>(octets);
        return {one.get(), octets};
    }

    std::unique_ptr<char[]> in_{};
    std::unique_ptr<char[]> out_{};
};

/// A transport under TLS: decrypts what another one reads and encrypts what it writes. In clear until `handshake()` is
/// first called, so that the 220 to STARTTLS leaves in clear.
///
/// One read decrypts all records that one read of the wire brought, so that their replies leave in one write. Nothing is
/// read, and nothing decrypted, unless `read_some()` is called. A write that the wire does not take whole is reported when
/// it has: until then the caller offers the same octets again, as every caller of a transport does.
///
/// Lifetime: `rooms` outlives it. Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API tls_transport final : public transport {
public:
    enum class progress : std::uint8_t {
        waits,        ///< for octets of the peer, or for room on the wire (`owes()`)
        established,
        failed,       ///< `failure()` says why; what the peer still sends comes out of `read_some()` as it is
        peer_gone,    ///< the peer ended the connection
    };

    MAILQUAY_DECL tls_transport(std::unique_ptr<transport> wire, std::unique_ptr<tls_stream> engine, cipher_rooms& rooms) noexcept;
    MAILQUAY_DECL ~tls_transport() override;

    /// Goes on with the handshake as far as the octets that wait reach.
    MAILQUAY_DECL progress handshake() noexcept;
    /// Cipher text waits for room on the wire.
    bool owes() const noexcept { return !pending_.empty() || engine_->has_output(); }
    /// Octets may wait that raise no readiness any more.
    bool may_hold_input() const noexcept { return wire_has_more_ || !engine_->wants_input(); }
    std::error_code failure() const noexcept { return failure_; }
    tls_info info() const { return engine_->info(); }

    MAILQUAY_DECL io_result read_some(std::span<char> room) noexcept override;
    MAILQUAY_DECL io_result write_some(std::span<char const> octets) noexcept override;
    MAILQUAY_DECL io_status probe() noexcept override;
    /// The next write is the last one: close_notify leaves with it.
    void last_words() noexcept override { notify_ = true; }
    MAILQUAY_DECL void close_write() noexcept override;
    MAILQUAY_DECL void close() noexcept override;
    int native_handle() const noexcept override { return wire_->native_handle(); }

private:
    enum class layer : std::uint8_t { clear, handshake, open, closed, broken };

    io_result decrypt(std::span<char> room);
    io_result encrypt(std::span<char const> octets);
    progress go_on();
    bool flush();
    void say_goodbye() noexcept;
    io_result fail(std::error_code why) noexcept;

    std::unique_ptr<transport> wire_;
    std::unique_ptr<tls_stream> engine_;
    cipher_rooms* rooms_;
    std::string pending_{};       // cipher text that the wire did not take
    std::error_code failure_{};
    std::size_t claimed_ = 0;     // octets encrypted, but not reported as taken: their cipher text is not out yet
    layer layer_ = layer::clear;
    bool notify_ = false;
    bool notified_ = false;
    bool holds_plain_ = false;    // the last read filled its room: plain text may wait in the engine, all that was lent used up
    bool wire_has_more_ = false;  // the last read of the wire filled its room
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/tls_transport.ipp>
#endif
