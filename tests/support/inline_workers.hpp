#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/workers.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <atomic>
#include <optional>
#include <utility>

namespace mailquay_test {

/// Workers that do each job at once, where it is asked for; or none, when told to be busy.
struct inline_workers final : mailquay::workers {
    std::atomic<bool> busy{false};
    std::atomic<unsigned> jobs{0};

    bool post(mailquay::unique_function<void()> job) override {
        if (busy) return false;
        ++jobs;
        job();
        return true;
    }
    asio::awaitable<void> run(mailquay::unique_function<void()> job) override {
        if (!post(std::move(job))) throw mailquay::workers_busy{};
        co_return;
    }
};

template <class T>
asio::awaitable<void> keep_awaited(asio::awaitable<T> answer, std::optional<T>* got) {
    T value = co_await std::move(answer);
    got->emplace(std::move(value));
}

/// The value of an `eventual`, waited for on a context of its own. Throws what it throws.
template <class T>
T waited(mailquay::eventual<T> answer) {
    if (answer.ready()) return std::move(answer).value();
    asio::io_context io;
    std::optional<T> got;
    std::exception_ptr thrown;
    asio::co_spawn(io, keep_awaited<T>(std::move(answer).wait(), &got), [&](std::exception_ptr failed) { thrown = failed; });
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*got);
}

}  // namespace mailquay_test
