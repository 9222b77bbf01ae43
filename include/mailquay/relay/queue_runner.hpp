#pragma once

#include <mailquay/relay/carrier.hpp>
#include <mailquay/relay/destination.hpp>
#include <mailquay/relay/runner_settings.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Delivers what is in a spool, until it is delivered, bounced, or the runner is stopped.
///
/// **Tries.** A message is tried at once, then by `runner_settings::retry`. A destination that cannot be reached is tried once an
/// interval for all its mail. Concurrency for a destination begins at 2 and grows with success. Destinations take turns, and
/// senders within one; higher MT-PRIORITY goes first, with one turn in eight for the lowest.
///
/// **Never twice, never lost.** An outcome is on record before the connection it came over is used again; a failure is one
/// record with the order for its notice. After kill -9 only what the next hop took without our having written it down is tried
/// again.
///
/// **Notices** (RFC 3461, 3464): to whom rule and sender ask, with the null sender, one for each attempt and kind of outcome.
///
/// Runs on a strand of the host's executor; what reads the disk runs on workers. `spool_queue::on_due` is the runner's.
///
/// Lifetime: destroyed, it starts nothing more and cancels what is under way, which ends soon on the host's executor; carrier and
/// queue live as long. Thread safety: safe.
class MAILQUAY_API queue_runner {
public:
    /// Throws `std::invalid_argument` naming setting, value and cure.
    MAILQUAY_DECL queue_runner(asio::any_io_executor host, std::shared_ptr<spool_queue> queue, std::shared_ptr<carrier> by, router where,
                               runner_settings settings);
    MAILQUAY_DECL ~queue_runner();
    queue_runner(queue_runner const&) = delete;
    queue_runner& operator=(queue_runner const&) = delete;

    /// Begins. Once.
    MAILQUAY_DECL void start();
    /// Starts nothing more, lets attempts under way end within `grace`, cancels those that are left, and gives back what was not
    /// tried.
    /// @param done  called at the end, on the runner's strand
    MAILQUAY_DECL void stop(std::chrono::milliseconds grace, unique_function<void()> done);
    /// Looks at once whether something is due: for those who moved the clock.
    MAILQUAY_DECL void wake();
    MAILQUAY_DECL runner_counts counts() const;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/queue_attempts.ipp>
#include <mailquay/relay/impl/queue_deadlines.ipp>
#include <mailquay/relay/impl/queue_notices.ipp>
#include <mailquay/relay/impl/queue_places.ipp>
#include <mailquay/relay/impl/queue_runner.ipp>
#endif
