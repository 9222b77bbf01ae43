#pragma once

#include <mailquay/server/memory_store.hpp>

#include <charconv>
#include <list>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

// Goal: every operation logarithmic, so that a full store costs no sweep: one list by age, one index by key, one by expiry.
struct memory_store::state {
    using time_point = std::chrono::steady_clock::time_point;
    struct entry {
        std::string key;
        std::string value;
        time_point expiry;  // max(): never
    };
    using place = std::list<entry>::iterator;

    state(memory_store_config bounds, std::shared_ptr<mailquay::clock> time) : config(bounds), clock(std::move(time)) {}

    static time_point expiry_at(time_point now, std::chrono::seconds ttl) noexcept {
        if (ttl <= std::chrono::seconds::zero()) return time_point::max();
        auto const most = std::chrono::duration_cast<std::chrono::seconds>(time_point::max() - now);
        return ttl >= most ? time_point::max() : now + ttl;
    }

    void drop(place gone) {
        octets -= gone->key.size() + gone->value.size();
        by_expiry.erase({gone->expiry, &*gone});
        by_key.erase(std::string_view{gone->key});
        by_age.erase(gone);
    }

    place find(std::string_view key, time_point now) {
        auto const found = by_key.find(key);
        if (found == by_key.end()) return by_age.end();
        place const here = found->second;
        if (here->expiry > now) return here;
        drop(here);
        return by_age.end();
    }

    void drop_expired(time_point now) {
        while (!by_expiry.empty() && by_expiry.begin()->first <= now)
            drop(by_key.find(std::string_view{by_expiry.begin()->second->key})->second);
    }

    result<void> put(place old, std::string key, std::string value, time_point expiry, time_point now) {
        std::size_t const more = key.size() + value.size();
        if (more > config.octets) return std::make_error_code(std::errc::not_enough_memory);
        if (old != by_age.end()) drop(old);
        if (full(more)) drop_expired(now);
        while (full(more)) drop(by_age.begin());
        by_age.push_back({std::move(key), std::move(value), expiry});
        place const here = std::prev(by_age.end());
        by_key.emplace(here->key, here);
        by_expiry.emplace(expiry, &*here);
        octets += more;
        return {};
    }
    bool full(std::size_t more) const noexcept { return by_age.size() >= config.entries || octets + more > config.octets; }

    memory_store_config config;
    std::shared_ptr<mailquay::clock> clock;
    std::mutex mutable mutex{};
    std::list<entry> by_age{};  // written longest ago first
    std::unordered_map<std::string_view, place> by_key{};
    std::set<std::pair<time_point, entry const*>> by_expiry{};
    std::size_t octets = 0;
};

MAILQUAY_DECL memory_store::memory_store(memory_store_config config, std::shared_ptr<mailquay::clock> time) {
    if (config.entries == 0) throw std::invalid_argument("memory_store_config::entries is 0: nothing could be kept");
    if (config.octets == 0) throw std::invalid_argument("memory_store_config::octets is 0: nothing could be kept");
    if (!time) throw std::invalid_argument("memory_store: no clock: leave it out for machine_clock()");
    state_ = std::make_unique<state>(config, std::move(time));
}

MAILQUAY_DECL memory_store::~memory_store() = default;

MAILQUAY_DECL eventual<result<std::optional<std::string>>> memory_store::get(std::string key) {
    auto const now = state_->clock->steady();
    std::lock_guard const lock{state_->mutex};
    auto const here = state_->find(key, now);
    std::optional<std::string> found;
    if (here != state_->by_age.end()) found = here->value;
    return found;
}

MAILQUAY_DECL eventual<result<void>> memory_store::set(std::string key, std::string value, std::chrono::seconds ttl) {
    auto const now = state_->clock->steady();
    std::lock_guard const lock{state_->mutex};
    auto const old = state_->find(key, now);
    return state_->put(old, std::move(key), std::move(value), state::expiry_at(now, ttl), now);
}

MAILQUAY_DECL eventual<result<std::int64_t>> memory_store::add(std::string key, std::int64_t delta, std::chrono::seconds ttl) {
    using answer = result<std::int64_t>;
    auto const now = state_->clock->steady();
    std::lock_guard const lock{state_->mutex};
    auto const here = state_->find(key, now);
    std::int64_t count = 0;
    auto expiry = state::expiry_at(now, ttl);
    if (here != state_->by_age.end()) {
        char const* const end = here->value.data() + here->value.size();
        auto const [stopped, failed] = std::from_chars(here->value.data(), end, count);
        if (failed != std::errc{} || stopped != end) return answer{std::make_error_code(std::errc::invalid_argument)};
        expiry = here->expiry;
    }
    if (__builtin_add_overflow(count, delta, &count)) return answer{std::make_error_code(std::errc::result_out_of_range)};
    auto const put = state_->put(here, std::move(key), std::to_string(count), expiry, now);
    return put ? answer{count} : answer{put.error()};
}

MAILQUAY_DECL eventual<result<bool>> memory_store::compare_and_set(std::string key, std::optional<std::string> expected,
                                                                   std::string value, std::chrono::seconds ttl) {
    auto const now = state_->clock->steady();
    std::lock_guard const lock{state_->mutex};
    auto const here = state_->find(key, now);
    bool const absent = here == state_->by_age.end();
    if (absent != !expected.has_value() || (!absent && here->value != *expected)) return result<bool>{false};
    auto const put = state_->put(here, std::move(key), std::move(value), state::expiry_at(now, ttl), now);
    return put ? result<bool>{true} : result<bool>{put.error()};
}

MAILQUAY_DECL eventual<result<bool>> memory_store::remove(std::string key) {
    auto const now = state_->clock->steady();
    std::lock_guard const lock{state_->mutex};
    auto const here = state_->find(key, now);
    if (here == state_->by_age.end()) return result<bool>{false};
    state_->drop(here);
    return result<bool>{true};
}

MAILQUAY_DECL std::size_t memory_store::size() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->by_age.size();
}

}  // namespace mailquay::inline MAILQUAY_ABI
