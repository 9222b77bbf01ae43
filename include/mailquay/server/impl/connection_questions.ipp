#pragma once

#include <mailquay/server/impl/connection.ipp>
#include <mailquay/server/impl/connection_reports.ipp>

// Questions and answers: what the session asks goes to the pipeline, now or through a hook frame.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Observations that a plain yes may lead to.
inline constexpr auto observed_of_yes =
    observation_kind::greeted | observation_kind::mail_accepted | observation_kind::recipient_accepted;

/// What must be free for a message to be worth asking for: it and another of the largest, and something for all else.
constexpr std::uint64_t least_room(session_limits const& limits) noexcept {
    constexpr std::uint64_t least = 64 * 1024 * 1024;
    constexpr std::uint64_t most = ~std::uint64_t{0};
    return limits.message_octets > most / 2 ? most : std::max(2 * limits.message_octets, least);
}

}  // namespace detail

MAILQUAY_DECL void connection::take_events() {
    while (phase_ == phase::talking) {
        // While a hook that nobody waits for any more still looks at the transaction, the session must not go on to the next
        // one, unless its end is certain.
        if (frames_ != nullptr && old_hooks() && !session_.closing()) return;
        auto told = session_.next_event();
        if (!told) return;
        handle(*told);
        if (session_.quiet()) return;
    }
}

MAILQUAY_DECL void connection::handle(event& told) {
    // What every message asks, without a table's detour.
    if (auto* const recipient = std::get_if<recipient_offered>(&told)) return handle(*recipient);
    if (auto* const chunk = std::get_if<message_chunk>(&told)) return handle(*chunk);
    if (auto* const mail = std::get_if<mail_offered>(&told)) return handle(*mail);
    if (auto* const started = std::get_if<message_started>(&told)) return handle(*started);
    if (auto* const complete = std::get_if<message_complete>(&told)) return handle(*complete);
    handle_any(told);
}

MAILQUAY_DECL void connection::handle(mail_offered& asked) {
    transaction const& mail = *asked.mail;
    pipeline const& plug_ins = *setup_->asks;
    std::uint64_t const declared = mail.parameters().size.value_or(0);
    verdict room = plug_ins.room(mail, std::max(detail::least_room(setup_->session.limits), declared));
    if (room.refuses()) return give({asked.ticket, hook_stage::mail, asked.mail}, std::move(room));
    ask_for_yes(plug_ins.mail(mail), asked.ticket, hook_stage::mail, asked.mail);
}

MAILQUAY_DECL void connection::handle(recipient_offered& asked) {
    ask_for_yes(setup_->asks->recipient(*asked.mail, *asked.to), asked.ticket, hook_stage::recipient, asked.mail, asked.to);
}

MAILQUAY_DECL void connection::handle(message_started& asked) {
    message_ = home_->messages_.make(*setup_->asks, *asked.mail);
    if (!unsent_ && setup_->log.enabled(log_level::info)) unsent_ = home_->unsent_.make();  // here it may fail
    let_go_ = false;
    ask_for_yes(message_->path.start(), asked.ticket, hook_stage::start, asked.mail);
}

MAILQUAY_DECL void connection::handle(message_chunk& asked) {
    message_->octets += asked.octets.size();
    if (setup_->log.enabled(log_level::info)) message_->message_id.feed({asked.octets.data(), asked.octets.size()});
    ask_for_yes(message_->path.chunk(asked.octets), asked.ticket, hook_stage::chunk, asked.mail);
}

MAILQUAY_DECL void connection::handle(message_complete& asked) {
    message_->octets = asked.octets;
    message_->finishing = home_->now();
    auto const how = asked.mail->reply_for_each() ? commit::each : commit::all_or_none;
    eventual<delivery> answer = message_->path.complete(how);
    bool const nobody_listens = !setup_->log.enabled(log_level::info) && !setup_->asks->observed(observation_kind::message_accepted);
    if (!answer.ready() || !answer.peek().is_plain_yes() || !nobody_listens)
        return ask(std::move(answer), {asked.ticket, hook_stage::finish, asked.mail});
    ++home_->counts_.messages_accepted;
    session_.answer(asked.ticket, std::move(answer).value());
    message_.reset();
}

MAILQUAY_DECL void connection::handle_any(event& told) {
    pipeline const& plug_ins = *setup_->asks;
    session_info const& client = session_.info();
    auto const visitor = [&](auto& what) {
        using kind = std::remove_cvref_t<decltype(what)>;
        if constexpr (std::is_same_v<kind, connected>) {
            setup_->log.info([&] { return log_lines::connected(client); });
            connect_asked_ = true;
            ask(plug_ins.connect(client), {what.ticket, hook_stage::connect});
        } else if constexpr (std::is_same_v<kind, early_talk>) {
            ask(plug_ins.early_talk(client), {what.ticket, hook_stage::early_talk});
        } else if constexpr (std::is_same_v<kind, greeted>) {
            ask(plug_ins.hello(client, what.hello_name), {what.ticket, hook_stage::hello});
        } else if constexpr (std::is_same_v<kind, headers_complete>) {
            ask(message_->path.headers(what.header), {what.ticket, hook_stage::headers, what.mail});
        } else if constexpr (std::is_same_v<kind, auth_started>) {
            exchange_over_ = false;
            ask(plug_ins.begin_auth(what.mechanism, what.initial, client, exchange_), {what.ticket, hook_stage::auth});
        } else if constexpr (std::is_same_v<kind, auth_response>) {
            ask(plug_ins.go_on_with_auth(*exchange_, what.octets, client), {what.ticket, hook_stage::auth});
        } else if constexpr (std::is_same_v<kind, auth_finished>) {
            auth_over(what);
        } else if constexpr (std::is_same_v<kind, verify_requested>) {
            ask(plug_ins.verify(client, what.argument), {what.ticket, hook_stage::command});
        } else if constexpr (std::is_same_v<kind, expand_requested>) {
            ask(plug_ins.expand(client, what.argument), {what.ticket, hook_stage::command});
        } else if constexpr (std::is_same_v<kind, peer_changed>) {
            ask(plug_ins.connect(*what.client), {what.ticket, hook_stage::peer});
        } else if constexpr (std::is_same_v<kind, custom_command>) {
            ask(plug_ins.command(client, what.verb, what.argument), {what.ticket, hook_stage::command});
        } else if constexpr (std::is_same_v<kind, tls_requested>) {
            session_.answer(what.ticket, offer_tls());
        } else if constexpr (std::is_same_v<kind, handshake_due>) {
            handshake_begins(what);
        } else if constexpr (std::is_same_v<kind, command_refused>) {
            setup_->log.info([&] { return log_lines::refused_by_session(client, what); });
        } else if constexpr (std::is_same_v<kind, message_aborted>) {
            abort_message(what.why);
        } else if constexpr (std::is_same_v<kind, withdrawn>) {
            told_overdue(what.ticket);
            withdraw();
        } else if constexpr (std::is_same_v<kind, closed>) {
            over(what.why);
        } else if constexpr (!std::is_same_v<kind, transaction_reset>) {
            handle(what);  // those that were taken before
        }
    };
    std::visit(visitor, told);
}

namespace detail {

/// What stands for the answer of a hook that could not be asked, or threw.
template <class Answer>
Answer no_answer(reply_text const& why) {
    if constexpr (std::is_same_v<Answer, reply>)
        return reply{why};
    else if constexpr (std::is_same_v<Answer, auth_step>)
        return fail(auth_problem::unavailable);
    else
        return Answer{defer(why)};
}

}  // namespace detail

template <class Answer>
void connection::ask(eventual<Answer>&& hook, hook_question const& asked) {
    if (hook.ready()) return give(asked, std::move(hook).value());
    ask_later(std::move(hook), asked);
}

/// Where the answer may be a plain yes, which mostly comes at once, and nobody wants to know of it.
inline void connection::ask_for_yes(eventual<verdict>&& hook, ticket asked, hook_stage stage, transaction const* mail, recipient const* to) {
    if (hook.ready() && hook.peek().is_plain_yes() && !setup_->asks->observed(detail::observed_of_yes)) [[likely]]
        return session_.answer_yes(asked);
    ask(std::move(hook), {asked, stage, mail, to});
}

template <class Answer>
void connection::ask_later(eventual<Answer>&& hook, hook_question const& asked) {
    if (home_->hooks_running_ >= home_->limits_.hook_frames) {
        home_->log().warning([&] { return log_line{"overload"}.add("id", id()).add("hooks", home_->hooks_running_); });
        return give(asked, detail::no_answer<Answer>(replies::queue_full));
    }
    home_->host().hooks().start(std::move(hook), *this, asked);
}

MAILQUAY_DECL void connection::give(hook_question const& asked, verdict&& given) {
    if (asked.stage == hook_stage::peer) return give_peer(asked, std::move(given));
    bool const of_message = asked.stage == hook_stage::start || asked.stage == hook_stage::headers || asked.stage == hook_stage::chunk;
    if (of_message && given.refuses()) message_->refused = true;
    if (!given.accepts() || setup_->asks->observed(detail::observed_of_yes)) told(asked, given);
    session_.answer(asked.ticket, given);
}

/// To XCLIENT.
MAILQUAY_DECL void connection::give_peer(hook_question const& asked, verdict&& given) {
    ip_endpoint const was = session_.info().client();
    if (!given.refuses()) given = count_changed_peer(std::move(given));
    bool const yes = !given.refuses();
    if (!yes) told_refused(asked, given);
    session_.answer(asked.ticket, std::move(given));
    if (yes) setup_->log.info([&] { return log_lines::xclient(session_.info(), was); });
}

/// XCLIENT makes it a connection of another client: that one's limit counts, and the policies see the former one go.
MAILQUAY_DECL verdict connection::count_changed_peer(verdict given) {
    session_info const& former = session_.info();
    session_info const& next = *session_.changed_peer();
    if (home_->door().move(counted_address(former), counted_address(next), setup_->per_address) != admitted::yes)
        return defer(replies::too_many_connections).then_close();
    setup_->asks->close(former);
    return given;
}

MAILQUAY_DECL void connection::give(hook_question const& asked, delivery&& given) {
    verdict const& all = given.combined();
    if (setup_->log.enabled(log_level::info) || given.is_unanswered()) log_delivery(asked, given);
    if (all.accepts()) {
        ++home_->counts_.messages_accepted;
        if (setup_->log.enabled(log_level::info)) note_unsent(asked.mail->id());
        if (setup_->asks->observed(observation_kind::message_accepted)) {
            observation told = about(observation_kind::message_accepted);
            told.mail = asked.mail;
            told.delivered = &given;
            told.octets = message_->octets;
            tell(told);
        }
    } else {
        tell_of(asked, observation_kind::message_refused, all);
    }
    session_.answer(asked.ticket, std::move(given));
    message_.reset();
}

MAILQUAY_DECL void connection::give(hook_question const& asked, reply&& given) {
    if (given.code >= 400) setup_->log.info([&] { return log_lines::refused(session_.info(), session_.verb_name(), given); });
    session_.answer(asked.ticket, std::move(given));
}

MAILQUAY_DECL void connection::give(hook_question const& asked, auth_step&& given) { session_.answer(asked.ticket, std::move(given)); }

MAILQUAY_DECL void connection::late(hook_question const&, verdict const&) noexcept {}
MAILQUAY_DECL void connection::late(hook_question const&, reply const&) noexcept {}
MAILQUAY_DECL void connection::late(hook_question const&, auth_step const&) noexcept {}

/// The mechanism's state goes, at once or when the hook that looks at it has ended.
MAILQUAY_DECL void connection::auth_over(auth_finished const& how) {
    session_info const& client = session_.info();
    setup_->log.info([&] { return log_lines::authentication(client, how); });
    bool const yes = how.outcome == auth_outcome::succeeded;
    observation told = about(yes ? observation_kind::auth_succeeded : observation_kind::auth_failed);
    told.mechanism = how.mechanism;
    told.authentication = how.outcome;
    tell(told);
    exchange_over_ = true;
    if (!parked()) hooks_ended();
}

/// The sink's last word came when nobody waited for it any more: if it kept the message, the client will send it again.
MAILQUAY_DECL void connection::late(hook_question const& asked, delivery const& given) noexcept {
    if (!given.combined().accepts()) return;
    ++home_->counts_.messages_accepted;
    if (setup_->log.enabled(log_level::info)) log_delivery(asked, given);
    setup_->log.info([&] { return log_lines::accepted_unsent(session_.info(), asked.mail->id()); });
}

/// The session gave up waiting: every hook under way is told, but a `finish()` only when its own time is up.
MAILQUAY_DECL void connection::withdraw() noexcept {
    auto const goes_on = [this](hook_frame const& one) {
        return !stop_now_ && one.asked_.stage == hook_stage::finish && home_->now() - one.began_ < setup_->session.timeouts.finish;
    };
    for (hook_frame* one = frames_; one != nullptr; one = one->next_) one->withdrawn_ = true;
    for (;;) {
        hook_frame* one = frames_;  // from the start each time: a cancelled hook may end at once
        while (one != nullptr && (one->cancelled_ || goes_on(*one))) one = one->next_;
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
    if (connect_asked_) setup_->asks->close(client);
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
    if (exchange_over_) exchange_.reset();
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
        given = detail::no_answer<Answer>(replies::local_error);
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
        session_.clock_is(home_->now());  // it stood still while the hook worked
        // What came while DATA was asked about came before 354.
        if (frame.asked_.stage == hook_stage::start && readable_ && !session_.receiving_chunks()) session_.info().set_talked_ahead();
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
