#pragma once

#include <mailquay/sink/impl/spool_index.ipp>

#include <mailquay/base/crc32c.hpp>

#include <algorithm>
#include <cerrno>
#include <future>
#include <system_error>
#include <utility>

// The reader's side: who claims messages, and records what came of them.

namespace mailquay::inline MAILQUAY_ABI::detail {

// What could not be read for a reason of the moment, such as descriptors or memory, is tried again so much later; what the disk
// does not give, so much.
constexpr std::uint64_t spool_retry_ms = 60 * 1000;
constexpr std::uint64_t spool_bad_disk_retry_ms = 60 * 60 * 1000;

MAILQUAY_DECL std::optional<claimed_message> spool_engine::claim() {
    bool told = false;
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
            return *std::move(found);
        } else if (found.error() != damaged_octets()) {
            std::lock_guard const lock{index_mutex_};
            if (auto const place = index_.find(id); place != index_.end()) {
                place->second.claimed = false;
                place->second.flushed = entry.flushed;
                std::uint64_t const wait = found.error().value() == EIO ? spool_bad_disk_retry_ms : spool_retry_ms;
                put_due(id, place->second, wall_ms() + wait, wait);
            }
            if (std::exchange(told, true)) continue;  // a line for each that is due would be too many
            settings_.log.error([&] {
                return fmt::format("spool: message {} cannot be read now: {}", transaction_id::from_number(id).view(), found.error().message());
            });
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
    if (what.flush) what.retry_after = std::chrono::milliseconds{0};
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
    item->flush = what.flush;
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

}  // namespace mailquay::inline MAILQUAY_ABI::detail
