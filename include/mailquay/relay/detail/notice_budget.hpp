#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/config.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// How many notices strangers get: so many an hour to one address, and in all. Keeps no more addresses than notices of an hour.
///
/// Thread safety: unsafe.
class notice_budget {
public:
    notice_budget(unsigned per_address, unsigned per_hour) : per_address_(per_address), per_hour_(per_hour) {}

    /// Whether one more may go to this address now; it then counts.
    bool take(std::string_view address, std::chrono::steady_clock::time_point now) {
        if (now >= next_hour_) {
            next_hour_ = now + std::chrono::hours{1};
            in_all_ = 0;
            by_address_.clear();
        }
        if (in_all_ >= per_hour_) return false;
        unsigned& given = by_address_[to_lower_copy(address)];  // who differs in case alone is one
        if (given >= per_address_) return false;
        ++given;
        ++in_all_;
        return true;
    }

private:
    unsigned per_address_;
    unsigned per_hour_;
    unsigned in_all_ = 0;
    std::chrono::steady_clock::time_point next_hour_{};
    std::unordered_map<std::string, unsigned> by_address_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
