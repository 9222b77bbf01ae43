#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/handler/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// Answers that wait, so many for one user at once, and one for each network they wait for: nobody takes all places alone. One secret
/// that is tried often takes one place. It is taken from before the credential is looked at until the answer is due, also where its
/// client is gone by then: to hang up makes nobody faster.
///
/// Thread safety: safe.
class delayed_answers : public std::enable_shared_from_this<delayed_answers> {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Who asks for a place, and what he tries: `same` is what attempts have in common that are one guess, or empty.
    struct attempt {
        std::string user;
        std::string network;
        std::string same{};
    };

    /// One that is being judged. Its time begins when it is gone.
    class one {
    public:
        one(std::shared_ptr<delayed_answers> all, std::string user, std::uint64_t place, std::chrono::milliseconds delay,
            std::shared_ptr<mailquay::clock> time)
            : all_(std::move(all)), user_(std::move(user)), place_(place), delay_(delay), time_(std::move(time)) {}
        one(one const&) = delete;
        one& operator=(one const&) = delete;
        ~one() { all_->judged(user_, place_, counts_ ? time_->steady() + delay_ : time_point::min()); }
        /// There was nothing to judge: it takes no place any longer.
        void forget() noexcept { counts_ = false; }

    private:
        std::shared_ptr<delayed_answers> all_;
        std::string user_;
        std::uint64_t place_;
        std::chrono::milliseconds delay_;
        std::shared_ptr<mailquay::clock> time_;
        bool counts_ = true;
    };

    explicit delayed_answers(std::size_t most) : most_(most) {}

    /// @return null if there is no place
    std::unique_ptr<one> begin(attempt what, std::chrono::milliseconds delay, std::shared_ptr<mailquay::clock> const& time) {
        auto const now = time->steady();
        std::lock_guard const lock{mutex_};
        sweep(now);
        auto& places = taken_[what.user];
        drop_past(places, now);
        for (place& there : places) {
            if (!what.same.empty() && there.same == what.same) {
                auto shared = std::make_unique<one>(shared_from_this(), std::move(what.user), there.number, delay, time);
                ++there.judging;
                return shared;
            }
            if (there.network == what.network) return nullptr;
        }
        if (places.size() >= most_) return nullptr;
        places.reserve(places.size() + 1);  // what comes after `made` does not throw
        auto made = std::make_unique<one>(shared_from_this(), std::move(what.user), ++last_, delay, time);
        places.push_back(place{last_, std::move(what.network), std::move(what.same)});
        return made;
    }

    std::size_t users() const {
        std::lock_guard const lock{mutex_};
        return taken_.size();
    }

private:
    struct place {
        std::uint64_t number;
        std::string network;
        std::string same;
        unsigned judging = 1;
        time_point due = time_point::min();
    };

    static void drop_past(std::vector<place>& places, time_point now) {
        std::erase_if(places, [now](place const& there) { return there.judging == 0 && there.due <= now; });
    }
    void judged(std::string const& user, std::uint64_t number, time_point until) noexcept {
        std::lock_guard const lock{mutex_};
        auto const found = taken_.find(user);
        if (found == taken_.end()) return;
        for (place& there : found->second) {
            if (there.number != number) continue;
            --there.judging;
            there.due = std::max(there.due, until);
        }
    }
    // Users who are not tried any more are forgotten, at a cost that is constant for each attempt.
    void sweep(time_point now) {
        if (taken_.size() < sweep_at_) return;
        for (auto& [user, places] : taken_) drop_past(places, now);
        std::erase_if(taken_, [](auto const& user) { return user.second.empty(); });
        sweep_at_ = std::max<std::size_t>(64, 2 * taken_.size());
    }

    std::mutex mutable mutex_{};
    std::size_t most_;
    std::size_t sweep_at_ = 64;
    std::uint64_t last_ = 0;
    std::unordered_map<std::string, std::vector<place>> taken_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
