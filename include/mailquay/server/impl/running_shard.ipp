#pragma once

#include <mailquay/base/log_fields.hpp>
#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/asio_loop.hpp>
#include <mailquay/server/listener.hpp>
#include <mailquay/server/server.hpp>
#include <mailquay/server/shard.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

// A shard of a running server with its listeners, and how several of them end together.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// After the grace: time for last words and cancelled hooks.
inline constexpr std::chrono::milliseconds after_grace{3000};

/// A shard of a server with its listeners. All but the construction happens on its executor.
class running_shard : public std::enable_shared_from_this<running_shard> {
public:
    using ended = unique_function<void(shutdown_report const&)>;

    running_shard(asio::any_io_executor runs_on, reactor_choice waits_by, loop_turns const* own, shard_limits limits,
                  std::shared_ptr<admission> door, logger log)
        : loop_(runs_on, waits_by, own), home_(new shard{loop_, limits, std::move(door), std::move(log)}), deadline_(runs_on) {
        loop_.tell(home_.get(), home_.get());
    }
    ~running_shard() { cut(); }

    /// From any thread.
    void begin_listener(std::unique_ptr<listen_socket> socket, std::shared_ptr<listener_setup const> setup) {
        auto listens = std::make_unique<listener>(*home_, std::move(socket), std::move(setup));
        on_executor([listens = std::move(listens)](running_shard& self) mutable { self.add(std::move(listens)); });
    }
    void use(std::vector<std::shared_ptr<listener_setup const>> setups) {
        on_executor([setups = std::move(setups)](running_shard& self) {
            for (std::size_t i = 0; i < self.listeners_.size() && i < setups.size(); ++i) self.listeners_[i]->use(setups[i]);
        });
    }
    void shutdown(std::chrono::steady_clock::time_point deadline, ended told) {
        on_executor([deadline, told = std::move(told)](running_shard& self) mutable { self.begin_shutdown(deadline, std::move(told)); });
    }
    /// Ends everything at once; on the executor, or when nothing runs there.
    void cut() noexcept {
        deadline_.cancel();
        listeners_.clear();
        home_->detach();
        loop_.tell(nullptr, nullptr);
        told_ = nullptr;
    }

private:
    template <class Task>
    void on_executor(Task task) {
        loop_.post([self = weak_from_this(), task = std::move(task)]() mutable {
            if (auto const alive = self.lock()) task(*alive);
        });
    }

    void add(std::unique_ptr<listener> added) {
        if (over_) return;
        if (shutting_down_) {
            report_.turned_away += added->stop();
            return;
        }
        if (auto const failure = added->start())
            home_->log().error([&] { return log_line{"error"}.add("what", "cannot watch a listening socket: " + failure.message()); });
        listeners_.push_back(std::move(added));
        home_->on_accept_again([this] {
            for (auto const& one : listeners_) one->accept_again();
        });
    }

    void begin_shutdown(std::chrono::steady_clock::time_point deadline, ended told) {
        if (over_) return;
        if (!shutting_down_) {
            shutting_down_ = true;
            told_ = std::move(told);
            report_.connections = home_->connections();
            before_ = home_->counts();
            home_->on_empty([this] { end_soon(); });
            home_->batch_begins();
            for (auto const& one : listeners_) report_.turned_away += one->stop();
            until_ = deadline;
            await_deadline();
            home_->stop();
            if (home_->connections() == 0) end_soon();
        } else if (deadline < until_) {
            until_ = deadline;
            await_deadline();
        }
    }
    void await_deadline() {
        if (forced_) return;
        auto const now = std::chrono::steady_clock::now();
        wait(until_ > now ? std::chrono::duration_cast<std::chrono::milliseconds>(until_ - now) : std::chrono::milliseconds{0});
    }
    void wait(std::chrono::milliseconds time) {
        asio_compat::restart(deadline_, time, [self = weak_from_this()](std::error_code failure) {
            auto const alive = self.lock();
            if (!failure && alive) alive->deadline_came();
        });
    }
    void deadline_came() {
        if (over_) return;
        if (forced_) return end();
        forced_ = true;
        report_.in_time = false;
        wait(after_grace);
        home_->stop_now();
    }
    // Not at once: the last connection is still on the stack.
    void end_soon() {
        on_executor([](running_shard& self) { self.end(); });
    }
    void end() {
        if (std::exchange(over_, true)) return;
        auto const alive = shared_from_this();
        report_.hooks_left = home_->hooks_running();
        report_.messages_accepted = home_->counts().messages_accepted - before_.messages_accepted;
        report_.messages_aborted = home_->counts().messages_aborted - before_.messages_aborted;
        auto told = std::move(told_);
        cut();
        if (told) told(report_);
    }

    asio_loop loop_;
    ref<shard> home_;
    std::vector<std::unique_ptr<listener>> listeners_;
    asio_compat::timer deadline_;
    std::chrono::steady_clock::time_point until_{};
    shard_counts before_{};
    shutdown_report report_{};
    ended told_;
    bool shutting_down_ = false;
    bool forced_ = false;
    bool over_ = false;
};

/// A shutdown that several shards take part in. Counts them down and tells the host.
struct shutdown_state {
    std::mutex mutex;
    std::vector<unique_function<void(shutdown_report const&)>> told;
    shutdown_report report;
    unique_function<void()> then;    // after all were told
    std::vector<std::shared_ptr<running_shard>> shards;
    std::size_t shards_left = 0;
    bool done = false;

    void one_ended(shutdown_report const& of_one) {
        std::vector<unique_function<void(shutdown_report const&)>> tell;
        {
            std::lock_guard const lock{mutex};
            report.connections += of_one.connections;
            report.turned_away += of_one.turned_away;
            report.messages_accepted += of_one.messages_accepted;
            report.messages_aborted += of_one.messages_aborted;
            report.hooks_left += of_one.hooks_left;
            report.in_time = report.in_time && of_one.in_time;
            if (--shards_left != 0) return;
            done = true;
            tell = std::move(told);
        }
        auto last = std::move(then);  // a host may destroy the server when it is told
        shutdown_report const whole = report;
        for (auto& one : tell)
            if (one) one(whole);
        if (last) last();
    }
};

}  // namespace detail

}  // namespace mailquay::inline MAILQUAY_ABI
