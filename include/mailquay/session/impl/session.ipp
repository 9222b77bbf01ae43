#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/session.hpp>

#include <cassert>

namespace mailquay::inline MAILQUAY_ABI {

struct session::delayed {
    time_point due{};
    question asked = question::none;
    bool waited = false;
    verdict given{};
    std::optional<delivery> delivered{};
    std::optional<auth_step> step{};
};

/// The AUTH exchange under way.
struct session::exchange {
    std::string mechanism{};      // in upper case
    std::string identity{};       // of the success that waits for the client's empty response
    std::string reply{};          // that ended it
    auth_outcome outcome{};
    std::uint8_t rounds = 0;
    bool awaits = false;          // the next line is a response, not a command
    bool acknowledges = false;    // it answers the last challenge: empty, then 235
    bool refused = false;         // the last challenge said so, and was counted: what follows only ends it
    bool over = false;
};

MAILQUAY_DECL session::session(session_config const& config, session_info&& peer, session_memory& memory)
    : config_(&config), memory_(&memory), info_(std::move(peer)) {
    info_.set_lmtp(config.dialect == dialect::lmtp);
    if (info_.id().empty()) info_.set_id(memory.next_id().view());
    if (config.tls_first) begin_securing();
}

MAILQUAY_DECL session::~session() {
    if (work_) memory_->give_back(std::move(work_));
    if (trace_) memory_->give_back(std::move(trace_));
    if (out_) memory_->give_back(std::move(out_));
    if (hold_) wipe(*hold_);  // whatever it is the begin of
    if (hold_) memory_->give_back(std::move(hold_));
    forget_asked_text();
}

MAILQUAY_DECL bool session::views_buffer() const noexcept {
    return open_ != 0 && asked_ == question::chunk && !in_hold_ && !work_->message.chunk_is_ours;
}

MAILQUAY_DECL std::size_t session::unconsumed() const noexcept {
    return static_cast<std::size_t>(in_hold_ ? lent_end_ - lent_ : end_ - cur_);
}

/// What happened without a question; something did.
MAILQUAY_DECL void session::tell(std::optional<event>& given) {
    if (tells(tell_withdrawn)) {
        ticket const overtaken = withdrawn_->back();
        withdrawn_->pop_back();
        if (withdrawn_->empty()) withdrawn_.reset(), wont_tell(tell_withdrawn);
        given.emplace(withdrawn{overtaken});
    } else if (tells(tell_aborted)) {
        wont_tell(tell_aborted);
        given.emplace(message_aborted{abort_reason_});
    } else if (tells(tell_reset)) {
        wont_tell(tell_reset);
        given.emplace(transaction_reset{});
    } else if (tells(tell_refused)) {
        wont_tell(tell_refused);
        std::string_view const reply = out_->view().substr(refused_at_);
        bool const in_transaction = work_ && !work_->mail.id().empty();
        given.emplace(command_refused{reply.substr(0, reply.find('\r')), in_transaction ? &work_->mail : nullptr, refused_verb_,
                                      refused_message_, name_of(refused_verb_)});
    } else if (tells(tell_auth)) {
        wont_tell(tell_auth);
        given.emplace(auth_finished{exchange_->mechanism, exchange_->outcome, exchange_->reply});
    } else if (tells(tell_handshake)) {
        wont_tell(tell_handshake);
        given.emplace(handshake_due{plaintext_dropped_});
    } else {
        wont_tell(tell_closed);
        told_closed_ = true;
        given.emplace(closed{close_reason_});
    }
}

MAILQUAY_DECL std::optional<event> session::next_event() {
    std::optional<event> given;
    for (;;) {
        if (tells_ != 0) {
            tell(given);
            return given;
        }
        if (phase_ == phase::closing || delayed_) return given;
        step const went = advance(given);
        if (went == step::event_given) return given;
        if (went == step::wait && tells_ == 0) break;
    }
    if (eof_ && open_ == 0 && !delayed_ && cur_ == end_ && lent_ == lent_end_) {
        abort_message(abort_reason::peer_gone);
        close(close_reason::peer_gone);
        tell(given);
    }
    return given;
}

MAILQUAY_DECL void session::output_sent(std::size_t octets) {
    assert(octets <= output().size());
    if (octets == 0) return;
    out_since_ = now_;
    sent_ += static_cast<std::uint32_t>(octets);
    if (sent_ != out_->size()) {
        // A peer that always leaves an octet must not make the buffer keep all that was ever said.
        if (sent_ < config_->limits.output_octets) return;
        out_->drop_front(sent_);
        if (refused_at_ < sent_) wont_tell(tell_refused);
        refused_at_ -= tells(tell_refused) ? sent_ : refused_at_;
        sent_ = 0;
        return;
    }
    memory_->give_back(std::move(out_));
    sent_ = 0;
    wont_tell(tell_refused);
    // The wait for the next command begins when the reply is out.
    if (open_ == 0) since_ = now_;
}

MAILQUAY_DECL void session::input_closed() { eof_ = true; }

MAILQUAY_DECL void session::connection_lost() { end_without_reply(abort_reason::peer_gone, close_reason::peer_gone); }

MAILQUAY_DECL void session::fail() { end_without_reply(abort_reason::failed, close_reason::failed); }

MAILQUAY_DECL void session::end_without_reply(abort_reason of_message, close_reason why) {
    if (phase_ == phase::closing && told_closed_) {
        sent_ = 0;
        wont_tell(tell_refused);
        if (out_) memory_->give_back(std::move(out_));
        return;
    }
    withdraw();
    abort_message(of_message);
    close(why);
    if (out_) memory_->give_back(std::move(out_));
    sent_ = 0;
    wont_tell(tell_refused);
}

MAILQUAY_DECL void session::stop() {
    if (stopping_ || phase_ == phase::closing) return;
    stopping_ = true;
    // TLS comes first, and nothing was said yet: who never ends its handshake must not hold up the stop.
    if (phase_ == phase::securing && !connected_told_) return close(close_reason::stopped);
    command_boundary();
}

MAILQUAY_DECL void session::stop_now() {
    if (phase_ == phase::closing) return;
    withdraw();
    abort_message(abort_reason::stopped);
    if (delayed_ && delayed_->delivered) {  // the message is kept: its reply must not become a 421
        auto const due = std::move(delayed_);
        settle_delivery(*due->delivered);
    }
    if (phase_ == phase::message && work_->message.refused) {  // it will not be taken later either
        say_refusal();
        return close(close_reason::stopped);
    }
    if (phase_ == phase::securing) return close(close_reason::stopped);  // nothing can be said in clear
    close_with(replies::service_stopping, close_reason::stopped);
}

MAILQUAY_DECL std::string_view session::name_of(verb spoken) const noexcept {
    bool const of_host = spoken == verb::unknown && host_verb_ != 0;
    return of_host ? config_->extensions.verb_name(host_verb_) : to_string(spoken);
}

MAILQUAY_DECL std::string_view session::verb_name() const noexcept { return name_of(last_verb_); }

MAILQUAY_DECL bool session::delivery_waits() const noexcept { return delayed_ && delayed_->delivered; }

MAILQUAY_DECL bool session::ended() const noexcept { return told_closed_ && !out_; }

MAILQUAY_DECL bool session::idle() const noexcept {
    return phase_ == phase::command && !work_ && !out_ && !hold_ && !exchange_ && open_ == 0 && cur_ == end_ && lent_ == lent_end_;
}

}  // namespace mailquay::inline MAILQUAY_ABI

#include <mailquay/session/impl/session_answers.ipp>
#include <mailquay/session/impl/session_auth.ipp>
#include <mailquay/session/impl/session_bdat.ipp>
#include <mailquay/session/impl/session_commands.ipp>
#include <mailquay/session/impl/session_envelope.ipp>
#include <mailquay/session/impl/session_input.ipp>
#include <mailquay/session/impl/session_limits.ipp>
#include <mailquay/session/impl/session_message.ipp>
#include <mailquay/session/impl/session_peer.ipp>
#include <mailquay/session/impl/session_prdr.ipp>
#include <mailquay/session/impl/session_replies.ipp>
#include <mailquay/session/impl/session_time.ipp>
#include <mailquay/session/impl/session_tls.ipp>
