#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extensions/auth.hpp>

#include <algorithm>
#include <array>
#include <cassert>

// AUTH (RFC 4954). What a client sends here is a secret: each line is overwritten once it was read, and so is every copy.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
inline constexpr unsigned most_auth_rounds = 16;
/// How the reply to a failure waits, by the number of those before it: to try many secrets takes long.
inline constexpr std::array<std::chrono::milliseconds, 4> auth_delays{std::chrono::seconds{0}, std::chrono::seconds{1},
                                                                      std::chrono::seconds{2}, std::chrono::seconds{4}};

/// Overwrites octets of the lent buffer or of hold_: they are the session's to write, though commands see them const.
inline void wipe_line(std::string_view octets) noexcept { wipe({const_cast<char*>(octets.data()), octets.size()}); }

/// Whether a command line that begins so (in two pieces) is AUTH.
inline bool begins_auth(std::string_view begin, std::string_view rest = {}) noexcept {
    constexpr std::string_view name = "AUTH";
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (i >= begin.size() + rest.size()) return false;
        char const c = i < begin.size() ? begin[i] : rest[i - begin.size()];
        if ((c & ~0x20) != name[i]) return false;
    }
    return true;
}

inline bool counts_as_guess(auth_step const& given) noexcept {
    if (auto const* const more = std::get_if<auth_continue>(&given)) return more->refused;
    auto const* const failure = std::get_if<auth_failure>(&given);
    return failure != nullptr && !failure->temporary && failure->why == auth_problem::credentials;
}

/// Of a step that is no success.
inline auth_outcome outcome_of(auth_step const& given) noexcept {
    if (counts_as_guess(given)) return auth_outcome::failed;
    auto const* const failure = std::get_if<auth_failure>(&given);
    if (failure == nullptr) return auth_outcome::aborted;
    if (failure->temporary || failure->why == auth_problem::unavailable) return auth_outcome::unavailable;
    return failure->why == auth_problem::malformed ? auth_outcome::malformed : auth_outcome::refused;
}
}  // namespace detail

/// How long a line that begins so (in two pieces) may be, where it is longer than commands usually are.
MAILQUAY_DECL std::size_t session::line_limit(std::string_view begin, std::string_view rest) const noexcept {
    session_limits const& limits = config_->limits;
    bool const auth = responding() || (detail::begins_auth(begin, rest) && config_->extensions.find("AUTH") != nullptr);
    return auth ? std::max(limits.auth_line_octets, limits.command_line_octets) : limits.command_line_octets;
}

/// The next line answers a challenge.
MAILQUAY_DECL bool session::responding() const noexcept { return exchange_ && exchange_->awaits; }

/// Whether a line that begins so must be overwritten when it was copied or dropped.
MAILQUAY_DECL bool session::secret_line(std::string_view begin) const noexcept { return exchange_ || detail::begins_auth(begin); }

MAILQUAY_DECL void session::forget_asked_text() noexcept {
    if (asked_text_.empty()) return;
    wipe(asked_text_.octets());
    asked_text_.clear();
}

MAILQUAY_DECL session::step session::auth(command_line const& line, std::optional<event>& given) {
    forgiven_ = false;
    if (unconsumed_any()) info_.set_talked_ahead();
    auto const* const offer = dynamic_cast<extensions::auth const*>(config_->extensions.find("AUTH"));
    if (offer == nullptr) return syntax_error(reply{replies::unknown_command}), step::go_on;
    if (!legal(state_, verb::auth) || !info_.extended() || info_.authenticated()) return out_of_sequence(), step::go_on;
    if (totals_.auth_failures >= config_->budgets.auth)
        return close_with(replies::too_many_errors, close_reason::too_many_errors), step::go_on;

    std::string_view const name = line.argument.substr(0, line.argument.find_first_of(" \t"));
    std::string_view initial = line.argument.substr(name.size());
    bool const has_initial = !initial.empty();
    while (!initial.empty() && is_wsp(initial.front())) initial.remove_prefix(1);
    if (name.empty()) return syntax_error(reply{replies::argument_missing}), step::go_on;
    if (!extensions::auth::is_name(name)) return syntax_error(reply{replies::bad_argument}), step::go_on;
    switch (offer->of(name, info_)) {
        case extensions::auth::standing::offered: break;
        case extensions::auth::standing::needs_tls:
            if (junk_allowed()) say(replies::tls_required_for_auth), command_boundary();
            return step::go_on;
        case extensions::auth::standing::too_weak:
            if (junk_allowed()) say(replies::mechanism_too_weak), command_boundary();
            return step::go_on;
        case extensions::auth::standing::unknown:
            if (junk_allowed()) say(replies::unknown_mechanism), command_boundary();
            return step::go_on;
    }
    if (initial == "=") initial = {};
    if (!decode_response(initial)) return syntax_error(reply{replies::bad_auth_response}), step::go_on;

    exchange_ = std::make_unique<exchange>();
    exchange_->mechanism = name;
    for (char& c : exchange_->mechanism) c = to_upper(c);
    auth_started started{ask(question::auth), exchange_->mechanism, std::nullopt};
    if (has_initial) started.initial.emplace(asked_text_.view());
    given.emplace(started);
    return step::event_given;
}

/// Decodes where the line lies, then into what the open question may look at. @return whether it is base64
MAILQUAY_DECL bool session::decode_response(std::string_view text) {
    auto const octets = base64_decode_in_place({const_cast<char*>(text.data()), text.size()});
    if (octets) {
        keep_asked(text.substr(0, *octets));
    }
    detail::wipe_line(text);
    return bool(octets);
}

/// In place of a command: a line that answers a challenge.
MAILQUAY_DECL session::step session::advance_exchange(std::optional<event>& given) {
    std::string_view line;
    switch (next_line(line)) {
        case line_found::none: return step::wait;
        case line_found::too_long: {
            std::size_t const replied = output_end();
            exchange_->awaits = false;
            syntax_error(reply{replies::auth_line_too_long});
            end_exchange(auth_outcome::malformed, replied);
            return step::go_on;
        }
        case line_found::whole: break;
    }
    if (unconsumed_any()) info_.set_talked_ahead();
    exchange_->awaits = false;
    step const went = response(line, given);
    detail::wipe_line(line);
    if (went == step::go_on && open_ == 0) since_ = now_;
    return went;
}

MAILQUAY_DECL session::step session::response(std::string_view line, std::optional<event>& given) {
    std::size_t const replied = output_end();
    if (line == "*") {
        if (junk_allowed()) say(replies::auth_cancelled), command_boundary();
        end_exchange(auth_outcome::cancelled, replied);
        return step::go_on;
    }
    bool const decoded = decode_response(line);
    if (!decoded || (exchange_->acknowledges && !asked_text_.empty())) {
        syntax_error(reply{replies::bad_auth_response});
        end_exchange(auth_outcome::malformed, replied);
        return step::go_on;
    }
    if (exchange_->refused) {
        say(replies::bad_credentials);
        end_exchange(auth_outcome::failed, replied);
        return command_boundary(), step::go_on;
    }
    if (exchange_->acknowledges) {
        settle_exchange(succeed(std::move(exchange_->identity)));
        return step::go_on;
    }
    given.emplace(auth_response{ask(question::auth), secret_view{asked_text_.view()}});
    return step::event_given;
}

MAILQUAY_DECL void session::answer(ticket to, auth_step given) {
    if (open_ == 0 || static_cast<std::uint32_t>(to) != next_ticket_ - 1) return;
    assert(asked_ == question::auth && "an auth_step answers auth_started and auth_response only");
    if (asked_ != question::auth) return;
    open_ = 0;
    since_ = now_;
    asked_ = question::none;
    forget_asked_text();
    auto const asked = delay_of(given);
    if (asked.count() > 0 || detail::counts_as_guess(given)) {
        std::size_t const before = std::min<std::size_t>(totals_.auth_failures, detail::auth_delays.size() - 1);
        if (wait_first(question::auth, std::max(asked, detail::auth_delays[before]))) {
            delayed_->step.emplace(std::move(given));
            return;
        }
    }
    settle_exchange(given);
}

MAILQUAY_DECL void session::settle_exchange(auth_step const& given) {
    std::size_t const replied = output_end();
    if (auto const* const success = std::get_if<auth_success>(&given)) {
        if (!success->last.empty()) {
            exchange_->identity = success->identity;
            exchange_->acknowledges = true;
            return challenge(success->last);
        }
        info_.set_user(success->identity);
        say(replies::auth_ok);
        end_exchange(auth_outcome::succeeded, replied);
        return command_boundary();
    }
    if (auto const* const more = std::get_if<auth_continue>(&given)) {
        // Counted now: the client may answer anything, or nothing.
        if (more->refused) exchange_->refused = true, ++totals_.auth_failures;
        return challenge(more->challenge);
    }
    refuse_exchange(std::get<auth_failure>(given));
}

MAILQUAY_DECL void session::challenge(std::string_view octets) {
    bool const fits = octets.size() / 3 * 4 + 10 <= config_->limits.auth_line_octets;
    if (!fits || ++exchange_->rounds > detail::most_auth_rounds) return refuse_exchange(auth_failure{!exchange_->refused, {}, auth_problem::credentials, {}});
    out().append("334 " + base64_encode(octets) + "\r\n");
    exchange_->awaits = true;
    since_ = now_;
    command_boundary();
}

MAILQUAY_DECL void session::refuse_exchange(auth_failure const& why) {
    std::size_t const replied = output_end();
    auto const with_text = [&](reply_text const& usual) {
        reply said{usual};
        if (!why.text.empty()) said.text = why.text;
        return said;
    };
    // What is no guess at a secret is bounded like other commands that bring no message nearer.
    auto const refuse = [&](reply_text const& usual, auth_outcome how) {
        if (junk_allowed()) say(with_text(usual)), command_boundary();
        end_exchange(how, replied);
    };
    if (why.temporary) return refuse(replies::auth_unavailable, auth_outcome::unavailable);
    switch (why.why) {
        case auth_problem::credentials: break;
        case auth_problem::unavailable: return refuse(replies::auth_unavailable, auth_outcome::unavailable);
        case auth_problem::expired: return refuse(replies::password_expired, auth_outcome::refused);
        case auth_problem::too_weak: return refuse(replies::mechanism_too_weak, auth_outcome::refused);
        case auth_problem::needs_tls: return refuse(replies::tls_required_for_auth, auth_outcome::refused);
        case auth_problem::unknown_mechanism: return refuse(replies::unknown_mechanism, auth_outcome::refused);
        case auth_problem::initial_response: return refuse(replies::no_initial_response, auth_outcome::refused);
        case auth_problem::malformed:
            syntax_error(with_text(replies::bad_auth_response));
            return end_exchange(auth_outcome::malformed, replied);
    }
    if (!exchange_->refused) ++totals_.auth_failures;
    say(with_text(replies::bad_credentials));
    end_exchange(auth_outcome::failed, replied);
    command_boundary();
}

/// How an exchange ends that the session ends before: as it was judged, where that was only to be said later.
MAILQUAY_DECL auth_outcome session::unsaid_outcome() noexcept {
    if (!delayed_ || !delayed_->step) return auth_outcome::aborted;
    auto* const success = std::get_if<auth_success>(&*delayed_->step);
    if (success == nullptr) return detail::outcome_of(*delayed_->step);
    try {
        info_.set_user(std::move(success->identity));
    } catch (...) {
        return auth_outcome::aborted;
    }
    return auth_outcome::succeeded;
}

/// @param replied  where in out_ the reply stands that ends it
MAILQUAY_DECL void session::end_exchange(auth_outcome how, std::size_t replied) noexcept {
    if (exchange_->over) return;
    exchange_->over = true;
    untidy_ = true;
    exchange_->awaits = false;
    exchange_->outcome = exchange_->refused ? auth_outcome::failed : how;
    will_tell(tell_auth);
    if (output_end() <= replied) return;
    std::string_view const said = out_->view().substr(replied);
    exchange_->reply = said.substr(0, said.find('\r'));
}

}  // namespace mailquay::inline MAILQUAY_ABI
