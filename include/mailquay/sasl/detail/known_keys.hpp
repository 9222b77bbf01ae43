#pragma once

#include <mailquay/base/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// Keys with a beginning and an expiry, so many at most; a new one pushes out what was put longest ago.
///
/// Thread safety: safe.
class known_keys {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit known_keys(std::size_t most) : most_(most) {}

    /// One that is there already begins no later than it did.
    void put(std::string key, time_point from, time_point expiry) {
        std::lock_guard const lock{mutex_};
        if (auto const found = by_key_.find(key); found != by_key_.end()) {
            kept& there = *found->second;
            if (there.expiry > from) from = std::min(from, there.from);
            there.from = from, there.expiry = expiry;
            by_age_.splice(by_age_.end(), by_age_, found->second);
            return;
        }
        while (by_age_.size() >= most_) drop(by_age_.begin());
        by_age_.push_back(kept{std::move(key), from, expiry});
        by_key_.emplace(by_age_.back().key, std::prev(by_age_.end()));
    }

    bool has(std::string_view key, time_point now) {
        std::lock_guard const lock{mutex_};
        auto const found = by_key_.find(key);
        if (found == by_key_.end()) return false;
        if (found->second->expiry > now) return found->second->from <= now;
        drop(found->second);
        return false;
    }

private:
    struct kept {
        std::string key;
        time_point from;
        time_point expiry;
    };
    using keys = std::list<kept>;

    void drop(keys::iterator gone) {
        by_key_.erase(gone->key);
        by_age_.erase(gone);
    }

    std::mutex mutex_{};
    std::size_t most_;
    keys by_age_{};  // put longest ago first
    std::unordered_map<std::string_view, keys::iterator> by_key_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
