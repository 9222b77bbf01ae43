#pragma once

#include <mailquay/server/hook_runner.hpp>
#include <mailquay/server/loop.hpp>

#include <asio/any_io_executor.hpp>

#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Runs hooks that answer later as coroutines on an executor. A hook that throws answers `451 4.3.0`.
class MAILQUAY_API asio_hook_runner final : public hook_runner {
public:
    explicit asio_hook_runner(asio::any_io_executor runs_on) : runs_on_(std::move(runs_on)) {}
    MAILQUAY_DECL ~asio_hook_runner() override;

    MAILQUAY_DECL void start(eventual<verdict> hook, connection& asks, hook_question asked) override;
    MAILQUAY_DECL void start(eventual<delivery> hook, connection& asks, hook_question asked) override;
    MAILQUAY_DECL void start(eventual<reply> hook, connection& asks, hook_question asked) override;
    MAILQUAY_DECL void start(eventual<auth_step> hook, connection& asks, hook_question asked) override;

private:
    asio::any_io_executor runs_on_;
};

/// A shard's loop on an Asio executor.
///
/// Lifetime: what it started and set does not keep it; once it is gone nothing is told any more.
/// Thread safety: unsafe, but for `post()`; use the executor, which must run one thing at a time.
class MAILQUAY_API asio_loop final : public loop {
public:
    using time_point = loop::time_point;

    /// @throws std::system_error if the system has no descriptor for it
    MAILQUAY_DECL explicit asio_loop(asio::any_io_executor runs_on, reactor_choice waits_by = reactor_choice::best,
                                     loop_turns const* own = nullptr);
    MAILQUAY_DECL ~asio_loop() override;

    /// Who hears batches and alarms; must outlive the loop, or be taken back by null.
    MAILQUAY_DECL void tell(batch_listener* batches, alarm_listener* rings) noexcept;
    asio::any_io_executor const& executor() const noexcept { return runs_on_; }

    mailquay::reactor& reactor() noexcept override { return *reactor_; }
    hook_runner& hooks() noexcept override { return hooks_; }
    MAILQUAY_DECL time_point now() const noexcept override;
    MAILQUAY_DECL std::chrono::system_clock::time_point wall() const noexcept override;
    MAILQUAY_DECL void set_alarm(shard_alarm which, std::chrono::milliseconds delay) override;
    MAILQUAY_DECL void post(unique_function<void()> task) override;

private:
    struct timers;

    asio::any_io_executor runs_on_;
    std::unique_ptr<mailquay::reactor> reactor_;
    asio_hook_runner hooks_;
    std::shared_ptr<timers> timers_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/asio_loop.ipp>
#endif
