#include <mailquay/sink/offloaded.hpp>

#include <mailquay/protocol/replies.hpp>

#include <exception>
#include <optional>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

// What a job and the coroutine that waits for it have in common; it outlives whichever ends last. Without the workers: a job
// must not hold the last share of the pool it runs on.
struct offloaded_message {
    std::shared_ptr<offloaded_sink::blocking_handler> function;
    received_message message;
    std::optional<delivery> answer{};
    std::exception_ptr thrown{};

    void run() noexcept {
        try {
            answer = (*function)(std::move(message));
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    static unique_function<void()> job(std::shared_ptr<offloaded_message> work) {
        return [work = std::move(work)] { work->run(); };
    }
    delivery result() {
        if (thrown) std::rethrow_exception(thrown);
        return *std::move(answer);
    }
};

inline asio::awaitable<delivery> run_offloaded_message(std::shared_ptr<workers> pool, std::shared_ptr<offloaded_message> work) {
    try {
        unique_function<void()> job = offloaded_message::job(work);
        asio::awaitable<void> running = pool->run(std::move(job));
        co_await std::move(running);
    } catch (workers_busy const&) {
        work->answer = delivery{defer(replies::queue_full)};
    }
    co_return work->result();
}

}  // namespace detail

MAILQUAY_DECL offloaded_sink::offloaded_sink(blocking_handler function, std::uint64_t max_octets, std::uint64_t max_octets_in_all)
    : lent_(std::make_shared<lent>()),
      collects_(
          [lent = lent_, held = std::make_shared<blocking_handler>(std::move(function))](received_message message) {
              auto work = std::make_shared<detail::offloaded_message>(detail::offloaded_message{held, std::move(message)});
              return detail::run_offloaded_message(lent->pool, std::move(work));
          },
          max_octets, max_octets_in_all) {}

MAILQUAY_DECL offloaded_sink::~offloaded_sink() = default;
MAILQUAY_DECL offloaded_sink::offloaded_sink(offloaded_sink&&) noexcept = default;
MAILQUAY_DECL void offloaded_sink::lend(std::shared_ptr<workers> pool) {
    if (!lent_->pool) lent_->pool = std::move(pool);
}
MAILQUAY_DECL eventual<message_sink::opened> offloaded_sink::open(transaction const& mail) {
    if (!lent_->pool) throw std::logic_error("offloaded(): there are no workers: give it to a server, or call lend()");
    return collects_.open(mail);
}
MAILQUAY_DECL promises offloaded_sink::promised() const { return collects_.promised(); }

}  // namespace mailquay::inline MAILQUAY_ABI
