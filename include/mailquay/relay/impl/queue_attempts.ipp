#include <mailquay/base/log_fields.hpp>
#include <mailquay/relay/detail/runner_core.hpp>
#include <mailquay/relay/impl/runner_loop.ipp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

// A consignment that meets a full destination waits for one of the others, but not for ever.
constexpr unsigned most_put_back = 5;

MAILQUAY_DECL void runner_core::begin(waiting_job job) {
    counts_.under_way = schedule_.under_way();
    auto const signal = loop_->attempts.emplace(loop_->attempts.end());
    auto const slot = signal->slot();
    auto at_end = [self = shared_from_this(), signal](std::exception_ptr) {
        self->counts_.under_way = self->schedule_.under_way();
        self->pump();
        // The coroutine's last steps may still look at its signal.
        asio::post(self->loop_->strand, [self, signal] {
            self->loop_->attempts.erase(signal);
            self->end_if_idle();
        });
    };
    asio::co_spawn(loop_->strand, attempt(std::move(job)), asio::bind_cancellation_slot(slot, std::move(at_end)));
}

MAILQUAY_DECL asio::awaitable<std::shared_ptr<claimed_message const>> runner_core::with_content(handled message) {
    if (message->claimed->source) co_return message->claimed;
    std::optional<claimed_message> seen;
    look_job job{queue_.get(), message->claimed->id, &seen};
    unique_function<void()> work{job};
    try {
        co_await settings_.workers->run(std::move(work));
    } catch (std::exception const&) {
    }
    if (!seen) co_return std::shared_ptr<claimed_message const>{};
    auto whole = std::make_shared<claimed_message>(*message->claimed);
    whole->source = seen->source;
    co_return whole;
}

// While a message waited for its turn an operator may have held or deleted it, and DELIVERBY's time may have ended.
MAILQUAY_DECL bool runner_core::drop_before_attempt(waiting_job const& job) {
    handled_message& message = *job.message;
    if (!is_withheld(message) && !is_overdue(message)) return false;
    schedule_.ended(job.to);
    give_up(message, job.recipients);
    job_ended(job.message);
    return true;
}

inline consigned_recipient consigned(handled_message const& message, std::uint32_t number) {
    consigned_recipient made;
    made.number = number;
    made.address = next_address(message.mail().recipients[number]);
    if (auto const domain = message.domains.find(number); domain != message.domains.end()) made.domain = domain->second;
    return made;
}

MAILQUAY_DECL asio::awaitable<void> runner_core::attempt(waiting_job job) {
    // Cancelling ends what the carrier does, never what is written down of it.
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const self = shared_from_this();
    handled const message = job.message;
    if (drop_before_attempt(job)) co_return;
    auto const open = std::make_shared<std::vector<std::uint32_t>>(job.recipients);
    carry_report report;
    auto content = co_await with_content(message);
    if (!content) {
        report.end = carry_end::cancelled;
        report.reply = "4.3.0 the message cannot be read now";
    } else {
        auto const what = std::make_shared<consignment>();
        what->message = std::move(content);
        what->to = job.to;
        for (std::uint32_t const number : job.recipients)
            what->recipients.push_back(consigned(*message, number));
        if (auto const by = deadline(*message)) what->deliver_within = std::chrono::ceil<std::chrono::seconds>(*by - wall());
        what->give_up_after = time_until_return(*message);
        outcomes_known told = [self, message, open](std::vector<carried> known) { return self->tell(message, open, std::move(known)); };
        try {
            auto carrying = by_->carry(what, std::move(told));
            auto got = co_await std::move(carrying);
            report = std::move(got);
        } catch (std::exception const& failed) {
            report.end = carry_end::busy;
            report.reply = std::string("4.3.0 ") + failed.what();
        } catch (...) {
            report.end = carry_end::busy;
            report.reply = "4.3.0 the attempt ended by an exception";
        }
    }
    settle_destination(std::move(job), std::move(report), *open);
}

// What the carrier tells goes on record before it goes on.
MAILQUAY_DECL asio::awaitable<void> runner_core::tell(handled message, std::shared_ptr<std::vector<std::uint32_t>> open, std::vector<carried> known) {
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    spool_change good, bad;
    good.give_back = bad.give_back = false;
    for (carried& one : known) {
        if (std::erase(*open, one.number) == 0) continue;
        message->attempted = true;
        if (one.state == carried_state::delivered || one.state == carried_state::permanent) message->ended.insert(one.number);
        std::string text = make_outcome_text(one.remote, std::move(one.reply));
        recipient_outcome outcome{one.number, outcome_kind::deferred, std::move(text)};
        envelope_recipient const& to = message->mail().recipients[one.number];
        if (one.state == carried_state::delivered) {
            // Who is told now is told what was done here, whoever tells of the rest.
            bool const told_here = wants_success(*message, one);
            outcome.kind = one.final_delivery || (one.dsn_passed_on && !told_here) ? outcome_kind::delivered : outcome_kind::relayed;
            if (told_here) order(*message, message->success_notice, outcome);
            good.dsn_ordered = message->success_notice;
            ++counts_.delivered;
            log_outcome(*message, "delivered", one.number, outcome.reply);
            good.outcomes.push_back(std::move(outcome));
        } else if (one.state == carried_state::permanent) {
            outcome.kind = outcome_kind::failed;
            if (wants_failure(message->mail(), message->state(), to.requests, to.address)) order(*message, message->failure_notice, outcome);
            bad.dsn_ordered = message->failure_notice;
            ++counts_.failed;
            log_outcome(*message, "failed", one.number, outcome.reply);
            bad.outcomes.push_back(std::move(outcome));
        } else {
            message->later.push_back({one.number, std::move(outcome.reply), true, std::nullopt});
        }
    }
    message->settled += good.outcomes.size() + bad.outcomes.size();
    if (!good.outcomes.empty()) (void)co_await record(message->claimed->id, good);
    if (!bad.outcomes.empty()) (void)co_await record(message->claimed->id, bad);
    co_await asio::this_coro::throw_if_cancelled(throws);
}

MAILQUAY_DECL void runner_core::order(handled_message& message, transaction_id& notice, recipient_outcome& outcome) {
    if (notice.empty()) {
        notice = ids_.next(wall());
        message.notices.push_back(notice);
    }
    outcome.notice = notice;
}

MAILQUAY_DECL bool runner_core::wants_failure(envelope const& mail, spool_state const& state, recipient_request const& asked,
                                              std::string_view address) const {
    if (mail.reverse_path.empty()) return !settings_.double_bounce_to.empty() && address != settings_.double_bounce_to;
    if (state.bounce == bounce::never || has(asked.notify, dsn_notify::never)) return false;
    return asked.notify == dsn_notify::unsaid || has(asked.notify, dsn_notify::failure);
}

MAILQUAY_DECL bool runner_core::wants_success(handled_message const& message, carried const& one) const {
    envelope const& mail = message.mail();
    dsn_notify const asked = mail.recipients[one.number].requests.notify;
    if (mail.reverse_path.empty() || message.state().bounce == bounce::never || has(asked, dsn_notify::never)) return false;
    if (auto const& by = mail.requests.by) {  // RFC 2852 §4: a trace from each hop, and who loses sight of it says so
        if (by->trace) return true;
        if (by->mode == by_mode::notify && !one.deliver_by_passed_on && !one.final_delivery) return true;
    }
    return has(asked, dsn_notify::success) && !one.dsn_passed_on;
}

// ---- the destination's part

MAILQUAY_DECL void runner_core::settle_destination(waiting_job job, carry_report report, std::vector<std::uint32_t> open) {
    handled const message = job.message;
    std::string const text = make_outcome_text(report.remote, report.reply.empty() ? "4.4.2 no answer came" : report.reply);
    if (report.end != carry_end::full) schedule_.retry_full();  // its connection may be the one that another waits for
    switch (report.end) {
        case carry_end::full:
            schedule_.full(job.to);
            if (!stopping_ && !open.empty()) {
                job.recipients = std::move(open);
                schedule_.put_back(std::move(job));
            } else {
                defer(*message, open, "4.3.2 the program stopped", false);
                job_ended(message);
            }
            return;
        case carry_end::done: schedule_.succeeded(job.to); break;
        case carry_end::busy: schedule_.slowed(job.to); break;
        case carry_end::message_alone: schedule_.ended(job.to); break;
        case carry_end::cancelled:
            schedule_.ended(job.to);
            message->rest = std::max(message->rest.value_or(std::chrono::milliseconds{0}), stopping_ ? std::chrono::milliseconds{0} : unreadable_wait);
            defer(*message, open, text, false);
            job_ended(message);
            return;
        case carry_end::unreachable: {
            backed_off why;
            why.since = wall();
            why.reply = report.reply;
            why.remote = report.remote;
            if (!schedule_.failed(job.to, std::move(why), now())) {
                if (!stopping_ && open.size() == job.recipients.size() && job.put_back < most_put_back) {
                    ++job.put_back;
                    schedule_.put_back(std::move(job));
                    return;
                }
                break;
            }
            // One attempt for all its mail.
            settings_.log.info([&] { return log_line{"unreachable"}.add("destination", job.to.name).add("reply", text); });
            auto const* const rest = schedule_.resting(job.to, now());
            auto const left = rest == nullptr ? std::chrono::milliseconds{0}
                                              : std::chrono::duration_cast<std::chrono::milliseconds>(rest->until - now()) + std::chrono::milliseconds{1};
            for (waiting_job& other : schedule_.take(job.to)) {
                other.message->rest = std::max(other.message->rest.value_or(left), left);
                defer(*other.message, other.recipients, text, true, wall());
                job_ended(other.message);
            }
            message->rest = std::max(message->rest.value_or(left), left);
            defer(*message, open, text, true, wall());
            job_ended(message);
            return;
        }
    }
    defer(*message, open, text, true);
    job_ended(message);
}

MAILQUAY_DECL void runner_core::defer(handled_message& message, std::vector<std::uint32_t> const& recipients, std::string const& text, bool tried,
                                      std::optional<wall_point> destination_failed) {
    if (recipients.empty()) return;
    message.attempted = message.attempted || tried;
    for (std::uint32_t const number : recipients) message.later.push_back({number, on_one_line(text), tried, destination_failed});
}

// ---- the end of an attempt

MAILQUAY_DECL void runner_core::job_ended(handled const& message) {
    if (--message->jobs == 0) asio::co_spawn(loop_->strand, conclude(message), asio::detached);
}

MAILQUAY_DECL void runner_core::expire(handled_message& message) {
    if (!queue_->may_expire()) return;
    auto const end = released(message) + lifetime_of(message.mail());
    if (wall() < end) return;
    std::erase_if(message.later, [&](put_off& one) {
        bool const tried = one.tried || (one.destination_failed && *one.destination_failed >= end);
        if (!tried) return false;
        message.failed.push_back({one.number, outcome_kind::expired, std::move(one.text)});
        return true;
    });
}

// Once, of all that waits.
MAILQUAY_DECL bool runner_core::tell_of_delay(handled_message& message, spool_change& change) {
    envelope const& mail = message.mail();
    if (message.delay_told || mail.reverse_path.empty() || message.state().bounce == bounce::never || !queue_->may_expire()) return false;
    bool const has_own_time = owes_deadline_notice(message);
    bool const past_deadline = has_own_time && wall() >= *deadline(message);
    bool const late = !has_own_time && wall() >= released(message) + settings_.delay_notice;
    transaction_id notice;
    for (recipient_outcome& one : change.outcomes) {
        dsn_notify const asked = mail.recipients[one.recipient].requests.notify;
        bool const by_asking = asked == dsn_notify::unsaid ? !mail.user.empty() : has(asked, dsn_notify::delay);
        if ((late && by_asking) || (past_deadline && !has(asked, dsn_notify::never))) order(message, notice, one);
    }
    change.dsn_ordered = notice;
    return !notice.empty();
}

MAILQUAY_DECL std::chrono::milliseconds runner_core::wait_of(handled_message const& message) {
    bool const own = std::any_of(message.later.begin(), message.later.end(), [](put_off const& one) { return one.tried && !one.destination_failed; });
    std::chrono::milliseconds wait = message.rest.value_or(std::chrono::milliseconds{0});
    if (own) {
        std::size_t const step = std::min<std::size_t>(message.state().attempts, settings_.retry.size() - 1);
        wait = std::max(wait, jittered(settings_.retry[step]));
    }
    auto const by = deadline(message);
    if (by && *by > wall()) wait = std::min(wait, std::chrono::duration_cast<std::chrono::milliseconds>(*by - wall()) + std::chrono::milliseconds{1});
    return wait;
}

MAILQUAY_DECL asio::awaitable<void> runner_core::conclude(handled message) {
    auto const self = shared_from_this();
    transaction_id const id = message->claimed->id;
    bool written = false;
    try {
        co_await write_outcomes(message);
        written = true;
    } catch (std::exception const& failed) {  // no memory; what is on record counts
        log_broken("outcomes", failed.what());
    }
    if (!written) {
        spool_change back;
        back.retry_after = unreadable_wait;
        try {
            (void)co_await record(id, back);
        } catch (std::exception const& failed) {
            log_broken("outcomes", failed.what());
        }
    }
    forget_deadline(*message);
    --in_hand_;
    recipients_in_hand_ -= message->mail().recipients.size();
    counts_.in_memory = in_hand_;
    if (full_) poke();
    make_notices();
    end_if_idle();
}

MAILQUAY_DECL void runner_core::log_broken(std::string_view where, std::string_view why) const {
    settings_.log.error([&] { return log_line{"runner-broken"}.add("where", where).add("reason", why); });
}

// A notice of delay that is not made yet tells of what came since, as long as the recipient waits.
inline transaction_id owed_notice_of(spool_state const& state, std::uint32_t number) {
    auto const* const before = state.outcome_of(number);
    bool const owed = before != nullptr && before->kind == outcome_kind::deferred && !before->notice.empty() &&
                      std::find(state.dsns.begin(), state.dsns.end(), before->notice) != state.dsns.end();
    return owed ? before->notice : transaction_id{};
}

MAILQUAY_DECL asio::awaitable<void> runner_core::write_outcomes(handled message) {
    transaction_id const id = message->claimed->id;
    if (!stopping_) return_overdue(*message);
    if (!stopping_) expire(*message);
    bool attempt_counted = false;
    if (!message->failed.empty()) {
        spool_change lost;
        lost.give_back = false;
        lost.attempted = message->attempted;
        for (recipient_outcome& one : message->failed) {
            envelope_recipient const& to = message->mail().recipients[one.recipient];
            if (wants_failure(message->mail(), message->state(), to.requests, to.address)) order(*message, message->failure_notice, one);
            ++(one.kind == outcome_kind::expired ? counts_.expired : counts_.failed);
            log_outcome(*message, to_string(one.kind), one.recipient, one.reply);
        }
        attempt_counted = lost.attempted;
        message->settled += message->failed.size();
        lost.outcomes = std::move(message->failed);
        lost.dsn_ordered = message->failure_notice;
        message->failed.clear();
        (void)co_await record(id, lost);
    }
    for (recipient_outcome& one : message->expanded) {
        spool_change alias;
        alias.give_back = false;
        alias.dsn_ordered = one.notice;
        alias.outcomes.push_back(std::move(one));
        ++message->settled;
        (void)co_await record(id, alias);
    }
    if (!message->later.empty()) {
        spool_change last;
        last.attempted = message->attempted && !attempt_counted;
        bool const tells_all = owes_deadline_notice(*message) && wall() >= *deadline(*message);
        for (put_off const& one : message->later) {
            if (!one.tried && !one.destination_failed && !tells_all) continue;
            ++counts_.deferred;
            log_outcome(*message, "deferred", one.number, one.text);
            recipient_outcome waits{one.number, outcome_kind::deferred, one.text};
            waits.notice = message->delay_told_of.contains(one.number) ? message->delay_notice : owed_notice_of(message->state(), one.number);
            last.outcomes.push_back(std::move(waits));
        }
        if (!stopping_ && tell_of_delay(*message, last)) last.delay_told = true;
        last.retry_after = wait_of(*message);
        if (stopping_ && !message->attempted) last.retry_after.reset();
        (void)co_await record(id, last);
    } else if (message->settled < message->mail().recipients.size()) {
        spool_change back;
        (void)co_await record(id, back);
    }
    for (transaction_id const& notice : message->notices) notices_.push_back({{notice, id}, {}});
}

// Once it is written. While the disk takes nothing no further attempt begins.
MAILQUAY_DECL asio::awaitable<bool> runner_core::record(transaction_id id, spool_change what) {
    bool waited = false;
    for (;;) {
        auto* const queue = queue_.get();
        unique_function<void(unique_function<void(std::error_code)>)> begin = [queue, id, copy = what](unique_function<void(std::error_code)> done) mutable {
            queue->change(id, std::move(copy), std::move(done));
        };
        auto failed = co_await wait_for_done(std::move(begin));
        bool const over = !failed || failed == std::errc::no_such_file_or_directory || stopping_;
        if (over && waited && --unrecorded_ == 0) poke();
        if (over) co_return !failed;
        if (!std::exchange(waited, true)) ++unrecorded_;
        settings_.log.error([&] { return log_line{"not-recorded"}.add("id", id.view()).add("reason", failed.message()); });
        co_await pause(std::chrono::seconds{1});
    }
}

MAILQUAY_DECL asio::awaitable<void> runner_core::pause(std::chrono::milliseconds some) {
    auto const timer = loop_->pauses.emplace(loop_->pauses.end(), loop_->strand);
    timer->expires_after(some);
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer->async_wait(token);
    loop_->pauses.erase(timer);
}

MAILQUAY_DECL void runner_core::log_outcome(handled_message const& message, std::string_view what, std::uint32_t number, std::string_view text) const {
    settings_.log.info([&] {
        auto const read = read_outcome_text(text);
        envelope_recipient const& to = message.mail().recipients[number];
        log_line line{what};
        line.add("id", message.claimed->id.view()).add("to", next_address(to));
        if (!to.deliver_to.empty()) line.add("orig_to", to.address);
        line.add("relay", read.remote.empty() ? std::string_view{"none"} : std::string_view{read.remote});
        auto const accepted = wall_point{std::chrono::milliseconds{message.state().accepted_ms}};
        line.add("delay", std::chrono::duration_cast<std::chrono::milliseconds>(wall() - accepted));
        line.add("dsn", read.status).add("reply", read.reply);
        return line;
    });
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
