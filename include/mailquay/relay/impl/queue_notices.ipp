#include <mailquay/base/ascii.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/log_fields.hpp>
#include <mailquay/message/date.hpp>
#include <mailquay/message/dsn.hpp>
#include <mailquay/protocol/timestamp.hpp>
#include <mailquay/relay/detail/runner_core.hpp>
#include <mailquay/relay/impl/notice_jobs.ipp>
#include <mailquay/relay/impl/runner_loop.ipp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

inline dsn_action action_of(outcome_kind kind) noexcept {
    switch (kind) {
        case outcome_kind::delivered: return dsn_action::delivered;
        case outcome_kind::relayed: return dsn_action::relayed;
        case outcome_kind::expanded: return dsn_action::expanded;
        case outcome_kind::deferred: return dsn_action::delayed;
        case outcome_kind::failed:
        case outcome_kind::expired: break;
    }
    return dsn_action::failed;
}

/// What a notice calls a host that an outcome names as `mx.example.org:25`: without its port, an address as a literal; a UNIX
/// socket has no name that means anything to its reader.
inline std::string remote_mta_of(std::string_view remote) {
    if (remote.starts_with("unix:")) return {};
    auto const colon = remote.rfind(':');
    auto const bracket = remote.rfind(']');
    if (colon != remote.npos && (bracket == remote.npos || colon > bracket)) remote = remote.substr(0, colon);
    if (remote.starts_with('[')) return "[IPv6:" + std::string(remote.substr(1));
    if (ip_address::parse(remote)) return '[' + std::string(remote) + ']';
    return std::string(remote);
}

inline dsn_recipient told_of(envelope_recipient const& to, recipient_outcome const& outcome) {
    outcome_text read = read_outcome_text(outcome.reply);
    dsn_recipient told;
    told.address = to.address;
    told.original_type = to.requests.original.type;
    told.original_address = to.requests.original.address;
    told.action = action_of(outcome.kind);
    told.status = outcome.kind == outcome_kind::expired && !read.status.starts_with('5') ? "4.4.7" : read.status;
    told.diagnostic_is_smtp = read.is_reply;
    if (to.deliver_to.empty()) {
        told.remote_mta = remote_mta_of(read.remote);
        told.diagnostic = std::move(read.reply);
    } else {
        told.diagnostic = without_words(read);  // the words may name what the alias stands for
    }
    return told;
}

/// What an alias' members are asked, whose success the alias answered itself.
inline dsn_notify without_success(dsn_notify asked) noexcept {
    auto const left = static_cast<dsn_notify>(static_cast<unsigned>(asked) & ~static_cast<unsigned>(dsn_notify::success));
    return left == dsn_notify::unsaid ? dsn_notify::never : left;
}

/// RFC 4865 §5
inline std::string future_release_of(delivery_request const& asked) {
    if (!asked.hold) return {};
    if (asked.hold->interval) return fmt::format("for; {}", asked.hold->interval->count());
    std::string text = "until; ";
    append_timestamp(text, asked.hold->release);
    return text;
}

MAILQUAY_DECL void runner_core::make_notices() {
    if (making_notices_ || notices_.empty() || stopping_) return;
    making_notices_ = true;
    asio::co_spawn(loop_->strand, notice_loop(), asio::detached);
}

// One after the other: many failures at once are no reason to take the disk from those who accept mail.
MAILQUAY_DECL asio::awaitable<void> runner_core::notice_loop() {
    auto const self = shared_from_this();
    while (!notices_.empty() && !stopping_) {
        owed_notice next = notices_.front();
        notices_.pop_front();
        unsigned const before = next.unreadable;
        bool made = false;
        try {
            bool const done = co_await make_notice(&next);
            made = done;
        } catch (std::exception const& failed) {  // no memory; it goes on when there is some
            log_broken("notice", failed.what());
        }
        if (made) continue;
        bool const unreadable = next.unreadable > before;
        if (unreadable) {  // it does not stop the others
            asio::co_spawn(loop_->strand, put_aside(std::move(next)), asio::detached);
            continue;
        }
        notices_.push_back(next);
        co_await pause(std::chrono::seconds{1});
    }
    making_notices_ = false;
    end_if_idle();
}

// Comes back later, and later still if it cannot be read then either: a damaged message is not asked for all the time.
MAILQUAY_DECL asio::awaitable<void> runner_core::put_aside(owed_notice one) {
    auto const self = shared_from_this();
    constexpr unsigned most_doublings = 9;
    co_await pause(std::chrono::seconds{1 << std::min(one.unreadable - 1, most_doublings)});
    notices_.push_back(std::move(one));
    make_notices();
}

// Also after a crash: all it needs is in the spool. @return false if it is to be tried again
MAILQUAY_DECL asio::awaitable<bool> runner_core::make_notice(owed_notice* owed) {
    ordered_notice const one = owed->order;
    std::optional<claimed_message> seen;
    look_job look{queue_.get(), one.about, &seen};
    unique_function<void()> looking{look};
    try {
        co_await settings_.workers->run(std::move(looking));
    } catch (std::exception const&) {
        co_return false;
    }
    if (!seen) {
        bool const deleted = !queue_->find(one.about);
        if (deleted) co_return true;
        ++owed->unreadable;
        settings_.log.error([&] { return log_line{"notice-waits"}.add("id", one.about.view()).add("notice", one.notice.view()).add("reason", "the message cannot be read now"); });
        co_return false;
    }
    auto const message = std::make_shared<claimed_message>(*std::move(seen));
    envelope const& mail = message->stored.envelope;
    spool_state const& state = message->stored.state;

    for (recipient_outcome const& outcome : state.outcomes)
        if (outcome.notice == one.notice && outcome.kind == outcome_kind::expanded && outcome.reply == expanded_into(one.notice)) {
            bool const expanded = co_await make_expansion(message, outcome, owed);
            co_return expanded;
        }

    dsn_report report;
    for (recipient_outcome const& outcome : state.outcomes)
        if (outcome.notice == one.notice && outcome.recipient < mail.recipients.size())
            report.recipients.push_back(told_of(mail.recipients[outcome.recipient], outcome));
    if (report.recipients.empty()) {  // what it was to tell is no longer so
        co_await settle_notice(one);
        co_return true;
    }
    dsn_action const action = report.recipients.front().action;
    bool const failure = action == dsn_action::failed;
    bool const restrained = state.bounce == bounce::restrained;
    report.id = one.notice.view();
    report.reporting_mta = settings_.hostname;
    report.to = mail.reverse_path.empty() ? settings_.double_bounce_to : mail.reverse_path;
    report.date = wall();
    report.utc_offset = local_utc_offset(report.date);
    report.envelope_id = mail.requests.envid;
    wall_point const accepted{std::chrono::milliseconds{state.accepted_ms}};
    report.arrival = accepted;
    if (mail.requests.by) report.deliver_by = accepted + std::chrono::seconds{mail.requests.by->seconds};
    report.future_release = future_release_of(mail.requests);
    for (dsn_recipient& told : report.recipients) {
        if (told.action == dsn_action::failed || told.action == dsn_action::delayed) told.last_attempt = report.date;
        if (told.action == dsn_action::delayed) told.retry_until = wall_point{std::chrono::milliseconds{state.released_ms}} + lifetime_of(mail);
    }
    report.whole_original = failure && !restrained && mail.requests.ret == dsn_return::full && message->octets <= dsn_whole_octets &&
                            !mail.requests.requiretls;
    std::string original;
    read_job read{message.get(), &original, report.whole_original ? dsn_whole_octets : notice_header_octets, !report.whole_original};
    unique_function<void()> reading{read};
    try {
        co_await settings_.workers->run(std::move(reading));
    } catch (std::exception const&) {
        co_return false;
    }
    report.original = original;
    dsn_message made = make_dsn(report);

    if (!owed->within_budget) owed->within_budget = !report.to.empty() && (!restrained || budget_.take(report.to, now()));
    if (!*owed->within_budget) {
        if (failure) {
            bool const kept = co_await keep_undeliverable(message, std::move(made.octets));
            if (!kept) co_return false;
        }
        co_await settle_notice(one);
        co_return true;
    }
    new_queued_message notice;
    notice.envelope.id = one.notice.view();
    notice.envelope.recipients.push_back({report.to, {}, {}});
    notice.envelope.body = made.eight_bit ? body_type::eight_bit_mime : body_type::seven_bit;
    notice.envelope.smtputf8 = made.utf8;
    notice.envelope.requests.requiretls = mail.requests.requiretls;  // RFC 8689 §5
    notice.envelope.requests.priority = mail.requests.priority;
    notice.octets = std::move(made.octets);
    bool const queued = co_await queue(std::move(notice), one.about);
    if (!queued) co_return false;
    ++counts_.notices;
    settings_.log.info([&] {
        return log_line{"bounced"}.add("id", one.about.view()).add("notice", one.notice.view()).add("to", report.to).add("action", to_string(action));
    });
    co_return true;
}

MAILQUAY_DECL asio::awaitable<bool> runner_core::queue(new_queued_message one, transaction_id about) {
    auto* const to = queue_.get();
    unique_function<void(unique_function<void(std::error_code)>)> begin = [to, queued = std::move(one)](unique_function<void(std::error_code)> done) mutable {
        to->add(std::move(queued), std::move(done));
    };
    auto failed = co_await wait_for_done(std::move(begin));
    if (failed) settings_.log.error([&] { return log_line{"notice-not-queued"}.add("id", about.view()).add("reason", failed.message()); });
    co_return !failed;
}

// The message for an alias' members (RFC 3461 §5.2.7.3): their sender hears of the alias, not of them. He is told first: once the
// members' message is in the queue nothing is owed any more.
MAILQUAY_DECL asio::awaitable<bool> runner_core::make_expansion(std::shared_ptr<claimed_message> message, recipient_outcome alias, owed_notice* owed) {
    envelope const& mail = message->stored.envelope;
    envelope_recipient const& of = mail.recipients[alias.recipient];
    new_queued_message members;
    members.envelope = mail;
    members.envelope.id = alias.notice.view();
    members.envelope.requests.hold.reset();
    if (auto& by = members.envelope.requests.by) {  // counted from acceptance
        wall_point const accepted{std::chrono::milliseconds{message->stored.state.accepted_ms}};
        by->seconds -= static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(wall() - accepted).count());
    }
    members.envelope.recipients.clear();
    envelope_recipient one = of;
    bool const wanted = has(of.requests.notify, dsn_notify::success) && !mail.reverse_path.empty();
    if (wanted) one.requests.notify = without_success(of.requests.notify);
    one.deliver_to.clear();
    if (!of.mailbox.empty()) members.envelope.recipients.push_back(one);
    one.mailbox.clear();
    for (std::string const& member : of.deliver_to) {
        one.deliver_to = {member};
        members.envelope.recipients.push_back(one);
    }
    members.bounce = message->stored.state.bounce;
    std::string octets;
    read_job whole{message.get(), &octets, message->octets, false};
    unique_function<void()> reading{whole};
    try {
        co_await settings_.workers->run(std::move(reading));
    } catch (std::exception const&) {
        co_return false;
    }
    if (octets.size() != message->octets) {
        ++owed->unreadable;
        co_return false;
    }
    members.octets = std::move(octets);
    if (wanted && !owed->told) {
        bool const told = co_await tell_of_expansion(message, alias, owed);
        if (!told) co_return false;
        owed->told = true;
    }
    bool const queued = co_await queue(std::move(members), message->id);
    co_return queued;
}

MAILQUAY_DECL asio::awaitable<bool> runner_core::tell_of_expansion(std::shared_ptr<claimed_message> message, recipient_outcome alias, owed_notice* owed) {
    envelope const& mail = message->stored.envelope;
    bounce const may = message->stored.state.bounce;
    if (!owed->within_budget) owed->within_budget = may == bounce::always || (may == bounce::restrained && budget_.take(mail.reverse_path, now()));
    if (!*owed->within_budget) co_return true;
    dsn_report report;
    report.id = ids_.next(wall()).view();
    report.reporting_mta = settings_.hostname;
    report.to = mail.reverse_path;
    report.date = wall();
    report.utc_offset = local_utc_offset(report.date);
    report.envelope_id = mail.requests.envid;
    report.recipients.push_back(told_of(mail.recipients[alias.recipient], alias));
    report.recipients.front().diagnostic.clear();
    dsn_message made = make_dsn(report);
    new_queued_message notice;
    notice.envelope.id = report.id;
    notice.envelope.recipients.push_back({report.to, {}, {}});
    notice.envelope.smtputf8 = made.utf8;
    if (made.eight_bit) notice.envelope.body = body_type::eight_bit_mime;
    notice.octets = std::move(made.octets);
    bool const told = co_await queue(std::move(notice), message->id);
    if (told) ++counts_.notices;
    co_return told;
}

MAILQUAY_DECL asio::awaitable<void> runner_core::settle_notice(ordered_notice one) {
    spool_change settled;
    settled.dsn_settled = one.notice;
    settled.give_back = false;
    (void)co_await record(one.about, settled);
}

// @return false if it is to be tried again: the disk does not take it now
MAILQUAY_DECL asio::awaitable<bool> runner_core::keep_undeliverable(std::shared_ptr<claimed_message> message, std::string text) {
    std::error_code failed;
    if (!settings_.undeliverable_folder.empty()) {
        undeliverable_job job{message.get(), &text, settings_.undeliverable_folder, settings_.undeliverable_messages, &failed};
        unique_function<void()> work{job};
        try {
            co_await settings_.workers->run(std::move(work));
        } catch (std::exception const&) {
            failed = std::make_error_code(std::errc::resource_unavailable_try_again);
        }
    }
    settings_.log.warning([&] {
        log_line line{"undeliverable"};
        line.add("id", message->id.view()).add("from", message->stored.envelope.reverse_path);
        line.add("kept", !settings_.undeliverable_folder.empty() && !failed);
        if (failed) line.add("reason", failed.message());
        return line;
    });
    if (failed && failed != std::errc::no_buffer_space) co_return false;
    ++counts_.undeliverable;
    co_return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
