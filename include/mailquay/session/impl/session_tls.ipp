#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>

#include <cassert>

// STARTTLS (RFC 3207), and TLS that comes first (RFC 8314). The handshake itself is the host's.

namespace mailquay::inline MAILQUAY_ABI {

/// Whether a listener that demands TLS refuses this verb in clear (RFC 3207 §4). An unknown verb has its own reply.
MAILQUAY_DECL bool session::lacks_tls(command_line const& line) const noexcept {
    if (info_.secure()) return false;
    switch (line.verb) {
        case verb::ehlo:
        case verb::lhlo:
        case verb::noop:
        case verb::starttls:
        case verb::quit: return false;
        case verb::unknown: return config_->extensions.verb_number(line.name) != 0;
        default: return true;
    }
}

MAILQUAY_DECL session::step session::starttls(command_line const& line, std::optional<event>& given) {
    forgiven_ = false;
    if (config_->extensions.find("STARTTLS") == nullptr) return syntax_error(reply{replies::unknown_command}), step::go_on;
    if (line.has_argument) return syntax_error(reply{replies::argument_not_allowed}), step::go_on;
    // Once only, outside a transaction, and not by a client that said HELO. Some ask before EHLO (GNU SASL does): nothing that a
    // client said before counts afterwards anyway.
    bool const after_helo = state_ != session_state::start && !info_.extended();
    if (info_.secure() || after_helo || !legal(state_, verb::starttls)) return out_of_sequence(), step::go_on;
    if (!junk_allowed()) return step::go_on;
    if (unconsumed_any()) info_.set_talked_ahead();
    given.emplace(tls_requested{ask(question::tls)});
    return step::event_given;
}

/// From here on no octet in clear counts, neither those that came already nor the begin of a line that was kept.
MAILQUAY_DECL void session::begin_securing() {
    plaintext_dropped_ = static_cast<std::uint32_t>((end_ - cur_) + (lent_end_ - lent_));
    drop_input();
    if (hold_) {
        wipe(*hold_);
        memory_->give_back(std::move(hold_));
    }
    phase_ = phase::securing;
    since_ = now_;
    will_tell(tell_handshake);
}

MAILQUAY_DECL void session::tls_established(tls_info facts) {
    assert(securing() && output().empty());
    bool const greeted_in_clear = connected_told_;
    if (greeted_in_clear) info_.forget_session();
    info_.set_tls(std::move(facts));
    phase_ = greeted_in_clear ? phase::command : phase::connecting;
    state_ = session_state::start;
    spoken_to_ = false;
    since_ = now_;
    if (greeted_in_clear) command_boundary();
}

MAILQUAY_DECL void session::tls_failed() {
    assert(securing());
    close(close_reason::tls_failed);
}

}  // namespace mailquay::inline MAILQUAY_ABI
