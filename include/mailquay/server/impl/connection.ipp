#pragma once

#include <mailquay/server/connection.hpp>

#include <mailquay/server/connection_log.hpp>
#include <mailquay/server/hook_runner.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/server/shard.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// After so many full reads in a row the other connections of the shard get their turn: 1 MiB.
inline constexpr unsigned reads_per_turn = 16;
/// The peer may go on sending for a while before it reads our last words; a close before that could destroy them.
inline constexpr std::size_t linger_octets = 256 * 1024;
inline constexpr std::chrono::seconds linger_time{2};
/// How long a hook may ignore its cancellation before its connection ends.
inline constexpr std::chrono::seconds cancelled_hook_time{10};

}  // namespace detail

MAILQUAY_DECL connection::connection(shard& home, std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                     session_info peer, session_memory& memory)
    : home_(&home), setup_(std::move(setup)), stream_(std::move(stream)), session_(setup_->session, std::move(peer), memory) {}

MAILQUAY_DECL connection::~connection() = default;

MAILQUAY_DECL void connection::begin() noexcept {
    try {
        if (auto const failure = home_->host().reactor().watch(*this, stream_->native_handle())) return failed(failure.message());
    } catch (std::exception const& failure) {
        return failed(failure.what());
    }
    tell(about(observation_kind::opened));
    pump();
}

// --- the byte loop -------------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::ready(readiness what) noexcept {
    ref<connection> const self{this};
    if (has(what, readiness::writable)) await_write_ = false;
    if (has(what, readiness::readable | readiness::gone)) {
        await_read_ = false;
        readable_ = true;
    }
    hungry_ = false;
    switch (phase_) {
        case phase::talking:
            if (readable_ && (parked() || has(what, readiness::gone) || !session_.wants_input())) look_at_peer();
            return pump();
        case phase::lingering: return drain();
        case phase::closed: return;
    }
}

/// Works until nothing more can be done now. Entered anew from within (a hook that answers at once, after all) it only notes that.
MAILQUAY_DECL void connection::pump() noexcept {
    again_ = true;
    if (pumping_ || phase_ != phase::talking) return;
    pumping_ = true;
    // What brings an answer here may be a hook of another connection, whose octets are still in the shared buffer.
    bool const alone = home_->at_work_ == nullptr;
    if (alone) home_->at_work_ = this;
    try {
        session_.time_is(home_->now());
        unsigned reads = alone ? 0 : detail::reads_per_turn;
        while (phase_ == phase::talking && again_) {
            again_ = false;
            if (turn(reads)) again_ = true;
        }
    } catch (std::exception const& failure) {
        failed(failure.what());
    } catch (...) {
        failed("unknown exception");
    }
    if (alone) home_->at_work_ = nullptr;
    pumping_ = false;
    leave_if_over();
}

/// One round: questions, one write, one read. @return whether another round may get further
MAILQUAY_DECL bool connection::turn(unsigned& reads) {
    take_events();
    if (phase_ != phase::talking) return false;
    if (closing_told_) {
        write();
        if (session_.ended() || lost_)
            linger();
        else
            await_readiness();
        return false;
    }
    if (parked()) {
        park_buffer();
        if (eof_) lose_if_nothing_left();
        if (at_bound()) write();
        if (lost_ && !closing_told_) return true;
        if (!session_.output().empty() && !await_write_) home_->flush_soon(*this);
        await_readiness();
        return false;
    }
    bool const was_lost = lost_;
    bool const was_full = at_bound();
    write();
    if (lost_ != was_lost || (was_full && !at_bound())) return true;
    if (session_.unconsumed() > 0)
        park_buffer();
    else
        return_buffer();
    if (session_.wants_input() && readable_) {
        if (reads++ < detail::reads_per_turn) return read();
        // Others have their turn: here, before a read, because they read into the same buffer.
        await_read_ = true;
        home_->host().reactor().resume(*this, readiness::readable);
        return false;
    }
    await_readiness();
    return false;
}

MAILQUAY_DECL bool connection::read() {
    read_buffers& buffers = home_->buffers_;
    if (session_.receiving() && buffers.full()) {
        // Whatever it sends may stay with a slow writer: first another connection must give a buffer back.
        if (!hungry_) home_->hungry_.emplace_back(this);
        hungry_ = true;
        return false;
    }
    std::span<char> const room = buffers.shared();
    io_result const got = stream_->read_some(room);
    switch (got.status) {
        case io_status::ok:
            // A short read emptied the socket; new octets raise a new edge.
            readable_ = got.octets == room.size();
            read_into_ = room.data();
            rest_kept_ = false;
            session_.feed(room.first(got.octets));
            return true;
        case io_status::would_block:
            readable_ = false;
            await_readiness();
            return false;
        case io_status::end:
            readable_ = false;
            eof_ = true;
            session_.input_closed();
            return true;
        case io_status::error: lost(); return true;
    }
    return false;
}

MAILQUAY_DECL bool connection::at_bound() const noexcept {
    return session_.output().size() > setup_->session.limits.output_octets;
}

/// Tries to get rid of all output.
MAILQUAY_DECL void connection::write() {
    while (!await_write_ && !lost_) {
        std::string_view const owed = session_.output();
        if (owed.empty()) {
            unsent_id_[0] = '\0';
            return;
        }
        io_result const sent = stream_->write_some({owed.data(), owed.size()});
        if (sent.status == io_status::error || sent.status == io_status::end) return lost();
        if (sent.status == io_status::ok && sent.octets > 0) session_.output_sent(sent.octets);
        if (sent.octets == owed.size()) continue;
        await_write_ = true;
        home_->host().reactor().want(*this, readiness::writable);
    }
}

MAILQUAY_DECL void connection::await_readiness() {
    if (await_read_ || readable_ || eof_ || lost_) return;
    await_read_ = true;
    home_->host().reactor().want(*this, readiness::readable);
}

/// Octets came, or the end, while nothing can be read: finds out whether the peer is still there.
MAILQUAY_DECL void connection::look_at_peer() {
    switch (stream_->probe()) {
        case io_status::ok: return;  // unread octets: they will be read in time
        case io_status::would_block: readable_ = false; return;
        case io_status::end:
            if (eof_) return;
            readable_ = false;
            eof_ = true;
            session_.input_closed();
            return;
        case io_status::error: return lost();
    }
}

/// The peer sends no more, and a hook works for a command behind which nothing waits: nobody needs its answer. The end of
/// a message is another matter: what is under way there may already be delivered.
MAILQUAY_DECL void connection::lose_if_nothing_left() {
    if (lost_ || old_hooks() || finishing() || rest_kept_ || session_.unconsumed() > 0) return;
    write();
    lost();
}

/// The session still looks at the buffer it was lent, but the shard needs one to read into: a short rest is copied, else the
/// buffer itself stays here.
MAILQUAY_DECL void connection::park_buffer() {
    if (read_into_ == nullptr) return;
    if (session_.views_buffer() || session_.unconsumed() > read_buffers::small_octets) {
        lent_ = home_->buffers_.take({read_into_, 1});
    } else {
        rest_kept_ = session_.unconsumed() > 0;
        session_.keep_rest();
    }
    read_into_ = nullptr;
}

MAILQUAY_DECL void connection::return_buffer() noexcept {
    read_into_ = nullptr;
    if (lent_) home_->buffer_back(std::move(lent_));
}

MAILQUAY_DECL void connection::lost() {
    if (lost_) return;
    lost_ = true;
    readable_ = false;
    if (unsent_id_[0] != '\0')
        setup_->log.info([&] { return log_lines::accepted_unsent(session_.info(), {unsent_id_, sizeof unsent_id_}); });
    unsent_id_[0] = '\0';
    session_.connection_lost();
}

/// Something threw where nothing may: this connection ends, the others go on.
MAILQUAY_DECL void connection::failed(std::string_view what) noexcept {
    home_->log().error([&] { return log_line{"error"}.add("id", id()).add("what", what); });
    lost_ = true;
    withdraw();
    let_go_ = true;
    if (!parked()) hooks_ended();
    close();
}

// --- questions and answers -----------------------------------------------------------------------------------------------

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

// --- what the shard tells --------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::tick() noexcept {
    ref<connection> const self{this};
    auto const now = home_->now();
    for (hook_frame* one = frames_; one != nullptr; one = one->next_) {
        if (!one->cancelled_ && one->withdrawn_ && now - one->began_ >= setup_->session.timeouts.finish) {
            one->cancelled_ = true;
            one->cancelled_at_ = now;
            one->cancel();
            break;  // the list may have changed
        }
    }
    switch (phase_) {
        case phase::closed: return;
        case phase::lingering:
            if (now >= linger_until_) close();
            return;
        case phase::talking: break;
    }
    if (parked() && readable_) look_at_peer();
    if (frames_ != nullptr && frames_->cancelled_ && now - frames_->cancelled_at_ >= detail::cancelled_hook_time) return stop_now();
    auto const due = session_.wake_at();
    if (lost_ || eof_ || (due && *due <= now)) pump();
}

MAILQUAY_DECL void connection::flush() noexcept {
    ref<connection> const self{this};
    unflushed_ = false;
    if (phase_ != phase::talking) return;
    write();
    if (lost_) pump();
}

MAILQUAY_DECL void connection::read_again() noexcept {
    hungry_ = false;
    if (phase_ == phase::talking) home_->host().reactor().resume(*this, readiness::readable);
}

MAILQUAY_DECL void connection::stop() noexcept {
    ref<connection> const self{this};
    if (phase_ != phase::talking) return;
    session_.stop();
    pump();
}

MAILQUAY_DECL void connection::stop_now() noexcept {
    ref<connection> const self{this};
    stop_now_ = true;
    if (phase_ == phase::talking) {
        session_.stop_now();
        pump();
    }
    withdraw();  // a finish() that outlived its connection
}

MAILQUAY_DECL void connection::cut() noexcept {
    ref<connection> const self{this};
    detached_ = true;
    stop_now_ = true;
    if (phase_ != phase::closed) {
        home_->host().reactor().unwatch(*this);
        stream_->close();
    }
    phase_ = phase::closed;
    withdraw();
    let_go_ = true;
    if (parked()) return;
    hooks_ended();
    return_buffer();
}

// --- the end ---------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::linger() {
    // After QUIT a client sends nothing more, so there is nothing that a close could answer with a reset.
    if (lost_ || eof_ || (close_reason_ == close_reason::quit && !readable_)) return close();
    phase_ = phase::lingering;
    linger_until_ = home_->now() + detail::linger_time;
    linger_octets_ = 0;
    read_into_ = nullptr;
    stream_->close_write();
    drain();
}

MAILQUAY_DECL void connection::drain() noexcept {
    if (home_->at_work_ != nullptr && home_->at_work_ != this) {  // its octets are in the shared buffer
        await_read_ = true;
        return home_->host().reactor().resume(*this, readiness::readable);
    }
    while (linger_octets_ < detail::linger_octets) {
        std::span<char> const room = home_->buffers_.shared();
        io_result const got = stream_->read_some(room);
        if (got.status == io_status::end || got.status == io_status::error) return close();
        linger_octets_ += static_cast<std::uint32_t>(got.octets);
        if (got.status == io_status::ok && got.octets == room.size()) continue;
        readable_ = false;
        return await_readiness();
    }
    close();
}

MAILQUAY_DECL void connection::close() noexcept {
    if (phase_ == phase::closed) return;
    phase_ = phase::closed;
    home_->host().reactor().unwatch(*this);
    stream_->close();
    leave_if_over();
}

/// Once it is closed and no hook needs it, the shard lets go of it.
MAILQUAY_DECL void connection::leave_if_over() noexcept {
    if (phase_ != phase::closed || parked() || pumping_) return;
    return_buffer();
    if (listed_) home_->unlink(*this);
}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/hook_runner.ipp>
#endif
