#pragma once

#include <mailquay/sink/impl/spool_commit.ipp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

// After a failed write or sync: nothing more goes into that file, and what was acknowledged from it is moved to another.

namespace mailquay::inline MAILQUAY_ABI::detail {

// Messages moved by one sync: bounds what is in memory meanwhile.
constexpr std::uint64_t spool_move_octets = 4 * 1024 * 1024;

MAILQUAY_DECL void spool_engine::poisoned(std::span<std::unique_ptr<spool_item>> group, std::error_code why) {
    // A kernel that failed to write a page may call it clean: a later sync would succeed and lie. So nothing of this group
    // counts, and nothing goes into this file again.
    settings_.log.error([&] {
        return fmt::format("spool: writing {} failed: {}; its messages are moved to a new file",
                           journal_.active() != nullptr ? journal_.active()->path : std::string("the journal"), why.message());
    });
    journal_.poison_active();
    unsynced_ = false;
    for (auto& one : group)
        if (one->withdraws || (one->done && is_message(*one))) to_cancel_.push_back(one->record.header.id);
    if (auto const saved = rescue(); !saved) {
        accepting_ = false;
        settings_.log.error([&] {
            return fmt::format("spool: the new file failed as well: {}; no mail is taken until the disk is well", saved.error().message());
        });
    }
    // Where it is not on the disk that a message is refused, nobody may be told so: it may be there at the next start.
    std::error_code const told = to_cancel_.empty() ? why : spool_cannot_say();
    for (auto& one : group)
        if (one->done) finish(*one, is_message(*one) ? told : why);
}

// Writes records into the active segment, or new ones, and syncs.
MAILQUAY_DECL result<void> spool_engine::write_now(std::span<journal_record* const> records) {
    while (!records.empty()) {
        std::uint64_t octets = 0;
        std::size_t count = 0;
        for (; count < records.size() && octets + records[count]->octets() <= journal_.room(); ++count) octets += records[count]->octets();
        if (count == 0) {
            if (unsynced_)
                if (auto const synced = sync_journal(); !synced) {
                    journal_.poison_active();
                    unsynced_ = false;
                    return synced;
                }
            if (auto const made = journal_.rotate(records.front()->octets(), true); !made) return made;
            continue;
        }
        auto written = journal_.append(records.first(count), mark_fields());
        if (written) written = sync_journal();
        if (!written) {
            journal_.poison_active();
            unsynced_ = false;
            return written;
        }
        records = records.subspan(count);
    }
    return {};
}

MAILQUAY_DECL result<void> spool_engine::move_messages(std::span<key const> keys, bool from_disk, std::vector<key>* lost) {
    std::vector<journal_record> moved;
    std::uint64_t octets = 0;
    result<void> unreadable;
    auto const flush = [&]() -> result<void> {
        std::vector<journal_record*> records;
        for (journal_record& one : moved) records.push_back(&one);
        if (auto const written = write_now(records); !written) return written;
        std::lock_guard const lock{index_mutex_};
        for (journal_record const& one : moved) insert(one);
        moved.clear();
        octets = 0;
        return {};
    };
    for (key const id : keys) {
        spool_entry entry;
        std::shared_ptr<spool_segment> segment;
        spool_state state;
        {
            std::lock_guard const lock{index_mutex_};
            auto const place = index_.find(id);
            if (place == index_.end()) continue;
            entry = place->second;
            segment = journal_.find(entry.segment);
            state = state_of(entry);
        }
        if (!segment) continue;
        if (from_disk) (void)files().forget_cached(segment->file);
        auto read = spool_journal::read(*segment, entry.offset, true);
        if (!read && !from_disk && read.error() != damaged_octets()) {  // it stays where it is
            unreadable = read.error();
            continue;
        }
        auto const old = read ? read_spool_envelope(read->meta, transaction_id::from_number(id)) : std::nullopt;
        if (!old) {
            note_damage(entry.segment, entry.offset, octets_of(entry, segment.get()), transaction_id::from_number(id).view(),
                        "lost when it was moved");
            if (lost != nullptr) lost->push_back(id);
            continue;
        }
        state.large = old->state.large;
        state.bounce = old->state.bounce;
        journal_record record;
        copy_spool_envelope(record.meta, read->meta);
        state.append_to(record.meta);
        record.body = std::move(read->body);
        record.seal(spool_record_type::message, transaction_id::from_number(id), read->header.body_checksum);
        octets += record.octets();
        moved.push_back(std::move(record));
        if (octets >= spool_move_octets)
            if (auto const flushed = flush(); !flushed) return flushed;
    }
    if (auto const flushed = flush(); !flushed) return flushed;
    return unreadable;
}

MAILQUAY_DECL result<void> spool_engine::rescue() {
    std::vector<key> changed = changed_;  // syncing the new file forgets them
    to_cancel_.insert(to_cancel_.end(), gone_.begin(), gone_.end());
    gone_.clear();
    if (auto const synced = journal_.sync_folder(); !synced) return synced;
    if (!journal_.has_active())
        if (auto const made = journal_.rotate(0, true); !made) return made;
    std::vector<std::uint32_t> bad;
    for (auto const& one : journal_.segments())
        if (one->poisoned) bad.push_back(one->number);
    std::vector<key> keys;
    {
        std::lock_guard const lock{index_mutex_};
        for (auto const& [id, entry] : index_)
            if (std::find(bad.begin(), bad.end(), entry.segment) != bad.end()) keys.push_back(id);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<journal_record> cancels(to_cancel_.size() + 1);
    std::vector<journal_record*> records;
    for (std::size_t i = 0; i < to_cancel_.size(); ++i) {
        cancels[i].seal(spool_record_type::cancel, to_cancel_[i], 0);
        records.push_back(&cancels[i]);
    }
    cancels.back().meta = mark_fields();  // so that there is something to sync: the proof that the disk writes again
    cancels.back().seal(spool_record_type::mark, {}, 0);
    records.push_back(&cancels.back());
    auto saved = write_now(records);
    if (saved) to_cancel_.clear();
    std::vector<key> lost;
    if (saved) saved = move_messages(keys, true, &lost);
    if (!saved) {
        changed_ = std::move(changed);
        return saved;
    }
    forget_lost(lost);
    // Changes that were not synced are now in memory alone.
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    if (auto const moved = move_messages(changed, false, nullptr); !moved) {
        changed_ = std::move(changed);
        return moved;
    }
    // The poisoned file stays until it is the oldest: it may tell of outcomes of messages that stand before it.
    for (auto const& one : journal_.segments()) one->poisoned = false;
    changed_.clear();
    accepting_ = true;
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
