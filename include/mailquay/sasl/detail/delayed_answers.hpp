#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/handler/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// Answers that wait, so many for one user at once. A place is taken from before the credential is looked at until the answer is
/// due, also where its client is gone by then: to hang up makes nobody faster.
///
/// Thread safety: safe.
class delayed_answers : public std::enable_shared_from_this<delayed_answers> {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// One that is being judged. Its time begins when it is gone.
    class one {
    public:
        one(std::shared_ptr<delayed_answers> all, std::string user, std::chrono::milliseconds delay, std::shared_ptr<mailquay::clock> time)
            : all_(std::move(all)), user_(std::move(user)), delay_(delay), time_(std::move(time)) {}
        one(one const&) = delete;
        one& operator=(one const&) = delete;
        ~one() { all_->judged(user_, counts_ ? time_->steady() + delay_ : time_point::min()); }
        /// There was nothing to judge: the place is free.
        void forget() noexcept { counts_ = false; }

    private:
        std::shared_ptr<delayed_answers> all_;
        std::string user_;
        std::chrono::milliseconds delay_;
        std::shared_ptr<mailquay::clock> time_;
        bool counts_ = true;
    };

    explicit delayed_answers(std::size_t most) : most_(most) {}

    /// @return null if there is no place
    std::unique_ptr<one> begin(std::string const& user, std::chrono::milliseconds delay, std::shared_ptr<mailquay::clock> const& time) {
        auto const now = time->steady();
        std::lock_guard const lock{mutex_};
        sweep(now);
        auto& due = due_[user];
        drop_past(due, now);
        if (due.size() >= most_) return nullptr;
        due.reserve(most_);  // what comes after `made` does not throw
        auto made = std::make_unique<one>(shared_from_this(), user, delay, time);
        due.push_back(time_point::max());
        return made;
    }

    std::size_t users() const {
        std::lock_guard const lock{mutex_};
        return due_.size();
    }

private:
    static void drop_past(std::vector<time_point>& due, time_point now) {
        std::erase_if(due, [now](time_point one) { return one <= now; });
    }
    void judged(std::string const& user, time_point until) noexcept {
        std::lock_guard const lock{mutex_};
        auto const found = due_.find(user);
        if (found == due_.end()) return;
        auto const at = std::find(found->second.begin(), found->second.end(), time_point::max());
        if (at != found->second.end()) *at = until;
    }
    // Users who are not tried any more are forgotten, at a cost that is constant for each attempt.
    void sweep(time_point now) {
        if (due_.size() < sweep_at_) return;
        for (auto& [user, due] : due_) drop_past(due, now);
        std::erase_if(due_, [](auto const& user) { return user.second.empty(); });
        sweep_at_ = std::max<std::size_t>(64, 2 * due_.size());
    }

    std::mutex mutable mutex_{};
    std::size_t most_;
    std::size_t sweep_at_ = 64;
    std::unordered_map<std::string, std::vector<time_point>> due_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
