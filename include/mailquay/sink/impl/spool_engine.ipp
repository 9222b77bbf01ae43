#include <mailquay/sink/detail/spool_engine.hpp>

#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/protocol/replies.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI::detail {

// How long what needs no sync of its own may wait for one.
constexpr std::int64_t spool_lazy_sync_ms = 1000;
constexpr std::int64_t spool_round_ms = 1000;
// The wall clock is written down at least so often, so that a jump over a restart is seen.
constexpr std::uint64_t spool_clock_note_ms = 10 * 60 * 1000;
constexpr std::uint64_t clock_jump_ms = 60 * 60 * 1000;
constexpr std::int64_t clock_freeze_ms = 24 * 60 * 60 * 1000;
// Messages moved by one sync: bounds what is in memory meanwhile.
constexpr std::uint64_t spool_move_octets = 4 * 1024 * 1024;

inline bool is_message(spool_item const& item) noexcept { return item.record.header.type == spool_record_type::message; }
inline std::error_code no_room() noexcept { return {ENOSPC, std::system_category()}; }

[[noreturn]] inline void refuse_spool(std::string const& path, std::string const& why, std::string const& cure) {
    throw std::runtime_error("sinks::spool: \"" + path + "\" cannot be used: " + why + "; " + cure);
}

MAILQUAY_DECL spool_engine::spool_engine(std::string folder, sinks::spool_settings settings)
    : folder_(std::move(folder)),
      settings_(std::move(settings)),
      journal_(folder_ + "/journal", settings_.files, std::max<std::uint64_t>(settings_.segment_octets, 4096)) {
    take_folder();
    try {
        recover();
        committer_ = std::thread{[this] { run(); }};
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

MAILQUAY_DECL spool_engine::~spool_engine() {
    {
        std::lock_guard const lock{queue_mutex_};
        ending_ = true;
    }
    queue_wake_.notify_one();
    committer_.join();
    ::close(lock_);
}

// ---- at start

MAILQUAY_DECL void spool_engine::take_folder() {
    char const* const cure = "let the process own it, or name another folder";
    if (folder_.empty()) refuse_spool(folder_, "the name is empty", cure);
    std::error_code ec;
    std::filesystem::path const parent = std::filesystem::path(folder_).parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent, ec);
    for (char const* inside : {"", "/journal", "/large", "/damaged"}) {
        std::string const path = folder_ + inside;
        if (auto const made = files().make_folder(path); !made) refuse_spool(path, made.error().message(), cure);
    }
    if (auto const synced = files().sync_folder(folder_); !synced) refuse_spool(folder_, synced.error().message(), cure);
    if (!parent.empty()) (void)files().sync_folder(parent.string());

    // A lock of the system goes with the process that holds it, however it ends.
    std::string const path = folder_ + "/lock";
    lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0) refuse_spool(path, std::error_code(errno, std::system_category()).message(), cure);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        char owner[32] = {};
        auto const got = ::pread(lock_, owner, sizeof owner - 1, 0);
        std::string who{owner, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
        while (!who.empty() && (who.back() == '\n' || who.back() == '\0')) who.pop_back();
        ::close(lock_);
        refuse_spool(folder_, "process " + who + " has it", "end that process, or name another folder");
    }
    std::string const mine = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, mine.data(), mine.size(), 0) < 0) {
        std::string const why = std::error_code(errno, std::system_category()).message();
        ::close(lock_);
        refuse_spool(path, why, cure);
    }
}

MAILQUAY_DECL void spool_engine::recover() {
    auto const begun = settings_.clock->steady();
    wall_seen_ = wall_ms();
    steady_seen_ = steady_ms();
    if (auto const read = journal_.recover(*this); !read)
        refuse_spool(journal_.folder(), read.error().message(), "see whether the disk is well");
    compare_large_files();
    if (frozen_on_disk_ != 0) frozen_until_ = steady_ms() + static_cast<std::int64_t>(std::min<std::uint64_t>(frozen_on_disk_, clock_freeze_ms));
    if (wall_on_disk_ != 0 && wall_seen_ > wall_on_disk_ + clock_jump_ms) {
        frozen_until_ = steady_ms() + clock_freeze_ms;
        settings_.log.warning([&] {
            return fmt::format("spool: the clock is {} s ahead of the last run; nothing expires for a day, or until clock-ok",
                               (wall_seen_ - wall_on_disk_) / 1000);
        });
    }
    reclaim();
    update_room();
    settings_.log.info([&] {
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.clock->steady() - begun);
        return fmt::format("spool: {} messages in {} files read in {} ms, {} damaged places", index_.size(),
                           journal_.segments().size(), took.count(), damaged_at_start_);
    });
}

// Files that no record names were left by a crash; a record whose file is not there is damage.
MAILQUAY_DECL void spool_engine::compare_large_files() {
    auto const names = files().list(large_folder());
    if (!names) refuse_spool(large_folder(), names.error().message(), "see whether the disk is well");
    std::set<key> whole;
    for (std::string const& name : *names) {
        std::string const path = large_folder() + "/" + name;
        auto const id = transaction_id::parse(name);
        auto const known = id ? find(*id) : std::nullopt;
        if (!known) {
            (void)files().remove(path);
            continue;
        }
        auto const file = files().open(path);
        if (!file) continue;
        if (auto const size = files().size(*file); size && *size == known->octets) whole.insert(key_of(*id));
        (void)files().close(*file);
    }
    std::lock_guard const lock{index_mutex_};
    for (auto at = index_.begin(); at != index_.end();) {
        auto const next = std::next(at);
        if (at->second.large && !whole.contains(at->first)) {
            ++damaged_at_start_;
            std::string_view const id = transaction_id::from_number(at->first).view();
            note_damage(at->second.segment, at->second.offset, {}, std::string(id), "its file is missing or cut off");
            erase(at);
        }
        at = next;
    }
    large_to_remove_.clear();
    changed_.clear();
    gone_.clear();
    recovering_ = false;
}

MAILQUAY_DECL void spool_engine::on_record(spool_segment& in, std::uint64_t offset, spool_record_header const& header, std::string_view meta) {
    if (header.type == spool_record_type::mark) {
        spool_fields fields{meta};
        frozen_on_disk_ = 0;
        while (auto const field = fields.next()) {
            if (field->tag == spool_tag::wall_time) wall_on_disk_ = field->number().value_or(0);
            if (field->tag == spool_tag::frozen) frozen_on_disk_ = field->number().value_or(0);
        }
        return;
    }
    journal_record record;
    record.header = header;
    record.meta = meta;
    record.segment = in.number;
    record.offset = offset;
    std::lock_guard const lock{index_mutex_};
    apply(record, false);
}

MAILQUAY_DECL void spool_engine::on_damage(spool_segment& in, std::uint64_t offset, std::string_view octets, std::string_view id) {
    ++damaged_at_start_;
    note_damage(in.number, offset, octets, id, "not what was written");
}

MAILQUAY_DECL void spool_engine::on_torn_tail(spool_segment& in, std::uint64_t offset, std::uint64_t octets) {
    settings_.log.info([&] {
        return fmt::format("spool: {} octets at {} of {} were never finished, and are dropped", octets, offset, in.path);
    });
}

MAILQUAY_DECL void spool_engine::note_damage(std::uint32_t segment, std::uint64_t offset, std::string_view octets, std::string_view id,
                                             std::string_view why) const {
    std::string const name = fmt::format("{:010}-{:012}-{}", segment, offset, id.empty() ? "unknown" : id);
    settings_.log.error([&] {
        return fmt::format("spool: damage: {} octets at {} of segment {}, message {}: {}; kept as damaged/{}", octets.size(), offset,
                           segment, id.empty() ? "unknown" : id, why, name);
    });
    std::string const path = folder_ + "/damaged/" + name;
    auto const file = files().create(path);
    if (!file) return;  // known from an earlier start, or no room
    std::array<std::string_view, 1> const pieces{octets};
    (void)files().write(*file, pieces);
    (void)files().sync(*file);
    (void)files().close(*file);
    (void)files().sync_folder(folder_ + "/damaged");
}

// ---- handing over

MAILQUAY_DECL bool spool_engine::submit(std::unique_ptr<spool_item>& item) {
    std::size_t const octets = item->record.body.size() + item->record.meta.size() + sizeof(spool_item);
    bool was_empty;
    {
        std::lock_guard const lock{queue_mutex_};
        if (ending_) return false;
        if (item->record.header.type == spool_record_type::message && !waiting_.empty() &&
            waiting_octets_ + octets > settings_.waiting_octets)
            return false;
        was_empty = waiting_.empty();
        waiting_octets_ += octets;
        waiting_.push_back(std::move(item));
    }
    if (was_empty) queue_wake_.notify_one();
    return true;
}

MAILQUAY_DECL bool spool_engine::has_room(std::uint64_t octets) const noexcept {
    if (!room_left_.load(std::memory_order_relaxed) || !accepting_.load(std::memory_order_relaxed)) return false;
    if (settings_.max_octets != 0 && octets > settings_.max_octets) return false;
    // A small one goes into a segment, whose room is taken already.
    return octets <= settings_.memory_octets || octets <= large_room_.load(std::memory_order_relaxed);
}

MAILQUAY_DECL std::optional<verdict> spool_engine::refusal(std::uint64_t octets) const {
    if (has_room(octets)) return std::nullopt;
    return defer(replies::no_storage).because("spool: no room");
}

// ---- the committer

MAILQUAY_DECL void spool_engine::run() {
    item_list batch;
    for (bool ending = false; !ending;) {
        {
            std::unique_lock lock{queue_mutex_};
            // The clock of the settings may be a test's; waiting is always by the machine's.
            auto const patience = std::chrono::milliseconds{unsynced_ ? 100 : 1000};
            queue_wake_.wait_for(lock, patience, [&] { return ending_ || !waiting_.empty(); });
            batch.swap(waiting_);
            waiting_octets_ = 0;
            ending = ending_ && batch.empty();
        }
        commit(batch);
        batch.clear();
        keep_house();
    }
    if (unsynced_) (void)sync_journal();
    for (std::string const& path : large_to_remove_) (void)files().remove(path);
}

MAILQUAY_DECL std::string spool_engine::mark_fields() const {
    std::string fields;
    append_spool_number(fields, spool_tag::wall_time, wall_ms());
    std::int64_t const frozen = frozen_until_.load() - steady_ms();
    if (frozen > 0) append_spool_number(fields, spool_tag::frozen, static_cast<std::uint64_t>(frozen));
    return fields;
}

MAILQUAY_DECL void spool_engine::commit(std::span<std::unique_ptr<spool_item>> batch) {
    while (!batch.empty()) {
        std::uint64_t const room = journal_.room();
        std::uint64_t octets = 0;
        std::size_t count = 0;
        for (; count < batch.size(); ++count) {
            if (is_message(*batch[count]) && (!reserved_ || is_held_back())) break;
            std::uint64_t const more = batch[count]->record.octets();
            if (octets + more > room) break;
            octets += more;
        }
        if (count == 0) {
            spool_item& first = *batch.front();
            bool const urgent = !is_message(first);
            std::error_code failed;
            if (!urgent && !reserved_) keep_reserve();
            if (!urgent && (!reserved_ || is_held_back())) failed = no_room();
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
    keep_reserve();  // without which no message is taken; what was just made stays for outcomes
    return {};
}

MAILQUAY_DECL void spool_engine::keep_reserve() {
    std::uint64_t octets;
    {
        std::lock_guard const lock{index_mutex_};
        octets = outcome_octets_;
    }
    reserved_ = journal_.reserve(octets).has_value();
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
    // What the journal now says for good to be gone may go.
    for (std::string const& path : large_to_remove_) (void)files().remove(path);
    large_to_remove_.clear();
    changed_.clear();
    gone_.clear();
    return synced;
}

MAILQUAY_DECL void spool_engine::finish(spool_item& item, std::error_code failed) {
    if (!item.done && !item.wait && failed) return;
    bool const message = is_message(item);
    if (!failed) {
        std::lock_guard const lock{index_mutex_};
        apply(item.record, item.give_back);
    }
    auto waiting = spool_wait::waiting;
    bool const abandoned = item.wait && !item.wait->compare_exchange_strong(waiting, spool_wait::answered);
    if (item.done) {
        auto done = std::move(item.done);
        item.done = nullptr;
        done(failed);
    }
    if (failed || !message) return;
    if (abandoned) {
        // Whoever waited was told that it failed: it must not be delivered as well.
        auto cancel = std::make_unique<spool_item>();
        cancel->record.seal(spool_record_type::cancel, item.record.header.id, 0);
        (void)submit(cancel);
        return;
    }
    wake_reader();
}

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
        if (one->done && is_message(*one)) to_cancel_.push_back(one->record.header.id);
    to_cancel_.insert(to_cancel_.end(), gone_.begin(), gone_.end());
    gone_.clear();
    if (auto const saved = rescue(); !saved) {
        accepting_ = false;
        settings_.log.error([&] {
            return fmt::format("spool: the new file failed as well: {}; no mail is taken until the disk is well", saved.error().message());
        });
    }
    for (auto& one : group)
        if (one->done) finish(*one, why);
}

// Writes records into the active segment, or new ones, and syncs.
MAILQUAY_DECL result<void> spool_engine::write_now(std::span<journal_record* const> records) {
    while (!records.empty()) {
        std::uint64_t octets = 0;
        std::size_t count = 0;
        for (; count < records.size() && octets + records[count]->octets() <= journal_.room(); ++count) octets += records[count]->octets();
        if (count == 0) {
            if (auto const made = journal_.rotate(records.front()->octets(), true); !made) return made;
            continue;
        }
        auto written = journal_.append(records.first(count), mark_fields());
        if (written) written = sync_journal();
        if (!written) {
            journal_.poison_active();
            return written;
        }
        records = records.subspan(count);
    }
    return {};
}

MAILQUAY_DECL result<void> spool_engine::move_messages(std::span<key const> keys, bool from_disk, std::vector<key>* lost) {
    std::vector<journal_record> moved;
    std::uint64_t octets = 0;
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
        auto const old = read ? read_spool_envelope(read->meta, transaction_id::from_number(id)) : std::nullopt;
        if (!old) {
            std::string octets_there(static_cast<std::size_t>(entry.record_octets()), '\0');
            auto const got = files().read_at(segment->file, entry.offset, octets_there);
            note_damage(entry.segment, entry.offset, std::string_view{octets_there}.substr(0, got ? *got : 0),
                        transaction_id::from_number(id).view(), "lost when it was moved");
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
    return flush();
}

MAILQUAY_DECL result<void> spool_engine::rescue() {
    std::vector<key> changed = changed_;  // syncing the new file forgets them
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
    std::vector<key> lost;
    if (saved) saved = move_messages(keys, true, &lost);
    if (!saved) {
        changed_ = std::move(changed);
        return saved;
    }
    {
        std::lock_guard const lock{index_mutex_};
        for (key const id : lost)
            if (auto const place = index_.find(id); place != index_.end()) erase(place);
    }
    // Changes that were not synced are now in memory alone.
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    if (auto const moved = move_messages(changed, false, nullptr); !moved) {
        changed_ = std::move(changed);
        return moved;
    }
    // The poisoned file stays until it is the oldest: it may tell of outcomes of messages that stand before it.
    for (auto const& one : journal_.segments()) one->poisoned = false;
    to_cancel_.clear();
    accepting_ = true;
    return {};
}

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
    if (segments.size() < 3 || segments.front().get() == journal_.active() || segments.front()->poisoned) return;
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
        return;
    }
    if (!lost.empty()) {
        std::lock_guard const lock{index_mutex_};
        for (key const id : lost)
            if (auto const place = index_.find(id); place != index_.end()) erase(place);
    }
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
    std::uint64_t spare = std::numeric_limits<std::uint64_t>::max();
    if (left) spare = *left - std::min(*left, settings_.free_octets);
    if (settings_.max_octets != 0) spare = std::min(spare, settings_.max_octets - std::min(used, settings_.max_octets));
    large_room_ = spare;
    bool const enough = (!left || *left >= settings_.free_octets) &&
                        reserved_ && (settings_.max_octets == 0 || used <= settings_.max_octets) &&
                        (settings_.max_messages == 0 || messages < settings_.max_messages);
    if (room_left_.exchange(enough) != enough)
        settings_.log.warning(enough ? "spool: there is room again" : "spool: no room; clients are told 452 4.3.1");
}

MAILQUAY_DECL void spool_engine::keep_house() {
    std::int64_t const now = steady_ms();
    if (unsynced_ && now >= sync_by_) {
        std::string const mark = mark_fields();
        result<void> done = journal_.room() == 0 ? result<void>{} : journal_.append({}, mark);
        if (done) done = sync_journal();
        if (!done) poisoned({}, done.error());
    }
    if (now < next_round_) return;
    next_round_ = now + spool_round_ms;
    look_at_clock();
    if (!accepting_.load() || std::any_of(journal_.segments().begin(), journal_.segments().end(), [](auto const& one) { return one->poisoned; })) {
        if (auto const saved = rescue(); saved) settings_.log.warning("spool: the disk writes again");
    }
    if (journal_.has_active() && wall_ms() > wall_on_disk_ + spool_clock_note_ms && journal_.room() > 0) {
        auto noted = journal_.append({}, mark_fields());
        if (noted) noted = sync_journal();
        if (!noted) poisoned({}, noted.error());
    }
    reclaim();
    if (!reserved_) keep_reserve();
    update_room();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
