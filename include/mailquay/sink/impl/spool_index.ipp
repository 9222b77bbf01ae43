#include <mailquay/sink/detail/spool_engine.hpp>

#include <mailquay/base/crc32c.hpp>

#include <algorithm>
#include <cerrno>
#include <future>
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

MAILQUAY_DECL void spool_engine::apply(journal_record const& record, bool give_back) {
    if (record.header.type == spool_record_type::message) return insert(record);
    if (record.header.type == spool_record_type::mark) return;
    auto const place = index_.find(key_of(record.header.id));
    if (place == index_.end()) return;
    if (record.header.type == spool_record_type::cancel) return erase(place);
    if (give_back) place->second.claimed = false;
    changed_.push_back(place->first);
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
    if (!entry.progress.empty()) std::erase_if(notices_, [&](auto const& one) { return one.second == place->first; });
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
    std::vector<key> keys;
    key const behind = key_of(after);
    for (auto const& [id, entry] : index_) {
        (void)entry;
        if (id > behind) keys.push_back(id);
    }
    most = std::min(most, keys.size());
    std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(most), keys.end());
    for (std::size_t i = 0; i < most; ++i) seen.push_back(summary(keys[i], index_.at(keys[i])));
    return seen;
}

MAILQUAY_DECL std::optional<claimed_message> spool_engine::load(key id, spool_entry const& entry, std::shared_ptr<spool_segment> segment,
                                                                  bool whole) const {
    auto const damaged = [&](std::string_view why) -> std::optional<claimed_message> {
        note_damage(entry.segment, entry.offset, octets_of(entry, segment.get()), transaction_id::from_number(id).view(), why);
        return std::nullopt;
    };
    if (!segment) return damaged("its segment is gone");
    auto const record = spool_journal::read(*segment, entry.offset, false);
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
        if (!file) return damaged("its file cannot be opened");
        found.source->large = *file;
        found.source->offset = 0;
        checksum = stored->state.large->checksum;
    }
    std::string piece(whole ? 64 * 1024 : 0, '\0');
    std::uint32_t seen = whole ? 0 : checksum;
    for (std::uint64_t at = 0; whole && at < found.octets;) {
        auto const got = found.read(at, piece);
        if (!got || *got == 0) return damaged("its content cannot be read");
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

MAILQUAY_DECL std::optional<claimed_message> spool_engine::look_at(transaction_id id) const {
    spool_entry entry;
    std::shared_ptr<spool_segment> segment;
    {
        std::lock_guard const lock{index_mutex_};
        auto const place = index_.find(key_of(id));
        if (place == index_.end()) return std::nullopt;
        entry = place->second;
        segment = journal_.find(entry.segment);
    }
    return load(key_of(id), entry, std::move(segment), false);
}

// ---- the reader's side

MAILQUAY_DECL std::optional<claimed_message> spool_engine::claim() {
    for (;;) {
        key id;
        spool_entry entry;
        std::shared_ptr<spool_segment> segment;
        {
            std::lock_guard const lock{index_mutex_};
            if (due_.empty() || due_.begin()->first > steady_ms()) return std::nullopt;
            id = due_.begin()->second;
            due_.erase(due_.begin());
            auto const place = index_.find(id);
            place->second.claimed = true;
            entry = place->second;
            place->second.flushed = false;
            segment = journal_.find(entry.segment);
        }
        if (auto found = load(id, entry, std::move(segment), true)) {
            found->flushed = entry.flushed;
            return found;
        }
        // Damaged: it stays claimed, so that nobody stumbles over it again before the next start, and is named in the log.
    }
}

MAILQUAY_DECL std::optional<std::chrono::milliseconds> spool_engine::due_in() const {
    std::lock_guard const lock{index_mutex_};
    if (due_.empty()) return std::nullopt;
    return std::chrono::milliseconds{std::max<std::int64_t>(due_.begin()->first - steady_ms(), 0)};
}

MAILQUAY_DECL void spool_engine::on_due(std::function<void()> wake) {
    std::lock_guard const lock{index_mutex_};
    wake_reader_ = std::move(wake);
}

MAILQUAY_DECL void spool_engine::wake_reader() {
    std::function<void()> wake;
    {
        std::lock_guard const lock{index_mutex_};
        if (!wake_reader_) return;
        wake = wake_reader_;
    }
    wake();
}

MAILQUAY_DECL bool spool_engine::flush(transaction_id id) {
    {
        std::lock_guard const lock{index_mutex_};
        auto const place = index_.find(key_of(id));
        if (place == index_.end() || place->second.held || place->second.claimed ||
            place->second.done == place->second.recipients)
            return false;
        drop_due(place->first, place->second);
        place->second.due = steady_ms();
        place->second.flushed = true;
        due_.insert({place->second.due, place->first});
    }
    wake_reader();
    return true;
}

MAILQUAY_DECL void spool_engine::change(transaction_id id, spool_change what, when_done done) {
    bool known;
    std::uint64_t release_ms = 0;
    {
        std::lock_guard const lock{index_mutex_};
        auto const place = index_.find(key_of(id));
        known = place != index_.end();
        if (known) release_ms = place->second.released_ms;
    }
    if (!known) return done(no_such_message());
    // What the sender wants held until later is no older for an operator's hold that ended.
    std::uint64_t const lifetime_from = what.retry_after ? wall_ms() : std::max(wall_ms(), release_ms);
    auto item = std::make_unique<spool_item>();
    std::string& fields = item->record.meta;
    for (recipient_outcome const& one : what.outcomes) append_spool_outcome(fields, one);
    if (what.attempted) append_spool_number(fields, spool_tag::attempted, 1);
    if (what.hold) append_spool_number(fields, spool_tag::held, *what.hold ? 1 : 0);
    if (what.delay_told) append_spool_number(fields, spool_tag::delay_told, 1);
    if (what.new_lifetime) append_spool_number(fields, spool_tag::released, lifetime_from);
    if (what.retry_after) {
        auto const wait = static_cast<std::uint64_t>(std::max<std::int64_t>(what.retry_after->count(), 0));
        append_spool_number(fields, spool_tag::wait, wait);
        append_spool_number(fields, spool_tag::due, wall_ms() + wait);
    }
    if (!what.dsn_ordered.empty()) append_spool_field(fields, spool_tag::dsn_ordered, what.dsn_ordered.view());
    if (!what.dsn_settled.empty()) append_spool_field(fields, spool_tag::dsn_settled, what.dsn_settled.view());
    item->record.seal(spool_record_type::change, id, 0);
    item->synced = what.hold.has_value() || what.new_lifetime;
    item->give_back = what.give_back;
    item->done = [this, done = std::move(done)](std::error_code failed) mutable {
        wake_reader();
        done(failed);
    };
    if (!submit(item)) item->done(std::make_error_code(std::errc::operation_canceled));
}

MAILQUAY_DECL void spool_engine::remove(transaction_id id, when_done done) {
    if (!find(id)) return done(no_such_message());
    auto item = std::make_unique<spool_item>();
    item->record.seal(spool_record_type::cancel, id, 0);
    item->done = std::move(done);
    if (!submit(item)) item->done(std::make_error_code(std::errc::operation_canceled));
}

MAILQUAY_DECL void spool_engine::add(new_queued_message message, when_done done) {
    auto const id = transaction_id::parse(message.envelope.id);
    if (!id || message.envelope.recipients.empty()) return done(std::make_error_code(std::errc::invalid_argument));
    auto item = std::make_unique<spool_item>();
    append_spool_envelope(item->record.meta, message.envelope);
    spool_state state;
    state.accepted_ms = state.released_ms = wall_ms();
    state.wait_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(message.wait.count(), 0));
    state.due_ms = state.accepted_ms + state.wait_ms;
    state.bounce = message.bounce;
    state.append_to(item->record.meta);
    item->record.body = std::move(message.octets);
    item->recipients = message.envelope.recipients.size();
    item->record.seal(spool_record_type::message, *id, crc32c(item->record.body));
    item->done = std::move(done);
    if (!submit(item)) item->done(std::make_error_code(std::errc::resource_unavailable_try_again));
}

MAILQUAY_DECL std::vector<ordered_notice> spool_engine::ordered_notices() const {
    std::vector<ordered_notice> all;
    std::lock_guard const lock{index_mutex_};
    for (auto const& [notice, about] : notices_) all.push_back({transaction_id::from_number(notice), transaction_id::from_number(about)});
    return all;
}

MAILQUAY_DECL bool spool_engine::may_expire() const { return frozen_until_.load() <= steady_ms(); }
MAILQUAY_DECL void spool_engine::clock_ok() {
    frozen_until_ = 0;
    // Each mark that is synced says whether the clock is doubted: the next start reads it.
    auto const told = std::make_shared<std::promise<void>>();
    auto const written = told->get_future();
    auto item = std::make_unique<spool_item>();
    item->record.seal(spool_record_type::mark, {}, 0);
    item->done = [told](std::error_code) { told->set_value(); };
    if (submit(item)) written.wait();
}

}  // namespace detail
}  // namespace mailquay::inline MAILQUAY_ABI
