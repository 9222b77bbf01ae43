#pragma once

#include <mailquay/handler/eventual.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <utility>

/// Waits for hooks in tests.
namespace mailquay_test {

/// Gives `value` one turn of the loop later.
template <class T>
asio::awaitable<T> later(T value) {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    co_return value;
}

template <class T>
asio::awaitable<T> wait_for(mailquay::eventual<T> pending) {
    T value = co_await std::move(pending).wait();
    co_return value;
}

/// Runs a coroutine to its end; throws what it throws.
inline void run(asio::io_context& io, asio::awaitable<void> task) {
    std::exception_ptr failure;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr failed) { failure = failed; });
    io.restart();
    io.run();
    if (failure) std::rethrow_exception(failure);
}

// co_spawn() asks that a value can be made of nothing; not every answer can.
template <class T>
asio::awaitable<void> keep_value(asio::awaitable<T> task, std::optional<T>* kept) {
    T value = co_await std::move(task);
    kept->emplace(std::move(value));
}

template <class T>
T run(asio::io_context& io, asio::awaitable<T> task) {
    std::optional<T> kept;
    run(io, keep_value(std::move(task), &kept));
    return std::move(kept).value();
}

template <class T>
T run(asio::io_context& io, mailquay::eventual<T> pending) {
    if (pending.ready()) return std::move(pending).value();
    return run(io, wait_for(std::move(pending)));
}

}  // namespace mailquay_test
