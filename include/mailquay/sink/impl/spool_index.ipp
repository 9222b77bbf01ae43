#pragma once

#include <mailquay/sink/detail/spool_engine.hpp>

#include <mailquay/base/crc32c.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

/// Where the content of a claimed message is.
struct claimed_message::content {
    content() = default;
    content(content const&) = delete;
    content& operator=(content const&) = delete;
    ~content() {
        if (large >= 0) (void)files->close(large);
    }

    std::shared_ptr<file_operations> files{};
    std::shared_ptr<detail::spool_segment> segment{};
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    int large = -1;
};

MAILQUAY_DECL result<std::size_t> claimed_message::read(std::uint64_t offset, std::span<char> room) const {
    if (!source || offset >= octets) return std::size_t{0};
    auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), octets - offset));
    int const file = source->large >= 0 ? source->large : source->segment->file;
    return source->files->read_at(file, source->offset + offset, room.first(wanted));
}

namespace detail {

inline std::error_code no_such_message() noexcept { return {ENOENT, std::system_category()}; }

MAILQUAY_DECL std::uint64_t spool_entry::record_octets() const noexcept {
    return (spool_record_header::octets + meta_octets + (large ? 0 : octets) + 7) / 8 * 8;
}

inline std::uint64_t outcome_room(spool_entry const& entry) noexcept { return spool_outcome_room(entry.recipients); }

MAILQUAY_DECL spool_engine::key spool_engine::key_of(transaction_id const& id) noexcept {
    key number = 0;
    for (char const letter : id.view()) number = number * transaction_id::alphabet.size() + transaction_id::alphabet.find(letter);
    return number;
}

MAILQUAY_DECL std::int64_t spool_engine::steady_ms() const noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(settings_.clock->steady().time_since_epoch()).count();
}

MAILQUAY_DECL std::uint64_t spool_engine::wall_ms() const noexcept {
    auto const since = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.clock->wall().time_since_epoch()).count();
    return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

// ---- the index

MAILQUAY_DECL void spool_engine::drop_due(key id, spool_entry const& entry) { due_.erase({entry.due, id}); }

MAILQUAY_DECL void spool_engine::put_due(key id, spool_entry& entry, std::uint64_t due_ms, std::uint64_t wait_ms) {
    // However the wall clock was set meanwhile, nothing waits for longer than it was told to.
    std::uint64_t const now = wall_ms();
    std::uint64_t const left = due_ms > now ? std::min(due_ms - now, wait_ms) : 0;
    drop_due(id, entry);
    entry.due = steady_ms() + static_cast<std::int64_t>(left);
    bool const waits_for_notice = entry.recipients != 0 && entry.done == entry.recipients;
    if (!entry.held && !entry.claimed && !waits_for_notice) due_.insert({entry.due, id});
}

MAILQUAY_DECL spool_state spool_engine::state_of(spool_entry const& entry) const {
    spool_state state;
    state.accepted_ms = entry.accepted_ms;
    state.released_ms = entry.released_ms;
    std::int64_t const left = std::max<std::int64_t>(entry.due - steady_ms(), 0);
    state.wait_ms = static_cast<std::uint64_t>(left);
    state.due_ms = left == 0 ? entry.accepted_ms : wall_ms() + state.wait_ms;
    state.attempts = entry.attempts;
    state.held = entry.held;
    spool_fields fields{entry.progress};
    while (auto const field = fields.next()) (void)state.apply(*field);
    return state;
}

MAILQUAY_DECL void spool_engine::insert(journal_record const& record) {
    key const id = key_of(record.header.id);
    auto const [place, is_new] = index_.try_emplace(id);
    spool_entry& entry = place->second;
    if (!is_new)
        if (auto const before = journal_.find(entry.segment)) before->live -= std::min(before->live, entry.record_octets());
    spool_state state;
    std::string kept;
    std::uint32_t recipients = 0;
    spool_fields fields{record.meta};
    while (auto const field = fields.next()) {
        if (field->tag == spool_tag::recipient) ++recipients;
        (void)state.apply(*field);
        if (field->tag == spool_tag::outcome || field->tag == spool_tag::outcome_notice || field->tag == spool_tag::dsn_ordered ||
            field->tag == spool_tag::delay_told)
            append_spool_field(kept, field->tag, field->value);
    }
    if (!is_new) outcome_octets_ -= outcome_room(entry);
    if (!is_new && entry.large) large_octets_ -= entry.octets;
    entry.segment = record.segment;
    entry.offset = record.offset;
    entry.meta_octets = record.header.meta_octets;
    entry.recipients = recipients;
    entry.large = state.large.has_value();
    entry.octets = state.large ? state.large->octets : record.header.body_octets;
    entry.accepted_ms = state.accepted_ms;
    entry.released_ms = state.released_ms == 0 ? state.accepted_ms : state.released_ms;
    entry.attempts = state.attempts;
    entry.held = state.held;
    entry.done = static_cast<std::uint32_t>(state.final_outcomes());
    entry.progress = std::move(kept);
    outcome_octets_ += outcome_room(entry);
    if (entry.large) large_octets_ += entry.octets;
    if (auto const now = journal_.find(entry.segment)) now->live += entry.record_octets();
    for (transaction_id const& one : state.dsns) notices_.try_emplace(key_of(one), id);
    // Moved while it is used: only its place is another.
    if (is_new || recovering_) put_due(id, entry, state.due_ms, state.wait_ms);
    settle_notice(id);
    erase_if_finished(index_.find(id));
}

// Nobody may have it until its cancel is written.
MAILQUAY_DECL void spool_engine::withhold(transaction_id const& id) {
    auto const place = index_.find(key_of(id));
    if (place == index_.end()) return;
    drop_due(place->first, place->second);
    place->second.claimed = true;
}

// A notice that is in the queue is ordered no more.
MAILQUAY_DECL void spool_engine::settle_notice(key notice) {
    auto const ordered = notices_.find(notice);
    if (ordered == notices_.end()) return;
    key const about = ordered->second;
    notices_.erase(ordered);
    auto const place = index_.find(about);
    if (place == index_.end()) return;
    std::string settled;
    append_spool_field(settled, spool_tag::dsn_settled, transaction_id::from_number(notice).view());
    apply_change(place, settled);
}

MAILQUAY_DECL void spool_engine::apply(journal_record const& record, bool give_back, bool flush) {
    if (record.header.type == spool_record_type::message) return insert(record);
    if (record.header.type == spool_record_type::mark) return;
    auto const place = index_.find(key_of(record.header.id));
    if (place == index_.end()) return;
    if (record.header.type == spool_record_type::cancel) return erase(place);
    if (give_back) place->second.claimed = false;
    changed_.push_back(place->first);
    if (flush && !place->second.claimed) place->second.flushed = true;
    apply_change(place, record.meta);
}

MAILQUAY_DECL void spool_engine::apply_change(index_map::iterator place, std::string_view fields) {
    spool_entry& entry = place->second;
    spool_state state = state_of(entry);
    bool due_told = false;
    spool_fields changes{fields};
    while (auto const field = changes.next()) {
        due_told = due_told || field->tag == spool_tag::due;
        (void)state.apply(*field);
        auto const notice = field->tag == spool_tag::dsn_ordered || field->tag == spool_tag::dsn_settled
                                ? transaction_id::parse(field->value)
                                : std::nullopt;
        if (!notice) continue;
        if (field->tag == spool_tag::dsn_settled)
            notices_.erase(key_of(*notice));
        else if (!index_.contains(key_of(*notice)))
            notices_[key_of(*notice)] = place->first;
        else
            std::erase(state.dsns, *notice);
    }
    entry.released_ms = state.released_ms;
    entry.attempts = state.attempts;
    entry.done = static_cast<std::uint32_t>(state.final_outcomes());
    entry.progress.clear();
    if (state.delay_told) append_spool_number(entry.progress, spool_tag::delay_told, 1);
    for (recipient_outcome const& one : state.outcomes) append_spool_outcome(entry.progress, one);
    for (transaction_id const& one : state.dsns) append_spool_field(entry.progress, spool_tag::dsn_ordered, one.view());
    drop_due(place->first, entry);
    entry.held = state.held;
    put_due(place->first, entry, due_told ? state.due_ms : wall_ms() + state.wait_ms, state.wait_ms);
    erase_if_finished(place);
}

MAILQUAY_DECL void spool_engine::erase_if_finished(index_map::iterator place) {
    spool_entry const& entry = place->second;
    if (entry.recipients == 0 || entry.done < entry.recipients) return;
    spool_fields fields{entry.progress};
    while (auto const field = fields.next())
        if (field->tag == spool_tag::dsn_ordered) return;
    erase(place);
}

MAILQUAY_DECL void spool_engine::erase(index_map::iterator place) {
    spool_entry const& entry = place->second;
    transaction_id const id = transaction_id::from_number(place->first);
    drop_due(place->first, entry);
    if (auto const segment = journal_.find(entry.segment)) segment->live -= std::min(segment->live, entry.record_octets());
    if (entry.large) {
        large_octets_ -= entry.octets;
        large_to_remove_.push_back(large_path(id.view()));
    }
    outcome_octets_ -= outcome_room(entry);
    spool_fields fields{entry.progress};
    while (auto const field = fields.next())
        if (auto const notice = field->tag == spool_tag::dsn_ordered ? transaction_id::parse(field->value) : std::nullopt)
            notices_.erase(key_of(*notice));
    gone_.push_back(id);
    index_.erase(place);
}

// ---- looking

MAILQUAY_DECL queued_message spool_engine::summary(key id, spool_entry const& entry) const {
    queued_message seen;
    seen.id = transaction_id::from_number(id);
    seen.octets = entry.octets;
    seen.accepted = std::chrono::system_clock::time_point{std::chrono::milliseconds{entry.accepted_ms}};
    seen.released = std::chrono::system_clock::time_point{std::chrono::milliseconds{entry.released_ms}};
    seen.due_in = std::chrono::milliseconds{std::max<std::int64_t>(entry.due - steady_ms(), 0)};
    seen.recipients = entry.recipients;
    seen.recipients_done = entry.done;
    seen.attempts = entry.attempts;
    seen.held = entry.held;
    seen.claimed = entry.claimed;
    return seen;
}

MAILQUAY_DECL std::size_t spool_engine::size() const {
    std::lock_guard const lock{index_mutex_};
    return index_.size();
}

MAILQUAY_DECL std::optional<queued_message> spool_engine::find(transaction_id id) const {
    std::lock_guard const lock{index_mutex_};
    auto const place = index_.find(key_of(id));
    if (place == index_.end()) return std::nullopt;
    return summary(place->first, place->second);
}

MAILQUAY_DECL std::vector<queued_message> spool_engine::list(transaction_id after, std::size_t most) const {
    std::vector<queued_message> seen;
    std::lock_guard const lock{index_mutex_};
    for (auto place = index_.upper_bound(key_of(after)); place != index_.end() && seen.size() < most; ++place)
        seen.push_back(summary(place->first, place->second));
    return seen;
}

// @return what `spool_queue::look_at()` says
MAILQUAY_DECL result<claimed_message> spool_engine::load(key id, spool_entry const& entry, std::shared_ptr<spool_segment> segment,
                                                           bool whole) const {
    auto const damaged = [&](std::string_view why) -> std::error_code {
        note_damage(entry.segment, entry.offset, octets_of(entry, segment.get()), transaction_id::from_number(id).view(), why);
        return damaged_octets();
    };
    auto const unreadable = [&](std::error_code why) -> std::error_code {
        if (why.value() == EIO) (void)damaged("the disk does not give its octets");
        return why;
    };
    if (!segment) return damaged("its segment is gone");
    auto const record = spool_journal::read(*segment, entry.offset, false);
    if (!record && record.error() != damaged_octets()) return unreadable(record.error());
    if (!record || record->header.type != spool_record_type::message) return damaged("its record cannot be read");
    auto stored = read_spool_envelope(record->meta, transaction_id::from_number(id));
    if (!stored) return damaged("its envelope cannot be read");

    claimed_message found;
    found.id = transaction_id::from_number(id);
    found.octets = entry.octets;
    found.source = std::make_shared<claimed_message::content>();
    found.source->files = settings_.files;
    found.source->segment = segment;
    found.source->offset = entry.offset + spool_record_header::octets + record->header.meta_octets;
    std::uint32_t checksum = record->header.body_checksum;
    if (stored->state.large) {
        auto const file = files().open(large_path(found.id.view()));
        if (!file && file.error().value() != ENOENT) return unreadable(file.error());
        if (!file) return damaged("its file is gone");
        found.source->large = *file;
        found.source->offset = 0;
        checksum = stored->state.large->checksum;
    }
    std::string piece(whole ? 64 * 1024 : 0, '\0');
    std::uint32_t seen = whole ? 0 : checksum;
    for (std::uint64_t at = 0; whole && at < found.octets;) {
        auto const got = found.read(at, piece);
        if (!got) return unreadable(got.error());
        if (*got == 0) return damaged("its content is cut off");
        seen = crc32c(std::string_view{piece}.substr(0, *got), seen);
        at += *got;
    }
    if (seen != checksum) return damaged("its content is not what was written");

    auto const large = stored->state.large;
    auto const bounces = stored->state.bounce;
    stored->state = state_of(entry);
    stored->state.large = large;
    stored->state.bounce = bounces;
    found.stored = *std::move(stored);
    return found;
}

MAILQUAY_DECL result<claimed_message> spool_engine::look_at(transaction_id id) const {
    spool_entry entry;
    std::shared_ptr<spool_segment> segment;
    {
        std::lock_guard const lock{index_mutex_};
        auto const place = index_.find(key_of(id));
        if (place == index_.end()) return no_such_message();
        entry = place->second;
        segment = journal_.find(entry.segment);
    }
    return load(key_of(id), entry, std::move(segment), false);
}

}  // namespace detail
}  // namespace mailquay::inline MAILQUAY_ABI

#include <mailquay/sink/impl/spool_reader.ipp>
