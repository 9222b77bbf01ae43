#pragma once

#include <mailquay/server/worker_pool.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/execution.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

struct worker_pool::state {
    explicit state(std::size_t most) : most_waiting(most) {}

    bool take(unique_function<void()> job) {
        {
            std::lock_guard const lock{mutex};
            if (ending || jobs.size() >= most_waiting) return false;
            jobs.push_back(std::move(job));
        }
        wake.notify_one();
        return true;
    }

    void work() noexcept {
        std::unique_lock lock{mutex};
        for (;;) {
            wake.wait(lock, [&] { return ending || !jobs.empty(); });
            if (jobs.empty()) return;
            unique_function<void()> job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job();
            job = nullptr;  // what it holds is let go of outside the lock
            lock.lock();
        }
    }

    void end() noexcept {
        {
            std::lock_guard const lock{mutex};
            ending = true;
        }
        wake.notify_all();
        for (std::thread& one : threads) one.join();
    }

    std::mutex mutable mutex{};
    std::condition_variable wake{};
    std::deque<unique_function<void()>> jobs{};
    std::size_t most_waiting;
    bool ending = false;
    std::vector<std::thread> threads{};
};

MAILQUAY_DECL worker_pool::worker_pool(worker_pool_config config) {
    if (config.threads == 0) throw std::invalid_argument("worker_pool_config::threads is 0: a pool needs at least one");
    if (config.queue == 0) throw std::invalid_argument("worker_pool_config::queue is 0: no job could ever be taken");
    state_ = std::make_unique<state>(config.queue);
    state_->threads.reserve(config.threads);
    try {
        for (unsigned i = 0; i < config.threads; ++i) state_->threads.emplace_back([all = state_.get()] { all->work(); });
    } catch (...) {
        state_->end();
        throw;
    }
}

MAILQUAY_DECL worker_pool::~worker_pool() {
    if (state_) state_->end();
}

MAILQUAY_DECL bool worker_pool::post(unique_function<void()> job) { return state_->take(std::move(job)); }

MAILQUAY_DECL asio::awaitable<void> worker_pool::run(unique_function<void()> job) {
    return run_on_workers(*this, std::move(job));
}

MAILQUAY_DECL std::size_t worker_pool::waiting() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->jobs.size();
}

MAILQUAY_DECL void worker_pool::drop_waiting() noexcept {
    std::deque<unique_function<void()>> dropped;  // outside the lock: what they hold may be anything
    std::lock_guard const lock{state_->mutex};
    dropped.swap(state_->jobs);
}

namespace detail {

/// A job and the coroutine that waits for it.
template <class Handler>
class awaited_job {
public:
    awaited_job(Handler handler, unique_function<void()> job)
        : executor_(asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked)),
          handler_(std::move(handler)),
          job_(std::move(job)) {}

    void run() {
        job_();
        job_ = nullptr;
        go_on();
    }
    // Nothing that counts as work of the context is left here when `post` returns: the coroutine may have ended by then, and its context
    // with it.
    void go_on() {
        auto const executor = asio::prefer(executor_, asio::execution::outstanding_work.untracked);
        asio::post(executor, [work = std::move(executor_), handler = std::move(handler_)]() mutable {
            auto goes_on = std::move(handler);
            goes_on();
        });
    }

private:
    using plain_executor = asio::associated_executor_t<Handler>;
    // Tracked: a context whose coroutines all wait for workers must not run dry.
    using working_executor =
        std::decay_t<decltype(asio::prefer(std::declval<plain_executor>(), asio::execution::outstanding_work.tracked))>;
    working_executor executor_;
    Handler handler_;
    unique_function<void()> job_;
};

/// Called once the coroutine is suspended, so that the job cannot be done before.
struct start_on_workers {
    start_on_workers(workers& to, unique_function<void()>& what, bool& was_taken) noexcept
        : pool(&to), job(&what), taken(&was_taken) {}

    template <class Handler>
    void operator()(Handler&& handler) const {
        using kept = awaited_job<std::decay_t<Handler>>;
        // Shared, because the pool destroys a job it refuses, and the coroutine must go on even so.
        auto const waiting = std::make_shared<kept>(std::forward<Handler>(handler), std::move(*job));
        bool* const was_taken = taken;
        if (pool->post([waiting] { waiting->run(); })) return;  // the coroutine may have gone on already
        *was_taken = false;
        waiting->go_on();
    }

    workers* pool;
    unique_function<void()>* job;
    bool* taken;
};

}  // namespace detail

MAILQUAY_DECL asio::awaitable<void> run_on_workers(workers& pool, unique_function<void()> job) {
    bool taken = true;
    detail::start_on_workers start{pool, job, taken};
    asio::use_awaitable_t<> const token{};
    auto done = asio::async_initiate<asio::use_awaitable_t<> const, void()>(start, token);
    co_await std::move(done);
    if (!taken) throw workers_busy{};
}

}  // namespace mailquay::inline MAILQUAY_ABI
