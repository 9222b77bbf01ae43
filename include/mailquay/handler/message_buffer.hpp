#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/handler/eventual.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace mailquay::inline MAILQUAY_ABI {

/// Keeps the body of one message while filters look at it. First written, then read, as often as wanted.
///
/// Errors are the system's (`storage_reply()` turns them into replies); a body beyond the buffer's bound is
/// `std::errc::file_too_large`. After an error the buffer holds nothing useful. Destroyed: what it kept is gone; cheap,
/// and allowed only while no call is open.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; calls do not overlap.
struct MAILQUAY_API message_buffer {
    virtual ~message_buffer();
    /// Appends octets. They must stay until the answer. Not after the first `read()`.
    virtual eventual<result<void>> write(std::span<char const> octets) = 0;
    /// Reads what follows from where the last `read()` ended.
    /// @return octets read into `room`; fewer than its size only at the end, 0 behind it
    virtual eventual<result<std::size_t>> read(std::span<char> room) = 0;
    /// The next `read()` begins at the first octet.
    virtual void rewind() noexcept = 0;
    /// Octets written.
    virtual std::uint64_t size() const noexcept = 0;
};

/// Makes a buffer for each message that must be seen whole before its first octet goes on.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API message_buffers {
    virtual ~message_buffers();
    /// Never null.
    virtual std::unique_ptr<message_buffer> make() = 0;
};

/// Buffers in memory alone. For tests and for small messages: `spooled_buffers` go to a file above a threshold.
class MAILQUAY_API memory_buffers final : public message_buffers {
public:
    /// @param most_octets  of one message
    explicit memory_buffers(std::uint64_t most_octets) noexcept : most_octets_(most_octets) {}
    std::unique_ptr<message_buffer> make() override;

private:
    std::uint64_t most_octets_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
