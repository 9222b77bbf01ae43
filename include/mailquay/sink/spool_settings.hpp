#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/relay_for.hpp>
#include <mailquay/handler/workers.hpp>
#include <mailquay/session/promises.hpp>
#include <mailquay/sink/files.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// How a `spool` keeps mail, and how much.
struct spool_settings {
    /// A file of the journal. Large enough that a new one is rare, small enough that moving what is left of it is quick.
    std::uint64_t segment_octets = 64 * 1024 * 1024;
    /// Content up to this size goes into the journal; more goes to a file of its own, as it comes.
    std::size_t memory_octets = 256 * 1024;
    /// Content of messages that wait for the disk, in all; above it the client is told 451 4.3.2.
    std::size_t waiting_octets = 64 * 1024 * 1024;
    /// What the spool may take of the disk; above it 452 4.3.1. 0: as much as there is.
    std::uint64_t max_octets = std::uint64_t{64} * 1024 * 1024 * 1024;
    /// What must be left free on the file system: twice the largest message, at least 64 MiB.
    std::uint64_t free_octets = 128 * 1024 * 1024;
    /// Messages in the queue: each takes some 200 octets of memory. 0: no limit.
    std::size_t max_messages = 2'000'000;
    /// What the way onward from here keeps; EHLO offers no more. Without further knowledge: 8-bit content and UTF-8. `hold` does
    /// not count: the spool itself keeps that.
    promises next_hop_keeps{};
    /// Clients that are known: mail of theirs that fails is returned (`bounce::always`), as it is for authenticated users. That of
    /// the rest is `bounce::restrained`, and of the null sender `bounce::never`. Mostly what the server has as a validator.
    std::optional<relay_for> known_clients{};
    /// Absent: those of the server. Used for large messages only.
    std::shared_ptr<mailquay::workers> workers{};
    /// Absent: the operating system's.
    std::shared_ptr<file_operations> files{};
    /// Absent: the machine's.
    std::shared_ptr<mailquay::clock> clock{};
    logger log{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
