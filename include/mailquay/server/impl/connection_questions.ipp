#pragma once

#include <mailquay/server/impl/connection.ipp>

// Questions and answers: what the session asks goes to the pipeline, now or through a hook frame, and what happened to the log.

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void connection::take_events() {
    while (phase_ == phase::talking) {
        // While a hook that nobody waits for any more still looks at the transaction, the session must not go on to the next
        // one, unless its end is certain.
        if (old_hooks() && !lost_ && !stop_now_ && !closing_told_) return;
        auto told = session_.next_event();
        if (!told) return;
        handle(*told);
    }
}

MAILQUAY_DECL void connection::handle(event& told) {
    pipeline const& plug_ins = *setup_->asks;
    session_info const& client = session_.info();
    auto const visitor = [&](auto& what) {
        using kind = std::remove_cvref_t<decltype(what)>;
        if constexpr (std::is_same_v<kind, connected>) {
            setup_->log.info([&] { return log_lines::connected(client); });
            ask(plug_ins.connect(client), {what.ticket, hook_stage::connect});
        } else if constexpr (std::is_same_v<kind, early_talk>) {
            ask(plug_ins.early_talk(client), {what.ticket, hook_stage::early_talk});
        } else if constexpr (std::is_same_v<kind, greeted>) {
            ask(plug_ins.hello(client, what.hello_name), {what.ticket, hook_stage::hello});
        } else if constexpr (std::is_same_v<kind, mail_offered>) {
            ask(plug_ins.mail(*what.mail), {what.ticket, hook_stage::mail, what.mail});
        } else if constexpr (std::is_same_v<kind, recipient_offered>) {
            ask(plug_ins.recipient(*what.mail, *what.to), {what.ticket, hook_stage::recipient, what.mail, what.to});
        } else if constexpr (std::is_same_v<kind, message_started>) {
            message_ = std::make_unique<message_state>(setup_->asks, *what.mail);
            let_go_ = false;
            ask(message_->path.start(), {what.ticket, hook_stage::start, what.mail});
        } else if constexpr (std::is_same_v<kind, headers_complete>) {
            ask(message_->path.headers(what.header), {what.ticket, hook_stage::headers, what.mail});
        } else if constexpr (std::is_same_v<kind, message_chunk>) {
            message_->octets += what.octets.size();
            if (setup_->log.enabled(log_level::info)) message_->message_id.feed({what.octets.data(), what.octets.size()});
            ask(message_->path.chunk(what.octets), {what.ticket, hook_stage::chunk, what.mail});
        } else if constexpr (std::is_same_v<kind, message_complete>) {
            message_->octets = what.octets;
            message_->finishing = home_->now();
            auto const how = client.lmtp() ? commit::each : commit::all_or_none;
            ask(message_->path.complete(how), {what.ticket, hook_stage::finish, what.mail});
        } else if constexpr (std::is_same_v<kind, verify_requested>) {
            session_.answer(what.ticket, reply{replies::cannot_verify});
        } else if constexpr (std::is_same_v<kind, expand_requested>) {
            session_.answer(what.ticket, reply{replies::expn_disabled});
        } else if constexpr (std::is_same_v<kind, custom_command>) {
            session_.answer(what.ticket, reply{replies::not_implemented});
        } else if constexpr (std::is_same_v<kind, tls_requested>) {
            session_.answer(what.ticket, offer_tls());
        } else if constexpr (std::is_same_v<kind, handshake_due>) {
            handshake_begins(what);
        } else if constexpr (std::is_same_v<kind, command_refused>) {
            setup_->log.info([&] { return log_lines::refused_by_session(client, what); });
        } else if constexpr (std::is_same_v<kind, message_aborted>) {
            abort_message(what.why);
        } else if constexpr (std::is_same_v<kind, withdrawn>) {
            withdraw();
        } else if constexpr (std::is_same_v<kind, closed>) {
            over(what.why);
        } else {
            static_assert(std::is_same_v<kind, transaction_reset>);
        }
    };
    std::visit(visitor, told);
}

template <class Answer>
void connection::ask(eventual<Answer> hook, hook_question asked) {
    if (hook.ready()) return give(asked, std::move(hook).value());
    if (home_->hooks_running_ >= home_->limits_.hook_frames) {
        home_->log().warning([&] { return log_line{"overload"}.add("id", id()).add("hooks", home_->hooks_running_); });
        return give(asked, Answer{defer(replies::queue_full)});
    }
    home_->host().hooks().start(std::move(hook), *this, asked);
}

namespace detail {

struct stage_names {
    std::string_view stage;
    std::string_view verb;
    reply_text const& deferred;  // what the session says where a verdict has no reply of its own
    reply_text const& rejected;
};

inline stage_names names_of(hook_stage stage, bool lmtp) noexcept {
    switch (stage) {
        case hook_stage::connect: return {"connect", "", replies::overloaded, replies::connection_refused};
        case hook_stage::early_talk: return {"early_talk", "", replies::overloaded, replies::early_talker};
        case hook_stage::hello: return {"hello", lmtp ? "LHLO" : "EHLO", replies::deferred, replies::rejected};
        case hook_stage::mail: return {"mail", "MAIL", replies::deferred, replies::rejected};
        case hook_stage::recipient: return {"recipient", "RCPT", replies::deferred, replies::relay_denied};
        case hook_stage::start: return {"data", "DATA", replies::deferred, replies::transaction_failed};
        case hook_stage::headers: return {"headers", "DATA", replies::local_error, replies::transaction_failed};
        case hook_stage::chunk: return {"message", "DATA", replies::local_error, replies::transaction_failed};
        case hook_stage::finish: break;
    }
    return {"finish", "DATA", replies::local_error, replies::transaction_failed};
}

}  // namespace detail

MAILQUAY_DECL void connection::told_refused(hook_question const& asked, verdict const& given) const {
    bool const lmtp = session_.info().lmtp();
    auto const names = detail::names_of(asked.stage, lmtp);
    reply_text const& usual = given.kind() == verdict_kind::defer ? names.deferred : names.rejected;
    if (asked.stage == hook_stage::connect) {
        setup_->log.info([&] {
            return log_lines::refused_connect(session_.info(), given.named() != nullptr ? given.named()->wire() : usual.wire(), given.rule());
        });
        return;
    }
    setup_->log.info([&] {
        return log_lines::refused(session_.info(), names.stage, names.verb, asked.mail, asked.to, given, usual);
    });
}

MAILQUAY_DECL void connection::tell_of(hook_question const& asked, observation_kind what, verdict const& given) const noexcept {
    observation told = about(what);
    told.mail = asked.mail;
    told.to = asked.to;
    told.reply = &given;
    if (message_) told.octets = message_->octets;
    tell(told);
}

MAILQUAY_DECL void connection::give(hook_question const& asked, verdict given) {
    // A recipient is accepted by a clear yes only; elsewhere no opinion lets the client pass.
    bool const yes = asked.stage == hook_stage::recipient ? given.accepts() : !given.refuses();
    if (!yes) told_refused(asked, given);
    switch (asked.stage) {
        case hook_stage::hello:
            if (yes) tell_of(asked, observation_kind::greeted, given);
            break;
        case hook_stage::mail:
            tell_of(asked, yes ? observation_kind::mail_accepted : observation_kind::mail_refused, given);
            break;
        case hook_stage::recipient:
            tell_of(asked, yes ? observation_kind::recipient_accepted : observation_kind::recipient_refused, given);
            break;
        case hook_stage::start:
        case hook_stage::headers:
        case hook_stage::chunk:
            if (yes) break;
            message_->refused = true;
            tell_of(asked, observation_kind::message_refused, given);
            break;
        default: break;
    }
    session_.answer(asked.ticket, std::move(given));
}

MAILQUAY_DECL void connection::give(hook_question const& asked, delivery given) {
    verdict const& all = given.combined();
    if (all.accepts()) {
        ++home_->counts_.messages_accepted;
        auto const spent = std::chrono::duration_cast<std::chrono::milliseconds>(home_->now() - message_->finishing);
        setup_->log.info([&] { return log_lines::accepted(*asked.mail, message_->octets, message_->message_id.value(), spent); });
        std::string_view const name = asked.mail->id();
        std::copy_n(name.data(), std::min(name.size(), sizeof unsent_id_), unsent_id_);
        observation told = about(observation_kind::message_accepted);
        told.mail = asked.mail;
        told.delivered = &given;
        told.octets = message_->octets;
        tell(told);
    } else {
        told_refused(asked, all);
        tell_of(asked, observation_kind::message_refused, all);
    }
    session_.answer(asked.ticket, std::move(given));
    message_.reset();
}

MAILQUAY_DECL void connection::late(hook_question const&, verdict const&) noexcept {}

/// The sink's last word came when nobody waited for it any more: if it kept the message, the client will send it again.
MAILQUAY_DECL void connection::late(hook_question const& asked, delivery const& given) noexcept {
    if (!given.combined().accepts()) return;
    ++home_->counts_.messages_accepted;
    auto const spent = std::chrono::duration_cast<std::chrono::milliseconds>(home_->now() - message_->finishing);
    setup_->log.info([&] { return log_lines::accepted(*asked.mail, message_->octets, message_->message_id.value(), spent); });
    setup_->log.info([&] { return log_lines::accepted_unsent(session_.info(), asked.mail->id()); });
}

/// The session gave up waiting: every hook under way is told, but a `finish()` only when its own time is up.
MAILQUAY_DECL void connection::withdraw() noexcept {
    bool const finish_goes_on = lost_ && !stop_now_;
    for (hook_frame* one = frames_; one != nullptr; one = one->next_) one->withdrawn_ = true;
    for (;;) {
        hook_frame* one = frames_;  // from the start each time: a cancelled hook may end at once
        while (one != nullptr && (one->cancelled_ || (finish_goes_on && one->asked_.stage == hook_stage::finish))) one = one->next_;
        if (one == nullptr) return;
        one->cancelled_ = true;
        one->cancelled_at_ = home_->now();
        one->cancel();
    }
}

MAILQUAY_DECL void connection::abort_message(abort_reason why) noexcept {
    if (!message_) return;
    ++home_->counts_.messages_aborted;
    let_go_ = true;
    if (message_->refused) {  // told already, with the reply
        if (!parked()) hooks_ended();
        return;
    }
    bool const unknown = message_->finishing != std::chrono::steady_clock::time_point{};
    std::string_view const stage = unknown ? "finish" : message_->octets == 0 ? "data" : "message";
    setup_->log.info([&] {
        return log_lines::aborted(session_.info(), message_->mail->id(), stage, message_->octets, to_string(why), unknown);
    });
    observation told = about(observation_kind::message_aborted);
    told.mail = message_->mail;
    told.octets = message_->octets;
    told.aborted = why;
    tell(told);
    if (!parked()) hooks_ended();
}

MAILQUAY_DECL void connection::over(close_reason why) {
    close_reason_ = why;
    closing_told_ = true;
    session_info const& client = session_.info();
    if (shaking_) setup_->log.info([&] { return log_lines::not_secured(client, to_string(why)); });
    setup_->log.info([&] { return log_lines::closed(client, why, session_.totals()); });
    observation told = about(observation_kind::closed);
    told.ended = why;
    tell(told);
    setup_->asks->close(client);
}

MAILQUAY_DECL bool connection::old_hooks() const noexcept {
    for (hook_frame const* one = frames_; one != nullptr; one = one->next_)
        if (one->withdrawn_) return true;
    return false;
}

MAILQUAY_DECL bool connection::finishing() const noexcept {
    return frames_ != nullptr && frames_->asked_.stage == hook_stage::finish;
}

MAILQUAY_DECL void connection::joined(hook_frame& frame) noexcept {
    frame.began_ = home_->now();
    frame.next_ = std::exchange(frames_, &frame);
    ++home_->hooks_running_;
}

MAILQUAY_DECL void connection::left(hook_frame& frame) noexcept {
    frame.linked_ = false;
    hook_frame** at = &frames_;
    while (*at != &frame) at = &(*at)->next_;
    *at = frame.next_;
    --home_->hooks_running_;
}

/// No hook looks at anything any more.
MAILQUAY_DECL void connection::hooks_ended() noexcept {
    if (!let_go_) return;
    let_go_ = false;
    message_.reset();
}

template <class Answer>
void connection::answered(hook_frame& frame, std::exception_ptr const& failure, Answer given) noexcept {
    ref<connection> const self{this};
    left(frame);
    if (!detached_) home_->batch_begins();
    if (failure) {
        given = Answer{defer(replies::local_error)};
        home_->log().error([&] {
            try {
                std::rethrow_exception(failure);
            } catch (std::exception const& thrown) {
                return log_line{"error"}.add("id", id()).add("what", std::string_view{thrown.what()});
            } catch (...) {
                return log_line{"error"}.add("id", id()).add("what", std::string_view{"a hook threw"});
            }
        });
    }
    if (frame.withdrawn_ || phase_ == phase::closed) {
        if (!detached_) late(frame.asked_, given);
    } else {
        try {
            give(frame.asked_, std::move(given));
        } catch (std::exception const& thrown) {
            failed(thrown.what());
        }
    }
    if (!parked()) hooks_ended();
    if (phase_ == phase::closed) return leave_if_over();
    pump();
}

/// The loop ended under the hook.
MAILQUAY_DECL void connection::vanished(hook_frame& frame) noexcept {
    ref<connection> const self{this};
    left(frame);
    if (!parked()) hooks_ended();
    leave_if_over();
}

}  // namespace mailquay::inline MAILQUAY_ABI
