#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/protocol/xclient.hpp>
#include <mailquay/protocol/xforward.hpp>
#include <mailquay/session/prepared_replies.hpp>

// XCLIENT and XFORWARD: a trusted client says for whom it speaks (Postfix, XCLIENT_README and XFORWARD_README).

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The client that XCLIENT names in place of `now`. What it does not name stays as far as it belongs to the address; what the
/// client itself said is forgotten.
inline session_info peer_changed_by(xclient_values const& said, session_info const& now, bool login_trusted) {
    session_info made = now.begun_anew();
    if (said.address) {
        auto const from = said.address->is_none() ? address_source::local : address_source::xclient;
        made.set_client({*said.address, said.port.value_or(std::uint16_t{0})}, from);
    } else {
        if (said.port) made.set_client({now.client().address, *said.port}, now.source());
        if (!now.verified_ptr().empty()) made.set_verified_ptr(std::string{now.verified_ptr()});
        if (!now.reverse_name().empty()) made.set_reverse_name(std::string{now.reverse_name()});
    }
    if (said.name) made.set_verified_ptr(*said.name);
    if (said.reverse_name) made.set_reverse_name(*said.reverse_name);
    if (said.destination || said.destination_port)
        made.set_local({said.destination.value_or(now.local().address), said.destination_port.value_or(now.local().port)});
    if (said.hello_name || said.extended) made.set_hello(said.hello_name.value_or(""), said.extended.value_or(false));
    if (said.login && !said.login->empty()) {
        made.set_claimed_user(*said.login);
        if (login_trusted) made.set_user(*said.login);
    }
    return made;
}

}  // namespace detail

/// Whether this client may not use the extension. @return the reply, or nothing if it may
MAILQUAY_DECL std::optional<reply> session::not_for_this_peer(std::string_view keyword) {
    extension const* const offer = config_->extensions.find(keyword);
    if (offer == nullptr) return reply{replies::unknown_command};
    if (!offer->offered(info_)) return reply{replies::peer_not_trusted};
    return std::nullopt;
}

MAILQUAY_DECL session::step session::xclient(command_line const& line, std::optional<event>& given) {
    if (unconsumed_any()) info_.set_talked_ahead();
    if (auto const refused = not_for_this_peer("XCLIENT")) return syntax_error(*refused), step::go_on;
    if (!legal(state_, verb::xclient)) return out_of_sequence(), step::go_on;
    forgiven_ = false;
    auto const said = parse_xclient(line.argument);
    if (!said) return syntax_error(reply{to_reply(said.error())}), step::go_on;
    if (!junk_allowed()) return step::go_on;
    untidy_ = true;
    changed_ = std::make_unique<session_info>(detail::peer_changed_by(*said, info_, config_->trusted_xclient_login));
    given.emplace(peer_changed{ask(question::peer), changed_.get()});
    return step::event_given;
}

/// The host has counted and asked: a yes makes it a new connection, but for TLS and the error budgets.
MAILQUAY_DECL void session::settle_peer(verdict const& given) {
    if (given.refuses()) return say(given, given.kind() == verdict_kind::defer ? replies::deferred : replies::rejected);
    state_ = session_state::start;
    append_greeting(out(), *config_);
}

MAILQUAY_DECL session::step session::xforward(command_line const& line) {
    if (auto const refused = not_for_this_peer("XFORWARD")) return syntax_error(*refused), step::go_on;
    if (!legal(state_, verb::xforward)) return out_of_sequence(), step::go_on;
    forgiven_ = false;
    forwarded_client told = info_.forwarded() != nullptr ? *info_.forwarded() : forwarded_client{};
    if (auto const said = parse_xforward(line.argument, told); !said)
        return syntax_error(reply{to_reply(said.error())}), step::go_on;
    if (!junk_allowed()) return step::go_on;
    info_.set_forwarded(std::move(told));
    say(replies::ok);
    return command_boundary(), step::go_on;
}

}  // namespace mailquay::inline MAILQUAY_ABI
