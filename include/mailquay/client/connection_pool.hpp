#pragma once

#include <mailquay/base/unique_function.hpp>
#include <mailquay/client/pool_limits.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Keeps count of connections and who may have one: how many are open in all and to each destination, which are idle, and who
/// waits. Knows nothing of sockets or clocks but what it is told.
///
/// Each connection counts from the `open` or `reuse` that `acquire()` or a waiter got, until `closed()`.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
template <class Link>
class connection_pool {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using ticket = std::uint64_t;
    /// Gets a connection to use, or null: open one.
    using grant_handler = unique_function<void(std::shared_ptr<Link>)>;

    enum class outcome : std::uint8_t {
        reuse,    ///< `link` is an idle one
        open,     ///< open one
        waits,    ///< the handler is called later, unless `cancel(waits_as)` comes first
        refused,  ///< too many wait
    };
    struct grant {
        outcome what = outcome::refused;
        std::shared_ptr<Link> link{};
        ticket waits_as = 0;
        /// An idle connection of another destination that makes room: close it. It no longer counts.
        std::shared_ptr<Link> evicted{};
    };

    explicit connection_pool(pool_limits limits) : limits_(limits) {}

    /// @param fresh  an idle one will not do
    grant acquire(std::string const& key, bool fresh, grant_handler handler) {
        destination& to = at(key);
        if (!fresh && !to.idle.empty()) {
            grant given;
            given.what = outcome::reuse;
            given.link = std::move(to.idle.back().link);  // the last one used: the others may fall idle
            to.idle.pop_back();
            return given;
        }
        grant given;
        if (to.open >= limits_.per_destination && fresh && !to.idle.empty()) {
            given.evicted = drop_oldest(to);
        } else if (to.open < limits_.per_destination && open_ >= limits_.total) {
            given.evicted = drop_oldest_of_all();
            std::erase_if(destinations_, [&](auto const& one) { return one.first != key && unused(one.second); });
        }
        if (to.open < limits_.per_destination && open_ < limits_.total) {
            ++to.open, ++open_;
            given.what = outcome::open;
            return given;
        }
        if (waiting_ >= limits_.waiting) {
            forget_if_unused(key);
            return given;
        }
        given.what = outcome::waits;
        given.waits_as = ++last_ticket_;
        ++waiting_;
        to.waiters.push_back({given.waits_as, fresh, std::move(handler)});
        return given;
    }

    /// @return false if the handler was called already
    bool cancel(std::string const& key, ticket waits_as) {
        auto const found = destinations_.find(key);
        if (found == destinations_.end()) return false;
        bool const there = std::erase_if(found->second.waiters, [&](waiter const& one) { return one.as == waits_as; }) != 0;
        if (there) --waiting_;
        forget_if_unused(key);
        return there;
    }

    enum class returned : std::uint8_t {
        idle,         ///< it is kept
        handed_over,  ///< somebody waited for it
        unwanted,     ///< close it; then `closed()`
    };
    /// A connection that can carry a further message.
    returned give_back(std::string const& key, std::shared_ptr<Link> link, time_point now) {
        destination& to = at(key);
        // Where the total is what others wait for, who waited longest is next: a busy destination keeps no place for ever.
        if (waiting_ > to.waiters.size()) {
            destination const* const first = longest_waiting();
            if (first != nullptr && (to.waiters.empty() || first->waiters.front().as < to.waiters.front().as)) return returned::unwanted;
        }
        if (!to.waiters.empty()) {
            if (to.waiters.front().fresh) return returned::unwanted;  // its turn, and a new one is what it needs
            auto handler = take_waiter(to);
            handler(std::move(link));
            return returned::handed_over;
        }
        if (closed_for_good_) return returned::unwanted;
        to.idle.push_back({std::move(link), now + limits_.idle});
        return returned::idle;
    }

    /// A connection in use is no more; who waited longest may open another.
    void closed(std::string const& key) {
        destination& to = at(key);
        --to.open, --open_;
        forget_if_unused(key);
        destination* const next = longest_waiting();
        if (next == nullptr) return;
        ++next->open, ++open_;
        auto handler = take_waiter(*next);
        handler(nullptr);
    }

    /// An idle connection broke. @return whether it was idle; it no longer counts
    bool remove_idle(std::string const& key, Link const* link) {
        auto const found = destinations_.find(key);
        if (found == destinations_.end()) return false;
        bool const there = std::erase_if(found->second.idle, [&](idle_link const& one) { return one.link.get() == link; }) != 0;
        if (there) closed(key);
        return there;
    }

    /// Takes out what has been idle for too long; it no longer counts.
    std::vector<std::shared_ptr<Link>> take_expired(time_point now) {
        std::vector<std::shared_ptr<Link>> taken;
        std::vector<std::string> keys;
        for (auto& [key, one] : destinations_) {
            for (auto& idle : one.idle) {
                if (idle.until > now) continue;
                taken.push_back(std::move(idle.link));
                keys.push_back(key);
            }
            std::erase_if(one.idle, [](idle_link const& idle) { return idle.link == nullptr; });
        }
        for (std::string const& key : keys) closed(key);
        return taken;
    }
    /// When the next one will have been idle for too long.
    std::optional<time_point> next_expiry() const {
        std::optional<time_point> first;
        for (auto const& [key, one] : destinations_)
            for (auto const& idle : one.idle)
                if (!first || idle.until < *first) first = idle.until;
        return first;
    }

    /// Keeps nothing from now on. @return all idle ones; they no longer count
    std::vector<std::shared_ptr<Link>> close() {
        closed_for_good_ = true;
        return take_expired(time_point::max());
    }

    std::size_t open() const noexcept { return open_; }
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t idle() const noexcept {
        std::size_t count = 0;
        for (auto const& [key, one] : destinations_) count += one.idle.size();
        return count;
    }

private:
    struct idle_link {
        std::shared_ptr<Link> link;
        time_point until;
    };
    struct waiter {
        ticket as;
        bool fresh;
        grant_handler handler;
    };
    struct destination {
        std::size_t open = 0;
        std::deque<idle_link> idle{};     // the one used last is at the end
        std::deque<waiter> waiters{};
    };

    /// Of the destinations that may have a further connection, the one whose first waiter waited longest; null if nobody waits.
    destination* longest_waiting() {
        destination* found = nullptr;
        if (waiting_ == 0) return found;
        for (auto& [key, one] : destinations_) {
            if (one.waiters.empty() || one.open >= limits_.per_destination) continue;
            if (found == nullptr || one.waiters.front().as < found->waiters.front().as) found = &one;
        }
        return found;
    }

    static bool unused(destination const& one) noexcept { return one.open == 0 && one.waiters.empty(); }
    destination& at(std::string const& key) { return destinations_[key]; }
    void forget_if_unused(std::string const& key) {
        auto const found = destinations_.find(key);
        if (found != destinations_.end() && unused(found->second)) destinations_.erase(found);
    }
    grant_handler take_waiter(destination& of) {
        auto handler = std::move(of.waiters.front().handler);
        of.waiters.pop_front();
        --waiting_;
        return handler;
    }
    std::shared_ptr<Link> drop_oldest(destination& of) {
        auto link = std::move(of.idle.front().link);
        of.idle.pop_front();
        --of.open, --open_;
        return link;
    }
    std::shared_ptr<Link> drop_oldest_of_all() {
        destination* oldest = nullptr;
        for (auto& [key, one] : destinations_)
            if (!one.idle.empty() && (oldest == nullptr || one.idle.front().until < oldest->idle.front().until)) oldest = &one;
        return oldest == nullptr ? nullptr : drop_oldest(*oldest);
    }

    pool_limits limits_;
    std::map<std::string, destination> destinations_{};
    std::size_t open_ = 0;
    std::size_t waiting_ = 0;
    ticket last_ticket_ = 0;
    bool closed_for_good_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI
