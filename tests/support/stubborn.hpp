#pragma once

#include <asio/cancellation_signal.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <system_error>

namespace mailquay_test {

/// What a hook that ignores its cancellation waits for: until `open()`, or for ever.
class gate {
public:
    asio::awaitable<void> wait() {
        auto const runs_on = co_await asio::this_coro::executor;
        auto const deaf = asio::disable_cancellation{};
        co_await asio::this_coro::reset_cancellation_state(deaf);
        asio::steady_timer timer{runs_on, std::chrono::hours{24}};
        timer_ = &timer;
        ++waiting;
        std::error_code failure;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        timer_ = nullptr;
        --waiting;
    }
    void open() {
        if (timer_ != nullptr) timer_->cancel();
    }
    int waiting = 0;

private:
    asio::steady_timer* timer_ = nullptr;
};

}  // namespace mailquay_test
