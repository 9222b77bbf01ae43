#pragma once

#include <mailquay/handler/workers.hpp>

#include <cstddef>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Settings of a `worker_pool`.
struct worker_pool_config {
    /// Threads. What they do is wait for disks, not compute; a mail server rarely has more than a few in one fsync.
    unsigned threads = 4;
    /// Jobs that may wait. A full queue is an overload the client should be told of (451 4.3.2), not one to hide behind
    /// minutes of waiting: 1024 jobs of 5 ms on 4 threads wait about 1 s.
    std::size_t queue = 1024;
};

/// A fixed number of threads and a bounded queue, first come first served.
///
/// Destroyed: no job is taken any more, those that wait are still run, then the threads are joined. Not from one of its own
/// jobs. An executor whose coroutines wait for a job must outlive the pool.
///
/// Thread safety: distinct objects: safe. Shared objects: safe.
class MAILQUAY_API worker_pool final : public workers {
public:
    /// Throws `std::invalid_argument` for a pool without threads or queue, `std::system_error` when no thread can be made.
    explicit worker_pool(worker_pool_config config = {});
    worker_pool(worker_pool const&) = delete;
    worker_pool& operator=(worker_pool const&) = delete;
    ~worker_pool() override;

    bool post(unique_function<void()> job) override;
    asio::awaitable<void> run(unique_function<void()> job) override;
    /// Jobs that wait, those that run not counted.
    std::size_t waiting() const noexcept;
    /// Destroys the jobs that wait, instead of running them; a coroutine that waits for one is destroyed with it.
    void drop_waiting() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// How a `workers` of the host's own implements `run()` by its `post()`.
MAILQUAY_DECL asio::awaitable<void> run_on_workers(workers& pool, unique_function<void()> job);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/worker_pool.ipp>
#endif
