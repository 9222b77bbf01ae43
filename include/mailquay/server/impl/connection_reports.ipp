#pragma once

#include <mailquay/server/impl/connection.ipp>

#include <chrono>

// What became of a question goes to the log and to observers.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

struct stage_names {
    std::string_view stage;
    std::string_view verb;
    reply_text const& deferred;  // what the session says where a verdict has no reply of its own
    reply_text const& rejected;
};

/// @param command  the verb that was answered
inline stage_names names_of(hook_stage stage, std::string_view command, bool chunked) noexcept {
    std::string_view const data = chunked ? "BDAT" : "DATA";
    switch (stage) {
        case hook_stage::connect: return {"connect", "", replies::overloaded, replies::connection_refused};
        case hook_stage::early_talk: return {"early_talk", "", replies::overloaded, replies::early_talker};
        case hook_stage::peer: return {"peer", "XCLIENT", replies::deferred, replies::rejected};
        case hook_stage::hello: return {"hello", command, replies::deferred, replies::rejected};
        case hook_stage::mail: return {"mail", "MAIL", replies::deferred, replies::rejected};
        case hook_stage::recipient: return {"recipient", "RCPT", replies::deferred, replies::relay_denied};
        case hook_stage::start: return {"data", data, replies::deferred, replies::transaction_failed};
        case hook_stage::headers: return {"headers", data, replies::local_error, replies::transaction_failed};
        case hook_stage::chunk: return {"message", data, replies::local_error, replies::transaction_failed};
        case hook_stage::command: return {"command", command, replies::local_error, replies::rejected};
        case hook_stage::auth: return {"auth", "AUTH", replies::auth_unavailable, replies::bad_credentials};
        case hook_stage::finish: break;
    }
    return {"finish", data, replies::local_error, replies::transaction_failed};
}

}  // namespace detail

MAILQUAY_DECL void connection::told_refused(hook_question const& asked, verdict const& given) const {
    setup_->log.info([&] {
        auto const names = detail::names_of(asked.stage, session_.verb_name(), session_.receiving_chunks());
        reply_text const& usual = given.kind() == verdict_kind::defer ? names.deferred : names.rejected;
        session_info const& client = session_.info();
        bool const ungreeted = asked.stage == hook_stage::connect || asked.stage == hook_stage::early_talk;
        verdict const said = ungreeted ? in_place_of_greeting(given, usual) : given;
        if (asked.stage == hook_stage::connect) return log_lines::refused_connect(client, said, usual);
        return log_lines::refused(client, names.stage, names.verb, asked.mail, asked.to, said, usual);
    });
}

/// A hook took longer than it may: the client was answered without it.
MAILQUAY_DECL void connection::told_overdue(ticket overtaken) const {
    if (session_.closing()) return;  // the last line says why
    for (hook_frame const* one = frames_; one != nullptr; one = one->next_) {
        if (one->asked_.ticket != overtaken) continue;
        switch (one->asked_.stage) {
            case hook_stage::hello:
            case hook_stage::mail:
            case hook_stage::recipient:
            case hook_stage::peer:
            case hook_stage::command: return told(one->asked_, defer(replies::hook_timeout));
            default: return;  // a message is told to be aborted, an AUTH exchange to be over
        }
    }
}

/// What a verdict on a command, or on a message under way, led to.
MAILQUAY_DECL void connection::told(hook_question const& asked, verdict const& given) const {
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
            if (!yes) tell_of(asked, observation_kind::message_refused, given);
            break;
        default: break;
    }
}

MAILQUAY_DECL void connection::tell_of(hook_question const& asked, observation_kind what, verdict const& given) const noexcept {
    if (!setup_->asks->observed(what)) return;
    observation told = about(what);
    told.mail = asked.mail;
    told.to = asked.to;
    told.reply = &given;
    if (message_) told.octets = message_->octets;
    tell(told);
}

/// What became of the message: a line for each recipient that did not get it, and one where somebody did.
MAILQUAY_DECL void connection::log_delivery(hook_question const& asked, delivery const& given) const {
    if (given.is_unanswered()) {
        setup_->log.error([&] {
            return log_lines::aborted(session_.info(), asked.mail->id(), "finish", message_ ? message_->octets : 0, "unanswered", true);
        });
        return;
    }
    auto const recipients = asked.mail->recipients();
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < recipients.size(); ++i) accepted += given.accepted_for(i) ? 1 : 0;
    if (given.is_single()) {
        if (!given.all().accepts()) told_refused(asked, given.all());
    } else {
        hook_question one = asked;
        for (std::size_t i = 0; i < recipients.size() && i < given.each().size(); ++i) {
            verdict const& outcome = given.each()[i];
            if (outcome.accepts()) continue;
            one.to = &recipients[i];
            told_refused(one, outcome.refuses() ? outcome : defer(replies::local_error));
        }
    }
    if (!given.combined().accepts()) return;
    auto const spent = std::chrono::duration_cast<std::chrono::milliseconds>(home_->now() - message_->finishing);
    setup_->log.info([&] { return log_lines::accepted(*asked.mail, accepted, message_->octets, message_->message_id.value(), spent); });
}

}  // namespace mailquay::inline MAILQUAY_ABI
