#pragma once

#include <mailquay/session/impl/session.ipp>
#include <mailquay/session/impl/session_auth.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/detail/low_octets.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/hello_name.hpp>
#include <mailquay/protocol/mail_command.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/rcpt_command.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// Octets behind a line that begins as DATA or BDAT, whatever is wrong with it, may be those of a message.
inline line_head head_of(std::string_view line) noexcept {
    while (!line.empty() && is_wsp(line.front())) line.remove_prefix(1);
    std::size_t end = 0;
    while (end < line.size() && is_alpha(line[end])) ++end;
    bool const digit_follows = end < line.size() && is_digit(line[end]);
    std::string_view const word = line.substr(0, end);
    if (word.size() == 4 && !digit_follows && iequals(word, "DATA")) return line_head::data;
    if (word.size() == 4 && !digit_follows && iequals(word, "BDAT")) return line_head::bdat;
    if (word.size() == 4 && !digit_follows && iequals(word, "AUTH")) return line_head::auth;
    return is_http_method(word) ? line_head::http : line_head::plain;
}
/// The same of an over-long line of which no more is looked at than `begin`: where its word may go on behind that, it is unclear.
inline line_head head_of_overlong(std::string_view begin) noexcept {
    std::size_t word = begin.size();
    while (word != 0 && is_alpha(begin[word - 1])) --word;
    constexpr std::size_t verb_octets = 4;
    bool const blank_before = begin.substr(0, word).find_first_not_of(" \t") == std::string_view::npos;
    return blank_before && begin.size() - word <= verb_octets ? line_head::unclear : head_of(begin);
}
/// The same of a line whose verb is known.
inline line_head head_of(verb spoken) noexcept {
    return spoken == verb::data ? line_head::data : spoken == verb::bdat ? line_head::bdat : line_head::plain;
}
/// RFC 6531 §3.7.4.2  Takes the parameter SMTPUTF8 off the argument of VRFY or EXPN. @return whether it was there
inline bool take_smtputf8(std::string_view& argument) noexcept {
    constexpr std::string_view keyword = " SMTPUTF8";
    if (argument.size() <= keyword.size() || !iequals(argument.substr(argument.size() - keyword.size()), keyword)) return false;
    argument.remove_suffix(keyword.size());
    while (!argument.empty() && is_wsp(argument.back())) argument.remove_suffix(1);
    return !argument.empty();
}
}  // namespace detail

MAILQUAY_DECL session::step session::command(std::string_view line, std::optional<event>& given) {
    ++totals_.commands;
    if (stopping_ && state_ <= session_state::ready)
        return close_with(replies::service_stopping, close_reason::stopped), step::go_on;

    auto const parsed_line = parse_command_line(line);
    verb const spoken = parsed_line ? parsed_line->verb : verb::unknown;
    last_verb_ = spoken;
    auto const head = parsed_line && spoken != verb::unknown ? detail::head_of(spoken) : detail::head_of(line);
    bool const first = !spoken_to_;
    spoken_to_ = spoken_to_ || !line.empty();
    if (head == line_head::http && first && !info_.secure())
        return close_with(replies::not_smtp, close_reason::not_smtp), step::go_on;
    // A BDAT whose line cannot be trusted leaves octets behind that nobody counted.
    if (head == line_head::bdat) return bdat(line, parsed_line, given);
    if (detail::has_bare_octets(line) || !parsed_line) {
        syntax_error(detail::has_bare_octets(line) ? reply{replies::bad_characters} : reply{to_reply(parsed_line.error())});
        if (head == line_head::data) close_if_octets_follow();
        if (secret_line(line)) detail::wipe_line(line);
        return step::go_on;
    }
    if (!config_->leniency.trailing_space && is_wsp(line.back())) {
        syntax_error(reply{replies::bad_argument});
        if (head == line_head::data) close_if_octets_follow();
        if (secret_line(line)) detail::wipe_line(line);
        return step::go_on;
    }
    if (config_->require_tls && lacks_tls(*parsed_line)) {
        host_verb_ = static_cast<std::uint16_t>(config_->extensions.verb_number(parsed_line->name));
        forgiven_ = spoken != verb::data;
        if (junk_allowed()) say(replies::tls_required), command_boundary();
        if (spoken == verb::data) close_if_octets_follow();
        return step::go_on;
    }
    switch (spoken) {
        case verb::mail: return mail(parsed_line->argument, given);
        case verb::rcpt: return rcpt(parsed_line->argument, given);
        case verb::data: return data(parsed_line->has_argument, given);
        case verb::ehlo:
        case verb::helo:
        case verb::lhlo: return hello(*parsed_line, given);
        case verb::xclient: return xclient(*parsed_line, given);
        case verb::xforward: return xforward(*parsed_line);
        case verb::vrfy:
        case verb::expn: return verify(*parsed_line, given);
        case verb::auth: return auth(*parsed_line, given);
        case verb::rset:
            forgiven_ = false;
            if (parsed_line->has_argument) return syntax_error(reply{replies::argument_not_allowed}), step::go_on;
            if (!junk_allowed()) return step::go_on;
            drop_transaction(true);
            if (state_ != session_state::start) state_ = session_state::ready;
            say(replies::reset_ok);
            break;
        case verb::noop:
            forgiven_ = false;
            if (!junk_allowed()) return step::go_on;
            say(replies::ok);
            break;
        case verb::help:
            if (!junk_allowed()) return step::go_on;
            help();
            break;
        case verb::quit:
            if (parsed_line->has_argument) return syntax_error(reply{replies::argument_not_allowed}), step::go_on;
            drop_transaction(true);
            close_with(replies::bye, close_reason::quit);
            return step::go_on;
        case verb::starttls: return starttls(*parsed_line, given);
        default: return other(*parsed_line, given);
    }
    if (ends_group(spoken) && unconsumed_any()) info_.set_talked_ahead();
    command_boundary();
    return step::go_on;
}

/// EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1).
MAILQUAY_DECL session::step session::hello(command_line const& line, std::optional<event>& given) {
    forgiven_ = false;
    if (info_.lmtp() != (line.verb == verb::lhlo)) return syntax_error(reply{replies::unknown_command}), step::go_on;
    auto const name = parse_hello_name(line.argument);
    if (!name) return syntax_error(reply{to_reply(name.error())}), step::go_on;
    bool const is_domain = name->kind == hello_name::form::domain;  // which has no underscore
    if (!is_domain && !config_->leniency.underscore_in_hello_name && name->text.find('_') != std::string_view::npos)
        return syntax_error(reply{to_reply(refusal{protocol_errc::bad_hello_name})}), step::go_on;
    if (state_ != session_state::start && !junk_allowed()) return step::go_on;
    if (unconsumed_any()) info_.set_talked_ahead();
    keep_asked(name->text);
    extended_hello_ = line.verb != verb::helo;
    given.emplace(greeted{ask(question::greeted), asked_text_.view()});
    return step::event_given;
}

MAILQUAY_DECL session::step session::data(bool has_argument, std::optional<event>& given) {
    if (has_argument || state_ != session_state::recipients_given || work_->mail.parameters_.body == body_type::binary_mime)
        return refuse_data(has_argument), step::go_on;
    message_told_ = true;
    given.emplace(message_started{ask(question::started), &work_->mail});
    return step::event_given;
}

MAILQUAY_DECL void session::refuse_data(bool has_argument) {
    bool const explained = forgiven_;
    if (has_argument) {
        syntax_error(reply{replies::argument_not_allowed});
    } else if (!legal(state_, verb::data)) {
        out_of_sequence();
    } else if (state_ == session_state::mail_given) {
        if (!(explained && excused()) && ++totals_.sequence_errors > config_->budgets.sequence)
            return close_with(replies::too_many_errors, close_reason::too_many_errors);
        say(replies::no_valid_recipients);
    } else {  // RFC 3030 §3
        if (++totals_.sequence_errors > config_->budgets.sequence)
            return close_with(replies::too_many_errors, close_reason::too_many_errors);
        reply said{replies::bad_sequence};
        said.text.append("; BODY=BINARYMIME is sent by BDAT");
        say(said);
    }
    // A client that did not wait may have sent its message already: refused, it must not be read as commands.
    close_if_octets_follow();
    forgiven_ = false;
}

/// A line above the limit was skipped; of its begin only the kind is known.
MAILQUAY_DECL void session::overlong_line() {
    bool const first = !spoken_to_;
    spoken_to_ = true;
    if (skipped_head_ == line_head::bdat)
        return close_with(chunking() ? replies::bad_argument : replies::unknown_command, close_reason::lost_framing);
    // Blanks that fill the line: what came behind them is not known, and may have been DATA or BDAT.
    if (skipped_head_ == line_head::unclear) return close_with(replies::line_too_long, close_reason::lost_framing);
    if (skipped_head_ == line_head::http && first && !info_.secure())
        return close_with(replies::not_smtp, close_reason::not_smtp);
    bool const auth = skipped_head_ == line_head::auth && config_->extensions.find("AUTH") != nullptr;
    if (auth) last_verb_ = verb::auth;
    syntax_error(reply{auth ? replies::auth_line_too_long : replies::line_too_long});
    if (skipped_head_ == line_head::data) close_if_octets_follow();
}

/// After a refused DATA: a client that did not wait for the reply has sent its message, which must not be read as commands.
MAILQUAY_DECL void session::close_if_octets_follow() {
    if (phase_ == phase::closing) return;
    if (unconsumed_any()) return close(close_reason::lost_framing);
    asks_follow_ = true;
}

MAILQUAY_DECL void session::octets_follow(bool they_do) {
    bool const asked = asks_follow_;
    asks_follow_ = false;
    if (!asked || !they_do || phase_ == phase::closing) return;
    if (phase_ != phase::message) return close(close_reason::lost_framing);
    info_.set_talked_ahead();
    std::string_view const go_ahead = replies::start_mail_input.line();
    if (out_->view().substr(sent_).ends_with(go_ahead)) out_->cut(out_->size() - go_ahead.size());
    abort_message(abort_reason::refused);
    close_with(replies::talked_ahead, close_reason::lost_framing);
}

/// Whether an earlier refusal still explains what is out of order: a whole run of commands, but not without end.
MAILQUAY_DECL bool session::excused() noexcept { return ++excused_ <= config_->limits.recipients; }

/// VRFY and EXPN (RFC 5321 §3.5). By default VRFY says the same of everybody, so that it tells nothing.
MAILQUAY_DECL session::step session::verify(command_line const& line, std::optional<event>& given) {
    forgiven_ = false;
    if (unconsumed_any()) info_.set_talked_ahead();
    bool const expands = line.verb == verb::expn;
    bool const asks = (expands ? config_->answer_expand : config_->answer_verify) &&
                      (!config_->require_authentication || info_.authenticated());
    if (expands && !asks) return syntax_error(reply{replies::expn_disabled}), step::go_on;
    if (line.argument.empty()) return syntax_error(reply{replies::argument_missing}), step::go_on;
    if (!junk_allowed()) return step::go_on;
    if (config_->require_authentication && !info_.authenticated()) return say(replies::auth_required), command_boundary(), step::go_on;
    std::string_view argument = line.argument;
    bool const smtputf8 = info_.extended() && config_->extensions.find("SMTPUTF8") != nullptr && detail::take_smtputf8(argument);
    if (!is_ascii(argument)) {
        if (!smtputf8) return syntax_error(reply{replies::utf8_address_needs_smtputf8}), step::go_on;
        if (!allowed_in_address(argument)) return syntax_error(reply{replies::bad_argument}), step::go_on;
    }
    if (!asks) return say(replies::cannot_verify), command_boundary(), step::go_on;
    return ask_about(expands, argument, smtputf8, given);
}

MAILQUAY_DECL session::step session::ask_about(bool expands, std::string_view argument, bool smtputf8, std::optional<event>& given) {
    keep_asked(argument);
    asked_utf8_ = smtputf8;
    if (expands)
        given.emplace(expand_requested{ask(question::expand), asked_text_.view(), smtputf8});
    else
        given.emplace(verify_requested{ask(question::verify), asked_text_.view(), smtputf8});
    return step::event_given;
}

/// A verb of an extension. What it is for only the host knows, so without an accepted message it counts as junk.
MAILQUAY_DECL session::step session::other(command_line const& line, std::optional<event>& given) {
    extension const* const reader = config_->extensions.for_verb(line.name);
    host_verb_ = static_cast<std::uint16_t>(config_->extensions.verb_number(line.name));
    if (reader == nullptr || !reader->offered(info_)) return syntax_error(reply{replies::unknown_command}), step::go_on;
    if (!reader->verb_allowed(line.name, state_)) return out_of_sequence(), step::go_on;
    if (!junk_allowed()) return step::go_on;
    asked_utf8_ = false;
    if (config_->require_authentication && !info_.authenticated())
        return say(replies::auth_required), command_boundary(), step::go_on;
    keep_asked(line.name, line.argument);
    std::string_view const kept = asked_text_.view();
    given.emplace(custom_command{ask(question::custom), kept.substr(0, line.name.size()), kept.substr(line.name.size())});
    return step::event_given;
}

MAILQUAY_DECL void session::help() {
    std::string text{info_.lmtp() ? "LHLO" : "EHLO HELO"};
    text.append(" MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
    if (config_->extensions.find("AUTH") != nullptr) text.append(" AUTH");
    for (auto const& one : config_->extensions.all())
        for (std::string_view const name : one->verbs())
            if (one->offered(info_)) text.append(1, ' ').append(name);
    say(214, "2.0.0", text);
}

/// Counts commands that bring no message nearer. @return false when the reply was given here
MAILQUAY_DECL bool session::junk_allowed() {
    if (++totals_.junk <= config_->budgets.junk) return true;
    if (++totals_.syntax_errors <= config_->budgets.syntax) return true;
    close_with(replies::too_many_errors, close_reason::too_many_errors);
    return false;
}

MAILQUAY_DECL void session::drop_transaction(bool tell) noexcept {
    if (!work_) {
        (void)info_.take_forwarded();
        return;
    }
    abort_message(abort_reason::reset);
    if (tell) will_tell(tell_reset);
    drop_work();
}

}  // namespace mailquay::inline MAILQUAY_ABI
