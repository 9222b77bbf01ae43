#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sink/spool_queue.hpp>
#include <mailquay/sink/spool_settings.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::detail {
struct spool_shared;
}

namespace mailquay::inline MAILQUAY_ABI::sinks {

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
    /// The same for some of the transaction's recipients only, by their places: for a sink that could deliver to the others.
    /// @param wait  until the first attempt
    eventual<opened> open_for(transaction const& mail, std::span<std::size_t const> recipients, std::chrono::milliseconds wait = {});
    /// What `spool_settings::next_hop_keeps` says, `hold`, and that it relays.
    promises promised() const override;
    /// By what the disk and the spool's bounds said within the last second.
    bool takes_any_recipients() const noexcept override { return true; }
    bool has_room(std::uint64_t octets) const override;

    std::shared_ptr<spool_queue> queue() const;

private:
    std::shared_ptr<detail::spool_shared> shared_;
    std::shared_ptr<mailquay::workers> pool_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool.ipp>
#endif
