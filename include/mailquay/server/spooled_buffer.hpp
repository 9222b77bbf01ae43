#pragma once

#include <mailquay/handler/message_buffer.hpp>
#include <mailquay/handler/workers.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// Settings of `spooled_buffers`.
struct spooled_buffer_config {
    /// Of one message, before a file is used. Nine of ten messages are smaller.
    std::size_t memory_octets = 256 * 1024;
    /// Of one message; 0: no bound but the disk's (the session has its own, `session_limits::message_octets`).
    std::uint64_t most_octets = 0;
    /// Where files are made; empty: `TMPDIR`, else `/var/tmp` (`/tmp` often lies in memory).
    std::string directory{};
};

/// Message buffers in memory, and above a threshold in a file that has no name, so that nothing is left behind whatever
/// happens. Octets are gathered in memory and written by a worker in pieces of `memory_octets`; so the memory of one
/// message is bounded by twice that.
///
/// Errors: those of `message_buffer`; a wait throws `workers_busy` when the workers' queue is full.
/// Thread safety: distinct objects: safe. Shared objects: safe; each buffer belongs to one connection.
class MAILQUAY_API spooled_buffers final : public message_buffers {
public:
    /// Throws `std::invalid_argument` when `pool` is null or `memory_octets` is 0.
    explicit spooled_buffers(std::shared_ptr<workers> pool, spooled_buffer_config config = {});
    ~spooled_buffers() override;
    std::unique_ptr<message_buffer> make() override;

private:
    std::shared_ptr<workers> pool_;
    std::shared_ptr<spooled_buffer_config const> config_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/spooled_buffer.ipp>
#endif
