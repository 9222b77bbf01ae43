#pragma once

#include <mailquay/sink/impl/spool_engine.ipp>

#include <mailquay/protocol/replies.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

// The committer: one thread that writes what all sessions have handed over, with one sync for each group.

namespace mailquay::inline MAILQUAY_ABI::detail {

// How long what needs no sync of its own may wait for one.
constexpr std::int64_t spool_lazy_sync_ms = 1000;

inline std::error_code no_room() noexcept { return {ENOSPC, std::system_category()}; }

MAILQUAY_DECL void spool_engine::run() {
    item_list batch;
    for (bool ending = false; !ending;) {
        {
            std::unique_lock lock{queue_mutex_};
            // The clock of the settings may be a test's; waiting is always by the machine's.
            auto const patience = std::chrono::milliseconds{unsynced_ ? 100 : 1000};
            queue_wake_.wait_for(lock, patience, [&] { return ending_ || !waiting_.empty() || !abandoned_.empty(); });
            batch.swap(waiting_);
            waiting_octets_ = 0;
            ending = ending_ && batch.empty() && abandoned_.empty();
        }
        refuse_known(batch);
        cancel_abandoned(batch);
        commit(batch);
        batch.clear();
        keep_house();
    }
    if (unsynced_) (void)sync_journal();
    if (to_cancel_.empty()) remove_large();
}

MAILQUAY_DECL bool spool_engine::any_poisoned() const noexcept {
    auto const& all = journal_.segments();
    return std::any_of(all.begin(), all.end(), [](auto const& one) { return one->poisoned; });
}

// Of what the journal says for good to be gone.
MAILQUAY_DECL void spool_engine::remove_large() {
    for (std::string const& path : large_to_remove_) (void)files().remove(path);
    large_to_remove_.clear();
}

// Whoever waited was told that it failed: it must not be delivered as well.
MAILQUAY_DECL void spool_engine::cancel_abandoned(item_list& batch) {
    for (transaction_id const& id : abandoned_) {
        auto cancel = std::make_unique<spool_item>();
        cancel->record.seal(spool_record_type::cancel, id, 0);
        cancel->withdraws = true;
        batch.push_back(std::move(cancel));
    }
    abandoned_.clear();
}

MAILQUAY_DECL std::string spool_engine::mark_fields() const {
    std::string fields;
    append_spool_number(fields, spool_tag::wall_time, wall_ms());
    std::int64_t const frozen = frozen_until_.load() - steady_ms();
    if (frozen > 0) append_spool_number(fields, spool_tag::frozen, static_cast<std::uint64_t>(frozen));
    return fields;
}

// An id that comes again would take the place of the message that has it.
MAILQUAY_DECL void spool_engine::refuse_known(item_list& batch) {
    ids_.clear();
    bool any_known = false;
    {
        std::lock_guard const lock{index_mutex_};
        for (auto const& one : batch) {
            if (!is_message(*one)) continue;
            ids_.push_back(key_of(one->record.header.id));
            any_known = any_known || index_.contains(ids_.back());
        }
    }
    std::sort(ids_.begin(), ids_.end());
    if (!any_known && std::adjacent_find(ids_.begin(), ids_.end()) == ids_.end()) return;
    std::set<key> seen;
    std::erase_if(batch, [&](std::unique_ptr<spool_item>& one) {
        if (!is_message(*one)) return false;
        key const id = key_of(one->record.header.id);
        if (seen.insert(id).second && !find(one->record.header.id)) return false;
        settings_.log.error([&] { return fmt::format("spool: a message {} is there already; another one is refused", one->record.header.id.view()); });
        finish(*one, std::make_error_code(std::errc::file_exists));
        return true;
    });
}

MAILQUAY_DECL void spool_engine::commit(std::span<std::unique_ptr<spool_item>> batch) {
    while (!batch.empty()) {
        std::uint64_t const room = journal_.room();
        std::uint64_t octets = 0;
        std::uint64_t outcomes = outcome_octets();
        std::size_t count = 0;
        for (; count < batch.size(); ++count) {
            spool_item const& one = *batch[count];
            std::uint64_t const more = one.record.octets();
            if (octets + more > room) break;
            if (is_message(one)) {
                // Room for its outcomes comes first: they must be written when the disk is full.
                std::uint64_t const with_its = outcomes + spool_outcome_room(one.recipients);
                if (is_held_back() || !keep_reserve(with_its)) break;
                outcomes = with_its;
            }
            octets += more;
        }
        if (count == 0) {
            spool_item& first = *batch.front();
            bool const urgent = !is_message(first);
            std::error_code failed;
            if (!urgent && (is_held_back() || !keep_reserve(outcomes + spool_outcome_room(first.recipients)))) failed = no_room();
            if (!failed && first.record.octets() <= journal_.room()) continue;
            if (!failed)
                if (auto const made = new_segment(first.record.octets(), urgent); !made) failed = made.error();
            if (!failed) continue;
            if (&storage_reply(failed) == &replies::no_storage) room_left_ = false;
            finish(first, failed);
            batch = batch.subspan(1);
            continue;
        }
        commit_group(batch.first(count));
        batch = batch.subspan(count);
    }
}

MAILQUAY_DECL result<void> spool_engine::new_segment(std::uint64_t needed, bool urgent) {
    if (unsynced_) {
        if (auto const synced = sync_journal(); !synced) {
            poisoned({}, synced.error());
            return synced;
        }
    }
    if (auto const made = journal_.rotate(needed, urgent); !made) return made;
    (void)keep_reserve(outcome_octets());  // without which no message is taken; what was just made stays for outcomes
    return {};
}

MAILQUAY_DECL std::uint64_t spool_engine::outcome_octets() const {
    std::lock_guard const lock{index_mutex_};
    return outcome_octets_;
}

MAILQUAY_DECL bool spool_engine::keep_reserve(std::uint64_t octets) {
    reserved_ = journal_.reserve(octets).has_value();
    return reserved_;
}

MAILQUAY_DECL void spool_engine::commit_group(std::span<std::unique_ptr<spool_item>> group) {
    std::vector<journal_record*> records;
    records.reserve(group.size());
    bool any_synced = false;
    for (auto& one : group) {
        records.push_back(&one->record);
        any_synced = any_synced || one->synced;
    }
    auto written = journal_.append(records, any_synced ? mark_fields() : std::string{});
    if (!written) return poisoned(group, written.error());
    if (!std::exchange(unsynced_, true)) sync_by_ = steady_ms() + spool_lazy_sync_ms;
    for (auto& one : group)
        if (!one->synced) finish(*one, {});
    if (!any_synced) return;
    if (auto const synced = sync_journal(); !synced) return poisoned(group, synced.error());
    for (auto& one : group)
        if (one->synced) finish(*one, {});
}

MAILQUAY_DECL result<void> spool_engine::sync_journal() {
    if (!journal_.has_active()) return {};
    auto synced = journal_.sync();
    if (!synced) return synced;
    unsynced_ = false;
    wall_on_disk_ = wall_ms();
    // Of a file that failed nothing is known: what it told of stays noted until rescue() has written it elsewhere.
    if (any_poisoned()) return synced;
    remove_large();
    changed_.clear();
    gone_.clear();
    return synced;
}

MAILQUAY_DECL void spool_engine::finish(spool_item& item, std::error_code failed) {
    if (!item.done && !item.wait && failed) {
        if (item.withdraws) to_cancel_.push_back(item.record.header.id);
        return;
    }
    bool const message = is_message(item);
    auto waiting = spool_wait::waiting;
    bool const abandoned = item.wait && !item.wait->compare_exchange_strong(waiting, spool_wait::answered);
    if (!failed) {
        std::lock_guard const lock{index_mutex_};
        apply(item.record, item.give_back, item.flush);
        if (abandoned) withhold(item.record.header.id);
    }
    if (item.done) {
        auto done = std::move(item.done);
        item.done = nullptr;
        done(failed);
    }
    if (!message) return;
    // Nobody else removes these; not before it is on the disk that their records mean nothing.
    if (failed && item.large && (abandoned || failed == spool_cannot_say())) large_to_remove_.push_back(large_path(item.record.header.id.view()));
    if (failed) return;
    if (abandoned) abandoned_.push_back(item.record.header.id);
    else wake_reader();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
