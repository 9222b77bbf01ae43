#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/workers.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// The job comes erased, so that a frame has no member of a type that only one file knows, and is made once per `T`.
template <class T>
asio::awaitable<T> offload_value(workers* pool, unique_function<T()> job) {
    std::optional<T> value;
    std::exception_ptr failure;
    // By reference is safe: a job that was taken ends before this frame can.
    auto const run_here = [&]() noexcept {
        try {
            value.emplace(job());
        } catch (...) {
            failure = std::current_exception();
        }
    };
    unique_function<void()> work{run_here};
    co_await pool->run(std::move(work));
    if (failure) std::rethrow_exception(failure);
    co_return *std::move(value);
}

inline asio::awaitable<void> offload_nothing(workers* pool, unique_function<void()> job) {
    std::exception_ptr failure;
    auto const run_here = [&]() noexcept {
        try {
            job();
        } catch (...) {
            failure = std::current_exception();
        }
    };
    unique_function<void()> work{run_here};
    co_await pool->run(std::move(work));
    if (failure) std::rethrow_exception(failure);
}

}  // namespace detail

/// Runs `job` on a worker; whoever awaits the answer goes on on his own executor. For what blocks.
///
/// The job is moved or copied in, and destroyed where it is awaited. What it throws comes out of the wait; so does
/// `workers_busy` when the queue is full, which a hook may let pass: the client is told `451 4.3.2`. It does not start
/// before it is awaited. Cancelled while it runs, the job runs to its end first.
///
/// @param pool  must outlive the answer
/// @return `eventual<T>` for a job that returns a `T`; `asio::awaitable<void>` for one that returns nothing
///
/// @code
/// eventual<verdict> validate(transaction const&, recipient const& to) override {
///     return offload(workers_, [this, name = std::string(to.local_part())] { return look_up(name); });
/// }
/// @endcode
template <class Job>
    requires std::is_invocable_v<std::decay_t<Job>&>
auto offload(workers& pool, Job&& job) {
    using answer = std::decay_t<std::invoke_result_t<std::decay_t<Job>&>>;
    unique_function<answer()> erased{std::forward<Job>(job)};
    if constexpr (std::is_void_v<answer>) {
        return detail::offload_nothing(&pool, std::move(erased));
    } else {
        return eventual<answer>{detail::offload_value<answer>(&pool, std::move(erased))};
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
