#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/prepared_replies.hpp>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// An alias that would lose members must not be answered 250.
inline bool too_many_members(verdict const& given) noexcept {
    return given.accepts() && given.resolves() && given.resolved_addresses().size() > max_alias_members;
}
}  // namespace detail

MAILQUAY_DECL ticket session::ask(question what) noexcept {
    asked_ = what;
    if (open_++ == 0) since_ = now_;
    return ticket{next_ticket_++};
}

/// The only one that was open.
MAILQUAY_DECL void session::question_over() noexcept {
    open_ = 0;
    since_ = now_;
    asked_ = question::none;
}

/// One of several RCPT that are asked about, or one whose answer is no plain yes.
MAILQUAY_DECL void session::answer_in_run(std::uint32_t number, verdict const& given) {
    list_only_recipient();
    auto& pending = work_->pending;
    auto const found = std::find_if(pending.begin() + static_cast<std::ptrdiff_t>(work_->said), pending.end(),
                                    [&](auto const& one) { return one.ticket == number; });
    if (found == pending.end()) return;
    assert(!found->answered && "answered twice");
    if (found->answered) return;
    found->given = detail::too_many_members(given) ? defer(replies::local_error) : given;  // first: to copy it may fail
    found->answered = true;
    --open_;
    since_ = now_;
    settle_recipients();
}

MAILQUAY_DECL void session::answer(ticket to, verdict const& given) {
    if (given.is_plain_yes()) return answer_yes(to);
    answer_any(to, given);
}

MAILQUAY_DECL void session::answer_yes(ticket to) {
    if (is_only_question(to) && take_plain_yes()) return;
    answer_any(to, accept());
}

/// To the one question that is open, where no more than yes was said: what nearly every answer is. @return whether it did
MAILQUAY_DECL bool session::take_plain_yes() {
    switch (asked_) {
        case question::mail:
            if (work_->mail.requests_) return false;
            question_over();
            sender_accepted();
            say(replies::sender_ok);
            break;
        case question::recipient:
            if (!work_->pending.empty()) return false;
            question_over();
            say(replies::recipient_ok);
            recipient_accepted();
            break;
        case question::started:
            if (work_->message.chunked) return false;
            question_over();
            begin_message();
            return true;
        case question::chunk:
            question_over();
            if (work_->message.chunk_is_ours) work_->message.held.clear();
            return true;
        default: return false;
    }
    command_boundary();
    return true;
}

MAILQUAY_DECL void session::answer_any(ticket to, verdict const& given) {
    auto const number = static_cast<std::uint32_t>(to);
    if (asked_ == question::recipient && open_ != 0) {
        if (work_->pending.empty() && number == next_ticket_ - 1 && settle_only_recipient(given)) return;
        return answer_in_run(number, given);
    }
    if (open_ == 0 || number != next_ticket_ - 1) return;
    if (asked_ == question::complete) return answer(to, delivery{given});
    question const what = asked_;
    question_over();
    settle(what, given);
}

MAILQUAY_DECL void session::answer(ticket to, delivery&& given) {
    if (open_ == 0 || static_cast<std::uint32_t>(to) != next_ticket_ - 1) return;
    assert(asked_ == question::complete && "a delivery answers message_complete only");
    question_over();
    message_told_ = false;  // decided: whatever befalls the reply, the message is not aborted
    if (given.is_plain_yes() && !work_->mail.reply_for_each()) {
        say_queued();
        return message_over(true);
    }
    if (wait_first(question::complete, given.combined().delay())) {
        delayed_->delivered.emplace(std::move(given));
        return;
    }
    settle_delivery(given);
}

MAILQUAY_DECL void session::answer(ticket to, reply given) {
    if (open_ == 0 || static_cast<std::uint32_t>(to) != next_ticket_ - 1) return;
    assert((asked_ == question::verify || asked_ == question::expand || asked_ == question::custom) &&
           "a reply answers verify_requested, expand_requested and custom_command only");
    question const what = asked_;
    question_over();
    forget_asked_text();
    // Who may be asked about counts like who may receive, or VRFY would be the cheaper way to try names.
    if (what != question::custom && given.code >= 500) {
        ++totals_.recipients_refused;
        if (recipients_budget_spent()) return close_with(replies::too_many_errors, close_reason::too_many_errors);
    }
    if (asked_utf8_ && given.code >= 250 && given.code < 260)
        say(given.code, given.enhanced, given.text, true);
    else
        say(given);
    if (given.close || given.code == 421) return close(close_reason::refused);
    command_boundary();
}

/// Puts off a reply that has to wait. @return whether it does
MAILQUAY_DECL bool session::wait_first(question what, std::chrono::milliseconds delay) {
    if (delay.count() == 0) return false;
    delayed_ = std::make_unique<delayed>();
    delayed_->due = now_ + delay;
    delayed_->asked = what;
    return true;
}

MAILQUAY_DECL void session::settle(question what, verdict const& given) {
    // The answer decides, though its reply may wait: what the host counts by client and the session agree at any time.
    if (what == question::peer && changed_ && !given.refuses()) info_ = std::move(*std::exchange(changed_, nullptr));
    if (wait_first(what, given.delay())) {
        delayed_->given = given;
        return;
    }
    bool const yes = !given.refuses();
    switch (what) {
        case question::connected:
            if (!yes) return refuse_connection(given, replies::connection_refused);
            if (config_->timeouts.greeting_delay.count() > 0 && !given.closes()) {
                phase_ = phase::greeting;
                return;
            }
            phase_ = phase::command;
            append_greeting(out(), *config_);
            break;
        case question::early_talk:
            if (!yes) return refuse_connection(given, replies::early_talker);
            break;
        case question::greeted:
            if (!yes) {
                // One that was accepted before has counted this one when it came.
                if (state_ == session_state::start && !junk_allowed()) return;
                say(given, given.kind() == verdict_kind::defer ? replies::deferred : replies::rejected);
                break;
            }
            drop_transaction(true);
            state_ = session_state::ready;
            info_.set_hello(std::move(asked_text_), extended_hello_);
            if (info_.extended())
                append_ehlo(out(), *config_, info_, memory_->wall());
            else
                say(250, {}, config_->hostname);
            break;
        case question::mail:
            if (yes) {
                sender_accepted();
                say_sender_ok(given);
            } else {
                if (!junk_allowed()) return;
                forgiven_ = true;
                say(given, given.kind() == verdict_kind::defer ? replies::deferred : replies::rejected);
                drop_work();
            }
            break;
        case question::started:
            if (work_->message.chunked) return begin_chunks(given);
            if (yes && !given.closes()) return begin_message();
            abort_message(abort_reason::refused);
            if (yes) return close_with(replies::service_stopping, close_reason::refused);
            forgiven_ = false;
            say(given, given.kind() == verdict_kind::defer ? replies::deferred : replies::transaction_failed);
            state_ = session_state::ready;
            drop_work();
            // What lies behind a refused DATA may be the message: it must not be read as commands.
            close_if_octets_follow();
            break;
        case question::headers:
            work_->message.header_given = true;
            if (!yes) hook_refused_message(given);
            return;
        case question::chunk:
            if (work_->message.chunk_is_ours) work_->message.held.clear();
            if (!yes) hook_refused_message(given);
            return;
        case question::complete: return settle_delivery(delivery{given});
        case question::peer: settle_peer(given); break;
        case question::auth: return settle_exchange(mailquay::fail(auth_problem::unavailable));
        case question::tls:
            if (!yes) {
                say(given, replies::tls_unavailable);
                break;
            }
            if (given.closes()) return close_with(replies::tls_unavailable, close_reason::refused);
            say(replies::ready_to_start_tls);
            return begin_securing();
        case question::verify:
        case question::expand:
        case question::custom:
            say(given, yes ? replies::ok : given.kind() == verdict_kind::defer ? replies::deferred : replies::rejected);
            break;
        case question::recipient:
        case question::none: return;
    }
    if (given.closes()) return close(close_reason::refused);
    command_boundary();
}

/// The host's reply to MAIL; without one of its own, a priority that was lowered is told (RFC 6710 §8: the text begins with the
/// priority that counts).
MAILQUAY_DECL void session::say_sender_ok(verdict const& given) {
    if (!work_->mail.requests_) return say(given, replies::sender_ok);
    auto const& priority = work_->mail.requests_->priority;
    if (!priority || priority->value == priority->asked || given.code() != 0 || !given.text().empty() || given.named() != nullptr)
        return say(given, replies::sender_ok);
    say(reply{250, "2.3.6", std::to_string(priority->value) + " is the priority that counts"});
}

/// Settles the answer to the one RCPT that is asked about, where nothing stands in its way; most come so.
/// @return whether it did
MAILQUAY_DECL bool session::settle_only_recipient(verdict const& given) {
    if (!given.accepts() || given.delay().count() != 0 || given.closes() || delayed_ || detail::too_many_members(given)) return false;
    question_over();
    say(given, replies::recipient_ok);
    keep_resolution(recipient_accepted(), given);
    command_boundary();
    return true;
}

MAILQUAY_DECL void session::sender_accepted() {
    ++totals_.mails;
    state_ = session_state::mail_given;
    work_->mail.forwarded_ = info_.take_forwarded();
}

/// The one that was asked about alone.
MAILQUAY_DECL recipient& session::recipient_accepted() noexcept {
    ++totals_.recipients;
    state_ = session_state::recipients_given;
    return work_->mail.recipients_[work_->mail.accepted_++];
}

/// Says the replies to RCPT whose turn has come, in command order.
MAILQUAY_DECL void session::settle_recipients() {
    if (delayed_) return;  // the reply before these waits
    auto& pending = work_->pending;
    while (work_->said < pending.size() && pending[work_->said].answered) {
        auto& one = pending[work_->said];
        if (one.refusal) {
            ++work_->said;
            refuse_recipient(*one.refusal);
        } else {
            bool const refused = !one.given.accepts();
            bool const slow = refused && !info_.authenticated() &&
                              totals_.recipients_refused + 1u >= config_->budgets.recipients_slow + totals_.recipients / 5;
            auto const delay = slow && !one.waited ? std::max(one.given.delay(), std::chrono::milliseconds{1000}) : one.given.delay();
            one.waited = true;
            if (wait_first(question::recipient, delay)) return;
            ++work_->said;
            one.accepted = !refused;
            settle_one_recipient(one.given);
        }
        if (phase_ == phase::closing) return;
    }
    if (open_ != 0 || work_->said < pending.size()) return;

    asked_ = question::none;
    run_over_ = untidy_ = true;
    command_boundary();
}

/// Every question of a run of RCPT is answered, and no hook looks at its recipients any more: only now may they move.
MAILQUAY_DECL void session::end_run() {
    run_over_ = false;
    auto& pending = work_->pending;
    auto& all = work_->mail.recipients_;
    std::size_t at = work_->mail.accepted_;
    for (auto const& one : pending) {
        if (one.refusal) continue;
        if (one.accepted) {
            all[work_->mail.accepted_] = all[at];
            keep_resolution(all[work_->mail.accepted_++], one.given);
        }
        ++at;
    }
    bool const any_accepted = std::any_of(pending.begin(), pending.end(), [](auto const& one) { return one.accepted; });
    if (!any_accepted) work_->mail.text_.go_back(work_->run_begins);  // or refused names would pile up
    all.resize(work_->mail.accepted_);
    if (!all.empty()) state_ = session_state::recipients_given;
    pending.clear();
    work_->said = 0;
}

MAILQUAY_DECL void session::settle_one_recipient(verdict const& given) {
    if (given.accepts()) {
        ++totals_.recipients;
        say(given, replies::recipient_ok);
    } else {
        forgiven_ = true;
        ++totals_.recipients_refused;
        if (recipients_budget_spent()) return close_with(replies::too_many_errors, close_reason::too_many_errors);
        say(given, given.kind() == verdict_kind::defer ? replies::deferred : replies::relay_denied);
    }
    if (given.closes()) close(close_reason::refused);
}

MAILQUAY_DECL bool session::recipients_budget_spent() noexcept {
    // A fifth of what was accepted is free: long lists always hold some dead addresses.
    std::uint32_t const refused = totals_.recipients_refused;
    return refused - std::min(refused, totals_.recipients / 5) >= config_->budgets.recipients && !info_.authenticated();
}

/// The client is not greeted.
/// @param usual  the reply to a `reject()` without one of its own
MAILQUAY_DECL void session::refuse_connection(verdict const& given, reply_text const& usual) {
    reply_text const& said = given.kind() == verdict_kind::defer ? replies::overloaded : usual;
    say(in_place_of_greeting(given, said), said);
    close(close_reason::refused);
}

MAILQUAY_DECL void session::keep_resolution(recipient& to, verdict const& given) {
    if (!given.resolves()) return;
    to.mailbox = work_->mail.text_.copy(given.resolved_mailbox());
    auto const& targets = given.resolved_addresses();
    if (targets.empty()) return;
    std::size_t const count = targets.size();
    auto& kept = work_->mail.aliases_.emplace_back(std::make_unique<std::string_view[]>(count));
    for (std::size_t i = 0; i < count; ++i) kept[i] = work_->mail.text_.copy(targets[i]);
    to.addresses = {kept.get(), count};
}

}  // namespace mailquay::inline MAILQUAY_ABI
