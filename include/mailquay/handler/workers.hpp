#pragma once

#include <mailquay/base/unique_function.hpp>

#include <asio/awaitable.hpp>

#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

/// The queue of the workers is full. Thrown to whoever waits for a job that was not taken; the client is told
/// `451 4.3.2` (for AUTH `454 4.7.0`).
class MAILQUAY_API workers_busy : public std::runtime_error {
public:
    workers_busy();
    ~workers_busy() override;
};

/// Threads for what blocks: fsync, rename, crypt(3), SQLite, temporary files. Nothing on a shard does.
///
/// `worker_pool` is the usual one; a host with threads of its own implements this, with `run_on_workers()` for `run()`.
/// Code that uses workers calls `offload()`.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API workers {
    virtual ~workers();
    /// Hands a job to a worker. It must not throw.
    /// @return false when the queue is full; the job was not taken and never runs
    virtual bool post(unique_function<void()> job) = 0;
    /// Runs `job` on a worker and goes on with the awaiting coroutine on its own executor once it is done. A job that was
    /// taken always runs to its end: cancelling the coroutine takes effect after it, so the job may refer to the
    /// coroutine's frame. Throws `workers_busy`.
    virtual asio::awaitable<void> run(unique_function<void()> job) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
