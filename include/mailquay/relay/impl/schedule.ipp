#include <mailquay/relay/detail/schedule.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

// One turn in so many is the lowest priority's.
constexpr unsigned turns_for_the_lowest = 8;

MAILQUAY_DECL std::string schedule::key_of(destination const& to) { return std::to_string(static_cast<unsigned>(to.way)) + to.name; }

MAILQUAY_DECL schedule::place& schedule::place_of(destination const& to) {
    auto const [found, is_new] = places_.try_emplace(key_of(to));
    if (is_new) found->second.allowed = limits_.first;
    return found->second;
}

MAILQUAY_DECL schedule::place const* schedule::find(destination const& to) const {
    auto const found = places_.find(key_of(to));
    return found == places_.end() ? nullptr : &found->second;
}

MAILQUAY_DECL bool schedule::may_begin(place const& of) const noexcept {
    bool const one_alone = !of.proved && 2 * probing_ >= most_probes();
    return !of.full && of.waiting != 0 && of.under_way < (one_alone ? std::min<std::size_t>(of.allowed, 1) : of.allowed);
}

MAILQUAY_DECL void schedule::take_turn(place_map::value_type& of) {
    if (of.second.in_turn || !may_begin(of.second)) return;
    of.second.in_turn = true;
    turns_.push_back(of.first);
}

MAILQUAY_DECL void schedule::insert(waiting_job job, bool first) {
    place& to = place_of(job.to);
    lane& among = to.lanes[job.priority];
    auto line = among.by_sender.find(job.sender);
    if (line == among.by_sender.end()) {
        auto const at = first ? among.turns.begin() : among.turns.end();
        line = among.by_sender.emplace(job.sender, among.turns.insert(at, line_of_sender{job.sender, {}})).first;
    }
    destination const where = job.to;
    if (first)
        line->second->jobs.push_front(std::move(job));
    else
        line->second->jobs.push_back(std::move(job));
    ++to.waiting;
    ++waiting_;
    take_turn(*places_.find(key_of(where)));
}

MAILQUAY_DECL void schedule::add(waiting_job job) { insert(std::move(job), false); }
MAILQUAY_DECL void schedule::put_back(waiting_job job) { insert(std::move(job), true); }

MAILQUAY_DECL waiting_job schedule::pick(place& from) {
    bool const lowest = ++from.picked % turns_for_the_lowest == 0;
    auto const at = lowest ? from.lanes.begin() : std::prev(from.lanes.end());
    lane& among = at->second;
    line_of_sender& line = among.turns.front();
    waiting_job job = std::move(line.jobs.front());
    line.jobs.pop_front();
    if (line.jobs.empty()) {
        among.by_sender.erase(line.sender);
        among.turns.pop_front();
        if (among.turns.empty()) from.lanes.erase(at);
    } else {
        among.turns.splice(among.turns.end(), among.turns, among.turns.begin());
    }
    --from.waiting;
    --waiting_;
    return job;
}

MAILQUAY_DECL std::optional<waiting_job> schedule::next(time_point now) {
    if (places_.size() >= sweep_at_) sweep(now);
    while (under_way_ < limits_.connections) {
        take_unproved();
        if (turns_.empty()) break;
        auto const found = places_.find(turns_.front());
        std::string key = std::move(turns_.front());
        turns_.pop_front();
        if (found == places_.end()) continue;
        place& of = found->second;
        if (!of.proved && probing_ >= most_probes()) {
            of.set_aside = true;
            unproved_.push_back(std::move(key));
            continue;
        }
        of.in_turn = false;
        if (!may_begin(of)) continue;
        waiting_job job = pick(of);
        if (!of.proved) {
            ++of.probes;
            ++probing_;
        }
        ++of.under_way;
        ++under_way_;
        take_turn(*found);
        return job;
    }
    return std::nullopt;
}

MAILQUAY_DECL schedule::place& schedule::end_one(destination const& to) {
    place& of = place_of(to);
    if (of.under_way > 0) --of.under_way;
    if (under_way_ > 0) --under_way_;
    if (of.probes > 0) {
        --of.probes;
        --probing_;
    }
    return of;
}

MAILQUAY_DECL void schedule::prove(place& of) {
    of.proved = true;
    probing_ -= std::exchange(of.probes, 0);
    if (std::exchange(of.set_aside, false)) of.in_turn = false;
}

// What was set aside comes first once there is room for a probe.
MAILQUAY_DECL void schedule::take_unproved() {
    while (probing_ < most_probes() && !unproved_.empty()) {
        std::string key = std::move(unproved_.front());
        unproved_.pop_front();
        auto const found = places_.find(key);
        if (found == places_.end() || !std::exchange(found->second.set_aside, false)) continue;
        turns_.push_front(std::move(key));
        return;
    }
}

MAILQUAY_DECL void schedule::succeeded(destination const& to) {
    place& of = end_one(to);
    of.rest.reset();
    of.failures = 0;
    prove(of);
    of.allowed = std::clamp<std::size_t>(std::max(of.allowed, std::min(limits_.first, limits_.per_destination)) + 1, 1, limits_.per_destination);
    take_turn(*places_.find(key_of(to)));
}

MAILQUAY_DECL void schedule::slowed(destination const& to) {
    place& of = end_one(to);
    of.allowed = std::max<std::size_t>(1, of.allowed / 2);
    take_turn(*places_.find(key_of(to)));
}

MAILQUAY_DECL bool schedule::failed(destination const& to, backed_off why, time_point now) {
    place& of = end_one(to);
    if (of.proved && of.under_way > 0) {
        of.allowed = of.under_way;
        return false;
    }
    bool const known = of.rest && now < of.rest->until;
    std::size_t const step = std::min<std::size_t>(of.failures, limits_.retry.size() - 1);
    if (!known) ++of.failures;
    why.until = known ? of.rest->until : now + (limits_.jitter ? limits_.jitter(limits_.retry[step]) : std::chrono::milliseconds{limits_.retry[step]});
    of.rest = std::move(why);
    of.proved = false;
    of.allowed = 1;
    return true;
}

MAILQUAY_DECL void schedule::full(destination const& to) {
    place& of = end_one(to);
    if (std::exchange(of.full, true)) return;
    full_.push_back(key_of(to));
}

MAILQUAY_DECL void schedule::retry_full() {
    while (!full_.empty()) {
        auto const found = places_.find(full_.front());
        std::string key = std::move(full_.front());
        full_.pop_front();
        if (found == places_.end() || !std::exchange(found->second.full, false)) continue;
        place& of = found->second;
        if (of.in_turn || of.waiting == 0 || of.under_way >= of.allowed) {
            take_turn(*found);
            continue;
        }
        of.in_turn = true;
        turns_.push_front(std::move(key));
        return;
    }
}

MAILQUAY_DECL void schedule::ended(destination const& to) {
    (void)end_one(to);
    take_turn(*places_.find(key_of(to)));
}

MAILQUAY_DECL backed_off const* schedule::resting(destination const& to, time_point now) const {
    place const* of = find(to);
    return of != nullptr && of->rest && now < of->rest->until ? &*of->rest : nullptr;
}

MAILQUAY_DECL void schedule::wake(destination const& to) {
    if (auto const found = places_.find(key_of(to)); found != places_.end() && found->second.rest) found->second.rest->until = {};
}

MAILQUAY_DECL std::vector<waiting_job> schedule::empty(place& of) {
    std::vector<waiting_job> all;
    all.reserve(of.waiting);
    for (auto& [priority, among] : of.lanes) {
        (void)priority;
        for (line_of_sender& line : among.turns)
            for (waiting_job& job : line.jobs) all.push_back(std::move(job));
    }
    of.lanes.clear();
    waiting_ -= of.waiting;
    of.waiting = 0;
    return all;
}

MAILQUAY_DECL std::vector<waiting_job> schedule::take(destination const& to) {
    auto const found = places_.find(key_of(to));
    return found == places_.end() ? std::vector<waiting_job>{} : empty(found->second);
}

MAILQUAY_DECL std::vector<waiting_job> schedule::take_all() {
    std::vector<waiting_job> all;
    for (auto& [key, of] : places_) {
        (void)key;
        for (waiting_job& job : empty(of)) all.push_back(std::move(job));
    }
    return all;
}

MAILQUAY_DECL std::vector<waiting_job> schedule::take_if(std::function<bool(waiting_job const&)> const& wanted) {
    std::vector<waiting_job> taken;
    for (auto& [key, of] : places_) {
        (void)key;
        for (auto at = of.lanes.begin(); at != of.lanes.end();) {
            lane& among = at->second;
            for (auto line = among.turns.begin(); line != among.turns.end();) {
                std::copy_if(line->jobs.begin(), line->jobs.end(), std::back_inserter(taken), std::cref(wanted));
                std::size_t const count = std::erase_if(line->jobs, std::cref(wanted));
                of.waiting -= count;
                waiting_ -= count;
                bool const empty = line->jobs.empty();
                if (empty) among.by_sender.erase(line->sender);
                line = empty ? among.turns.erase(line) : std::next(line);
            }
            at = among.turns.empty() ? of.lanes.erase(at) : std::next(at);
        }
    }
    return taken;
}

MAILQUAY_DECL bool schedule::is_slow(place const& of, time_point then) {
    return of.waiting != 0 && of.lanes.rbegin()->second.turns.front().jobs.front().since <= then;
}

MAILQUAY_DECL bool schedule::is_slow(destination const& to, time_point then) const {
    place const* of = find(to);
    return of != nullptr && is_slow(*of, then);
}

MAILQUAY_DECL std::vector<waiting_job> schedule::take_crowds(std::size_t most, time_point then) {
    std::vector<waiting_job> crowd;
    for (auto& [key, of] : places_) {
        (void)key;
        if (of.waiting <= most || !is_slow(of, then)) continue;
        std::vector<waiting_job> all = empty(of);
        std::vector<std::size_t> order(all.size());  // the longest wait first, and of equals the one that stood before
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(), [&all](std::size_t a, std::size_t b) {
            return all[a].since != all[b].since ? all[a].since < all[b].since : a < b;
        });
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (i < most) insert(std::move(all[order[i]]), false);
            else crowd.push_back(std::move(all[order[i]]));
        }
    }
    return crowd;
}

// A destination with nothing to do is forgotten, with what it had proved; one that rests is not before its time.
MAILQUAY_DECL void schedule::sweep(time_point now) {
    std::erase_if(places_, [&](auto const& one) {
        place const& of = one.second;
        return of.waiting == 0 && of.under_way == 0 && !of.full && (!of.rest || of.rest->until <= now);
    });
    sweep_at_ = std::max<std::size_t>(4096, 2 * places_.size());
}

MAILQUAY_DECL std::size_t schedule::waiting(destination const& to) const {
    place const* of = find(to);
    return of == nullptr ? 0 : of->waiting;
}

MAILQUAY_DECL std::size_t schedule::allowed(destination const& to) const {
    place const* of = find(to);
    return of == nullptr ? limits_.first : of->allowed;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
