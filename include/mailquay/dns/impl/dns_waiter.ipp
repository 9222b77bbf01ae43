#pragma once

#include <mailquay/dns/detail/dns_waiter.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/use_awaitable.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

template <class Handler>
class dns_waiter {
public:
    explicit dns_waiter(Handler handler)
        : executor_(asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked)),
          handler_(std::move(handler)) {}

    void go_on() {
        auto const executor = std::move(executor_);
        asio::post(executor, std::move(handler_));
    }

private:
    using plain_executor = asio::associated_executor_t<Handler>;
    // Tracked: a context whose coroutines all wait must not run dry.
    using working_executor =
        std::decay_t<decltype(asio::prefer(std::declval<plain_executor>(), asio::execution::outstanding_work.tracked))>;
    working_executor executor_;
    Handler handler_;
};

/// Called once the coroutine is suspended, so that it cannot be resumed before.
struct start_dns_wait {
    template <class Handler>
    void operator()(Handler&& handler) const {
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected() && how->cancelled) {
            auto cancelled = std::make_shared<unique_function<void()>>(std::move(how->cancelled));
            slot.assign([cancelled](asio::cancellation_type) { (*cancelled)(); });
        }
        auto waiter = std::make_unique<dns_waiter<std::decay_t<Handler>>>(std::forward<Handler>(handler));
        // The coroutine may go on, and end, before this returns: nothing of its frame is used by then.
        auto begin = std::move(how->begin);
        begin([waiter = std::move(waiter)] { waiter->go_on(); });
    }
    dns_wait* how;
};

MAILQUAY_DECL asio::awaitable<void> wait_for_dns(dns_wait* how) {
    start_dns_wait start{how};
    asio::use_awaitable_t<> const token{};
    auto done = asio::async_initiate<asio::use_awaitable_t<> const, void()>(start, token);
    co_await std::move(done);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
