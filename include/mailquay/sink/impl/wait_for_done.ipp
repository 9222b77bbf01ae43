#include <mailquay/sink/detail/wait_for_done.hpp>

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

template <class Handler>
class suspended {
public:
    explicit suspended(Handler handler)
        : executor_(asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked)),
          handler_(std::move(handler)) {}

    // Nothing that counts as work of the context is left here when `post` returns: by then the coroutine may have gone on and ended, and
    // its context with it.
    void go_on() {
        auto const executor = asio::prefer(executor_, asio::execution::outstanding_work.untracked);
        asio::post(executor, [work = std::move(executor_), handler = std::move(handler_)]() mutable {
            auto goes_on = std::move(handler);
            goes_on();
        });
    }

private:
    using plain_executor = asio::associated_executor_t<Handler>;
    // Tracked: a context whose coroutines all wait must not run dry.
    using working_executor =
        std::decay_t<decltype(asio::prefer(std::declval<plain_executor>(), asio::execution::outstanding_work.tracked))>;
    working_executor executor_;
    Handler handler_;
};

/// Called once the coroutine is suspended, so that it cannot be told the end before.
struct start_waiting {
    start_waiting(unique_function<void(unique_function<void(std::error_code)>)>& what, std::error_code& answer) noexcept
        : start(&what), told(&answer) {}

    template <class Handler>
    void operator()(Handler&& handler) const {
        auto waiting = std::make_unique<suspended<std::decay_t<Handler>>>(std::forward<Handler>(handler));
        // The coroutine may go on, and end, before `begin` returns: nothing of its frame is used by then. `told` is, before.
        auto begin = std::move(*start);
        begin([waiting = std::move(waiting), answer = told](std::error_code failed) {
            *answer = failed;
            waiting->go_on();
        });
    }

    unique_function<void(unique_function<void(std::error_code)>)>* start;
    std::error_code* told;
};

MAILQUAY_DECL asio::awaitable<std::error_code> wait_for_done(unique_function<void(unique_function<void(std::error_code)>)> start) {
    std::error_code told;
    start_waiting starter{start, told};
    asio::use_awaitable_t<> const token{};
    auto done = asio::async_initiate<asio::use_awaitable_t<> const, void()>(starter, token);
    co_await std::move(done);
    co_return told;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
