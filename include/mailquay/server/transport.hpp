#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace mailquay::inline MAILQUAY_ABI {

/// How a read or a write went.
enum class io_status : std::uint8_t {
    ok,           ///< octets moved; fewer than asked for means: no more for now
    would_block,  ///< nothing now; the reactor tells when
    end,          ///< the peer sends no more (reads only)
    error,        ///< the connection is broken, or the peer reset it
};

/// What a read or a write did.
struct io_result {
    std::size_t octets = 0;  ///< moved; 0 unless `ok`
    io_status status = io_status::ok;
    bool more = false;       ///< of a read: more may be had at once, though the room was not filled
};

/// The octet stream of one connection: never blocks, buffers nothing, throws nothing.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the shard's executor.
class MAILQUAY_API transport {
public:
    virtual ~transport();

    /// Takes what is there, at most `room.size()` octets.
    virtual io_result read_some(std::span<char> room) noexcept = 0;
    /// Hands over as much as fits.
    virtual io_result write_some(std::span<char const> octets) noexcept = 0;
    /// Looks without taking: `ok` if octets wait, `end` if nothing waits and nothing more will come, `error` if the peer
    /// is gone for good, `would_block` otherwise.
    virtual io_status probe() noexcept = 0;
    /// The next write is the last one.
    virtual void last_words() noexcept {}
    /// Tells the peer that no more will be sent (half-close).
    virtual void close_write() noexcept = 0;
    /// Ends it, both ways. Further calls do nothing. The reactor must have forgotten it before.
    virtual void close() noexcept = 0;
    /// The descriptor that a reactor watches; -1 if there is none.
    virtual int native_handle() const noexcept = 0;
};

/// A transport over a non-blocking stream socket, which it owns.
MAILQUAY_DECL std::unique_ptr<transport> make_socket_transport(int descriptor);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/transport.ipp>
#endif
