#pragma once

#include <mailquay/server/asio_loop.hpp>

#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/asio_reactor.hpp>
#include <mailquay/server/epoll_reactor.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

class asio_hook_frame final : public hook_frame {
public:
    using hook_frame::answered;
    using hook_frame::hook_frame;
    void cancel() noexcept override {
        try {
            signal_.emit(asio::cancellation_type::terminal);
        } catch (...) {  // the hook's deadline, or the end of the loop, comes all the same
        }
    }
    asio::cancellation_slot slot() noexcept { return signal_.slot(); }

private:
    asio::cancellation_signal signal_;
};

/// Takes a hook's answer; dropped uncalled when the loop is destroyed, which ends the frame without one.
template <class Answer>
struct hook_completion {
    explicit hook_completion(std::unique_ptr<asio_hook_frame> waits) : frame(std::move(waits)) {}
    void operator()(std::exception_ptr failed, Answer given) {
        auto const ended = std::move(frame);
        ended->answered(failed, std::move(given));
    }
    std::unique_ptr<asio_hook_frame> frame;
};

template <class Answer>
void start_hook(asio::any_io_executor const& runs_on, eventual<Answer>&& hook, connection& asks, hook_question asked) {
    auto frame = std::make_unique<asio_hook_frame>(asks, asked);
    auto const slot = frame->slot();
    asio::co_spawn(runs_on, std::move(hook).wait(), asio::bind_cancellation_slot(slot, hook_completion<Answer>{std::move(frame)}));
}

}  // namespace detail

MAILQUAY_DECL asio_hook_runner::~asio_hook_runner() = default;

MAILQUAY_DECL void asio_hook_runner::start(eventual<verdict> hook, connection& asks, hook_question asked) {
    detail::start_hook(runs_on_, std::move(hook), asks, asked);
}

MAILQUAY_DECL void asio_hook_runner::start(eventual<delivery> hook, connection& asks, hook_question asked) {
    detail::start_hook(runs_on_, std::move(hook), asks, asked);
}

MAILQUAY_DECL void asio_hook_runner::start(eventual<reply> hook, connection& asks, hook_question asked) {
    detail::start_hook(runs_on_, std::move(hook), asks, asked);
}

MAILQUAY_DECL void asio_hook_runner::start(eventual<auth_step> hook, connection& asks, hook_question asked) {
    detail::start_hook(runs_on_, std::move(hook), asks, asked);
}

struct asio_loop::timers {
    explicit timers(asio::any_io_executor const& runs_on) : all{asio_compat::timer{runs_on}, asio_compat::timer{runs_on}, asio_compat::timer{runs_on}} {}
    std::array<asio_compat::timer, alarms> all;
    alarm_listener* rings = nullptr;
};

namespace detail {

inline std::unique_ptr<reactor> make_reactor(asio::any_io_executor const& runs_on, reactor_choice waits_by, loop_turns const* own) {
#ifdef __linux__
    if (waits_by == reactor_choice::best) return std::make_unique<epoll_reactor>(runs_on, nullptr, own);
#endif
    static_cast<void>(waits_by);
    static_cast<void>(own);
    return std::make_unique<asio_reactor>(runs_on, nullptr);
}

}  // namespace detail

MAILQUAY_DECL asio_loop::asio_loop(asio::any_io_executor runs_on, reactor_choice waits_by, loop_turns const* own)
    : runs_on_(std::move(runs_on)), reactor_(detail::make_reactor(runs_on_, waits_by, own)), hooks_(runs_on_), timers_(std::make_shared<timers>(runs_on_)) {}

MAILQUAY_DECL asio_loop::~asio_loop() {
    timers_->rings = nullptr;
    for (auto& one : timers_->all) one.cancel();
}

MAILQUAY_DECL void asio_loop::tell(batch_listener* batches, alarm_listener* rings) noexcept {
    reactor_->tell(batches);
    timers_->rings = rings;
    if (rings != nullptr) return;
    for (auto& one : timers_->all) one.cancel();  // nothing keeps the host's context busy any more
}

MAILQUAY_DECL asio_loop::time_point asio_loop::now() const noexcept { return std::chrono::steady_clock::now(); }

MAILQUAY_DECL std::chrono::system_clock::time_point asio_loop::wall() const noexcept { return std::chrono::system_clock::now(); }

MAILQUAY_DECL void asio_loop::set_alarm(shard_alarm which, std::chrono::milliseconds delay) {
    auto& timer = timers_->all[static_cast<std::size_t>(which)];
    asio_compat::restart(timer, delay, [which, told = std::weak_ptr<timers>{timers_}](std::error_code failure) {
        if (failure) return;
        auto const alive = told.lock();
        if (alive && alive->rings != nullptr) alive->rings->rang(which);
    });
}

MAILQUAY_DECL void asio_loop::post(unique_function<void()> task) {
    asio::post(runs_on_, [task = std::move(task)]() mutable { task(); });
}

}  // namespace mailquay::inline MAILQUAY_ABI
