#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/relay_for.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sink/files.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::sinks {

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

/// Keeps mail in a durable queue on the local disk, for whoever delivers it (`queue()`).
///
/// **Durable.** A message is written to a journal together with all others that come at the same time, synced once for all of
/// them, and only then answered 250. Alone it waits for one sync. After kill -9 or a loss of power every acknowledged message is
/// there, whole; a message may be there twice if its 250 was lost. `docs/spool.md` has the format and the promises.
///
/// **The envelope is kept whole**: all that extensions ask of delivery, parameters that only the host knows, what XFORWARD told.
/// A message that is to be released later (FUTURERELEASE) waits until then, and its lifetime begins there.
///
/// **Failures.** No room is 452 4.3.1, other failures 451 4.3.0; the spool recovers by itself when the disk does. What a failed
/// sync may have lost is never acknowledged later. Octets that the disk changed cost the messages they belong to, which are
/// copied to `damaged/` and named in the log.
///
/// **One at a time.** A folder belongs to one process: a second one is refused, naming the first.
///
/// The spool writes on a thread of its own. Writers may outlive the sink, and the folder is given up when the last of them and
/// the last `queue()` are gone; an executor whose coroutines wait for a message must outlive that.
///
/// Thread safety: called by all shards at once.
///
/// @code  server.sink(sinks::spool{"/var/spool/mailquay"});  @endcode
class MAILQUAY_API spool final : public message_sink, public uses_workers {
public:
    /// Takes the folder (made if missing), and reads the journal.
    /// @throws std::runtime_error naming folder, reason and cure
    explicit spool(std::string folder, spool_settings settings = {});
    ~spool() override;
    spool(spool&&) noexcept;

    /// No effect if the settings named workers.
    void lend(std::shared_ptr<mailquay::workers> pool) override;
    eventual<opened> open(transaction const& mail) override;
    /// What `spool_settings::next_hop_keeps` says, and `hold`.
    promises promised() const override;
    /// By what the disk and the spool's bounds said within the last second.
    bool has_room(std::uint64_t octets) const override;

    std::shared_ptr<spool_queue> queue() const;

    struct shared;

private:
    std::shared_ptr<shared> shared_;
    std::shared_ptr<mailquay::workers> pool_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool.ipp>
#endif
