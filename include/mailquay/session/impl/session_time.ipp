#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/prepared_replies.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void session::time_is(time_point now) {
    if (now_ == time_point{}) {
        since_ = out_since_ = last_message_ = now;
        now_ = now;
        return;
    }
    if (now < now_) return;
    auto const passed = now - now_;
    bool const asked_for_input = phase_ == phase::message && wants_input();
    // An hour may pass between two messages, not while one is on its way: how slow it may be is the rate's affair.
    if (asked_for_input && !work_->message.refused) last_message_ += passed;
    now_ = now;
    if (phase_ == phase::closing) {
        if (out_ && now_ - out_since_ >= config_->timeouts.output_stall) connection_lost();
        return;
    }
    if (out_ && now_ - out_since_ >= config_->timeouts.output_stall) {
        withdraw();
        abort_message(abort_reason::peer_gone);
        close(close_reason::output_stalled);
        memory_->give_back(std::move(out_));
        sent_ = 0;
        wont_tell(tell_refused);
        return;
    }
    if (delayed_) {
        if (now_ < delayed_->due) return;
        auto const due = std::move(delayed_);
        since_ = now_;
        if (due->asked == question::recipient) {
            work_->pending[work_->said].given.after({});
            settle_recipients();
        } else if (due->delivered) {
            settle_delivery(*due->delivered);
        } else if (due->step) {
            settle_exchange(*due->step);
        } else {
            settle(due->asked, due->given.after({}));
        }
        return;
    }
    if (open_ != 0) {
        if (now_ - since_ >= patience()) hook_overdue();
        return;
    }
    if (phase_ == phase::greeting) {
        if (now_ - since_ < config_->timeouts.greeting_delay) return;
        phase_ = phase::command;
        since_ = now_;
        append_greeting(out(), *config_);
        command_boundary();
        return;
    }
    if (paused_) {
        since_ = now_;
        return;
    }
    if (asked_for_input) measure_rate(std::chrono::duration_cast<std::chrono::milliseconds>(passed));
    bool const draining = phase_ == phase::message && work_->message.refused;
    bool const overdue = now_ - since_ >= patience() ||
                         (draining && now_ - work_->message.drain_since >= config_->timeouts.drain);
    if (phase_ != phase::closing && overdue) input_overdue();
    if (phase_ == phase::command && now_ - last_message_ >= config_->timeouts.without_message && open_ == 0)
        close_with(replies::idle_timeout, close_reason::timed_out);
}

MAILQUAY_DECL std::optional<session::time_point> session::wake_at() const noexcept {
    if (told_closed_ && !out_) return std::nullopt;
    time_point due = time_point::max();
    if (out_) due = out_since_ + config_->timeouts.output_stall;
    if (phase_ == phase::closing) return out_ ? std::optional{due} : std::nullopt;
    if (delayed_) return std::min(due, delayed_->due);
    if (phase_ == phase::connecting && open_ == 0) return due == time_point::max() ? std::nullopt : std::optional{due};
    due = std::min(due, since_ + (phase_ == phase::greeting && open_ == 0 ? config_->timeouts.greeting_delay : patience()));
    if (phase_ == phase::message && open_ == 0 && config_->timeouts.least_octets_per_second != 0)
        due = std::min(due, now_ + std::chrono::seconds{1});
    if (phase_ == phase::command) due = std::min(due, last_message_ + config_->timeouts.without_message);
    return due;
}

/// How long the present wait may last.
MAILQUAY_DECL std::chrono::seconds session::patience() const noexcept {
    session_timeouts const& times = config_->timeouts;
    if (open_ != 0) {
        if (asked_ == question::chunk || asked_ == question::headers) return times.write;
        return asked_ == question::complete ? times.finish : times.hook;
    }
    if (phase_ == phase::securing) return hurried_ ? std::min(times.handshake, times.handshake_hurried) : times.handshake;
    if (phase_ == phase::message) return times.message_silence;
    // A place that is needed is kept for nobody who holds it idle; in a transaction or an AUTH exchange all have their usual time.
    if (hurried_ && state_ == session_state::start) return std::min(times.command, times.hello_hurried);
    if (hurried_ && state_ == session_state::ready && !exchange_) return std::min(times.command, times.command_hurried);
    return times.command;
}

/// The host did not answer in time.
MAILQUAY_DECL void session::hook_overdue() {
    question const what = asked_;
    withdraw();
    since_ = now_;
    switch (what) {
        case question::connected:
        case question::early_talk: return close_with(replies::overloaded, close_reason::timed_out);
        case question::complete:
            // The sink may have kept it: saying so and going on could deliver it twice without a trace.
            abort_message(abort_reason::hook_timed_out);
            for (std::size_t i = 0; i < (info_.lmtp() ? work_->mail.accepted_ : 1); ++i) say(replies::hook_timeout);
            return close(close_reason::timed_out);
        case question::chunk:
        case question::headers:
            abort_message(abort_reason::hook_timed_out);
            return hook_refused_message(defer(replies::hook_timeout));
        case question::started: abort_message(abort_reason::hook_timed_out); break;
        default: break;
    }
    if (what == question::recipient) return settle_recipients();
    settle(what, defer(what == question::tls ? replies::tls_unavailable : replies::hook_timeout));
}

/// The peer did not send what it owes.
MAILQUAY_DECL void session::input_overdue() {
    if (phase_ == phase::message && work_->message.refused) {
        // The reply it will get in any case, said now: a 552 must not become a 421.
        say_refusal();
        return close(close_reason::timed_out);
    }
    if (phase_ == phase::securing) return close(close_reason::timed_out);  // in clear it would be taken for part of the handshake
    abort_message(abort_reason::timed_out);
    close_with(replies::idle_timeout, close_reason::timed_out);
}

MAILQUAY_DECL void session::measure_rate(std::chrono::milliseconds passed) {
    std::size_t const least = config_->timeouts.least_octets_per_second;
    if (least == 0) return;
    reception& message = work_->message;
    message.asked += passed;
    if (message.asked < config_->timeouts.rate_window) return;
    auto const seconds = static_cast<std::uint64_t>(message.asked.count()) / 1000;
    bool const too_slow = message.window_octets < seconds * least;
    message.asked = {};
    message.window_octets = 0;
    if (!too_slow) return;
    if (message.refused) return input_overdue();
    abort_message(abort_reason::timed_out);
    close_with(replies::too_slow, close_reason::timed_out);
}

/// Takes back every open question.
MAILQUAY_DECL void session::withdraw() {
    if (open_ == 0) return;
    withdrawn_ = std::make_unique<std::vector<ticket>>();
    if (asked_ == question::recipient) {
        list_only_recipient();
        for (auto& one : work_->pending) {
            if (one.ticket == 0 || one.answered) continue;
            withdrawn_->push_back(ticket{one.ticket});
            one.answered = true;
            one.given = defer(replies::hook_timeout);  // heard only where time was up
        }
    } else {
        withdrawn_->push_back(ticket{next_ticket_ - 1});
    }
    std::reverse(withdrawn_->begin(), withdrawn_->end());  // told from the back
    if (!withdrawn_->empty()) will_tell(tell_withdrawn);
    open_ = 0;
    asked_ = question::none;
}

MAILQUAY_DECL void session::abort_message(abort_reason why) noexcept {
    if (!message_told_) return;
    message_told_ = false;
    will_tell(tell_aborted);
    abort_reason_ = why;
}

}  // namespace mailquay::inline MAILQUAY_ABI
