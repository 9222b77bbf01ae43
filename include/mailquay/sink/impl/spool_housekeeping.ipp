#pragma once

#include <mailquay/sink/impl/spool_rescue.ipp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <vector>

// What the committer does between groups: space is given back, the clock is watched, room is counted.

namespace mailquay::inline MAILQUAY_ABI::detail {

constexpr std::int64_t spool_round_ms = 1000;
constexpr std::int64_t spool_move_pause_ms = 60 * 1000;  // after it failed
// The wall clock is written down at least so often, so that a jump over a restart is seen.
constexpr std::uint64_t spool_clock_note_ms = 10 * 60 * 1000;

MAILQUAY_DECL void spool_engine::reclaim() {
    auto const drop_empty = [&] {
        bool dropped = false;
        while (!journal_.segments().empty()) {
            spool_segment const& oldest = *journal_.segments().front();
            bool empty;
            {
                std::lock_guard const lock{index_mutex_};
                empty = oldest.live == 0;
            }
            if (!empty || oldest.poisoned || &oldest == journal_.active()) break;
            if (!journal_.remove(oldest.number)) break;
            // Oldest first also after a loss of power.
            if (!journal_.sync_folder()) break;
            dropped = true;
        }
        return dropped;
    };
    drop_empty();
    auto const& segments = journal_.segments();
    std::int64_t const now = steady_ms();
    if (now < move_again_ || segments.size() < 3 || segments.front().get() == journal_.active() || segments.front()->poisoned) return;
    std::uint64_t total = 0, live = 0;
    std::uint32_t const oldest = segments.front()->number;
    std::vector<key> keys;
    {
        std::lock_guard const lock{index_mutex_};
        for (auto const& one : segments) total += one->size, live += one->live;
        std::uint64_t const waste = total - std::min(total, live);
        if (waste < total / 2 || waste < 2 * settings_.segment_octets) return;
        for (auto const& [id, entry] : index_)
            if (entry.segment == oldest) keys.push_back(id);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<key> lost;
    if (auto const moved = move_messages(keys, false, &lost); !moved) {
        settings_.log.warning([&] { return fmt::format("spool: moving messages failed: {}", moved.error().message()); });
        move_again_ = now + spool_move_pause_ms;
        return;
    }
    forget_lost(lost);
    drop_empty();
}

MAILQUAY_DECL void spool_engine::look_at_clock() {
    std::uint64_t const wall = wall_ms();
    std::int64_t const steady = steady_ms();
    std::uint64_t const expected = wall_seen_ + static_cast<std::uint64_t>(steady - steady_seen_);
    if (wall > expected + clock_jump_ms) {
        frozen_until_ = steady + clock_freeze_ms;
        wall_on_disk_ = 0;  // a restart is to know it too: the next mark is due now
        settings_.log.warning([&] {
            return fmt::format("spool: the clock jumped forward by {} s; nothing expires for a day, or until clock-ok", (wall - expected) / 1000);
        });
    }
    wall_seen_ = wall;
    steady_seen_ = steady;
}

MAILQUAY_DECL void spool_engine::update_room() {
    auto const left = files().free_octets(folder_);
    std::uint64_t used = journal_.octets_on_disk();
    std::size_t messages;
    {
        std::lock_guard const lock{index_mutex_};
        used += large_octets_;
        messages = index_.size();
    }
    used_ = used;
    used += growing_.load();
    std::uint64_t spare = std::numeric_limits<std::uint64_t>::max();
    if (left) spare = *left - std::min(*left, settings_.free_octets);
    if (settings_.max_octets != 0) spare = std::min(spare, settings_.max_octets - std::min(used, settings_.max_octets));
    large_room_ = spare;
    bool const enough = accepting_ && (!left || *left >= settings_.free_octets) &&
                        reserved_ && (settings_.max_octets == 0 || used <= settings_.max_octets) &&
                        (settings_.max_messages == 0 || messages < settings_.max_messages);
    if (room_left_.exchange(enough) == enough) return;
    settings_.log.warning([&] {
        if (enough) return std::string("spool: there is room again");
        if (!accepting_) return std::string("spool: no room while the disk takes nothing; clients are told 452 4.3.1");
        return fmt::format("spool: no room: {} octets are free on the disk ({} are kept free), the spool has {} (at most {}) and {} messages; "
                           "clients are told 452 4.3.1",
                           left ? *left : 0, settings_.free_octets, used, settings_.max_octets, messages);
    });
}

MAILQUAY_DECL void spool_engine::keep_house() {
    std::int64_t const now = steady_ms();
    if (unsynced_ && now >= sync_by_) {
        std::string const mark = mark_fields();
        result<void> done = journal_.room() == 0 ? result<void>{} : journal_.append({}, mark);
        if (done) done = sync_journal();
        if (!done) poisoned({}, done.error());
    }
    if (!unsynced_ && to_cancel_.empty() && !any_poisoned()) remove_large();
    if (now < next_round_) return;
    next_round_ = now + spool_round_ms;
    look_at_clock();
    if (!accepting_.load() || !to_cancel_.empty() || any_poisoned()) {
        if (auto const saved = rescue(); saved) settings_.log.warning("spool: the disk writes again");
    }
    if (journal_.has_active() && wall_ms() > wall_on_disk_ + spool_clock_note_ms && journal_.room() > 0) {
        auto noted = journal_.append({}, mark_fields());
        if (noted) noted = sync_journal();
        if (!noted) poisoned({}, noted.error());
    }
    reclaim();
    if (!reserved_) (void)keep_reserve(outcome_octets() + spool_outcome_room(1));
    update_room();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
