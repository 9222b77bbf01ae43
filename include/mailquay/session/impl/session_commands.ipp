#pragma once

#include <mailquay/session/impl/session.ipp>
#include <mailquay/session/impl/session_auth.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/hello_name.hpp>
#include <mailquay/protocol/mail_command.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/rcpt_command.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// Whether some octet is below 32; eight at a time.
inline bool has_low_octets(std::string_view line) noexcept {
    constexpr std::uint64_t each = 0x0101010101010101u;
    std::uint64_t lanes = 0;
    std::uint64_t found = 0;
    char const* at = line.data();
    char const* const end = at + line.size();
    if (line.size() < sizeof lanes) {
        while (at != end && static_cast<unsigned char>(*at) >= 32) ++at;
        return at != end;
    }
    auto const look = [&](char const* octets) {
        std::memcpy(&lanes, octets, sizeof lanes);
        found |= (lanes - each * 32) & ~lanes;
    };
    for (; end - at > 8; at += sizeof lanes) look(at);
    look(end - sizeof lanes);
    return (found & (each * 0x80)) != 0;
}
inline bool has_bare_octets(std::string_view line) noexcept {
    if (!has_low_octets(line)) return false;
    return std::memchr(line.data(), '\r', line.size()) != nullptr || std::memchr(line.data(), '\0', line.size()) != nullptr ||
           std::memchr(line.data(), '\n', line.size()) != nullptr;
}
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
/// Whether a parameter asks what the library could do, were it switched on.
inline bool is_opt_in_parameter(std::string_view keyword, bool of_recipient) {
    static extension_registry const all = extension_registry::opt_in();
    return (of_recipient ? all.for_recipient(keyword) : all.for_mail(keyword)) != nullptr;
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
    bool const plain_verb = parsed_line && spoken != verb::unknown && spoken != verb::data && spoken != verb::bdat;
    auto const head = plain_verb ? line_head::plain : detail::head_of(line);
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
        case verb::mail: return mail(*parsed_line, given);
        case verb::rcpt: return rcpt(*parsed_line, given);
        case verb::data: return data(*parsed_line, given);
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
    if (!config_->leniency.underscore_in_hello_name && name->text.find('_') != std::string_view::npos)
        return syntax_error(reply{to_reply(refusal{protocol_errc::bad_hello_name})}), step::go_on;
    if (state_ != session_state::start && !junk_allowed()) return step::go_on;
    if (unconsumed_any()) info_.set_talked_ahead();
    asked_text_ = std::make_unique<std::string>(name->text);
    extended_hello_ = line.verb != verb::helo;
    given.emplace(greeted{ask(question::greeted), *asked_text_});
    return step::event_given;
}

MAILQUAY_DECL session::step session::mail(command_line const& line, std::optional<event>& given) {
    if (!legal(state_, verb::mail)) return out_of_sequence(), step::go_on;
    forgiven_ = false;
    excused_ = 0;
    if (info_.source() == address_source::health_check) {
        if (!junk_allowed()) return step::go_on;
        forgiven_ = true;
        return say(replies::no_mail_from_proxy), command_boundary(), step::go_on;
    }
    if (config_->require_authentication && !info_.authenticated()) {
        if (!junk_allowed()) return step::go_on;
        forgiven_ = true;
        return say(replies::auth_required), command_boundary(), step::go_on;
    }
    if (config_->limits.messages != 0 && totals_.mails >= config_->limits.messages)
        return close_with(replies::too_many_messages, close_reason::refused), step::go_on;

    if (work_) memory_->give_back(std::move(work_));  // of a message whose chunks were refused
    if (state_ == session_state::chunks_failed) state_ = session_state::ready;
    work_ = memory_->take_work();
    work_->mail.session_ = &info_;
    if (auto const refused = read_mail(line)) {
        memory_->give_back(std::move(work_));
        forgiven_ = true;
        if (refused->code == replies::message_too_big.code()) return say(*refused), command_boundary(), step::go_on;
        return syntax_error(*refused), step::go_on;
    }
    work_->mail.id_ = memory_->next_id();
    given.emplace(mail_offered{ask(question::mail), &work_->mail});
    return step::event_given;
}

MAILQUAY_DECL std::optional<reply> session::read_mail(command_line const& line) {
    transaction& mail = work_->mail;
    bool const utf8_offered = config_->extensions.find("SMTPUTF8") != nullptr && info_.extended();
    address_options options;
    options.utf8 = utf8_offered;
    options.space_after_colon = config_->leniency.space_after_colon;
    options.missing_brackets = config_->leniency.missing_brackets;
    options.strict_lengths = config_->limits.strict_path_lengths;
    cursor in{line.argument};
    auto const from = parse_mail_argument(in, options);
    if (!from) return reply{to_reply(from.error())};
    if (auto refused = read_parameters(in, options, nullptr)) return refused;
    if (from->address.utf8 && !mail.parameters_.smtputf8) return reply{replies::utf8_address_needs_smtputf8};
    if (mail.parameters_.body == body_type::binary_mime && !(chunking() && config_->extensions.find("BINARYMIME") != nullptr))
        return reply{replies::bad_argument};
    if (!from->null) mail.reverse_path_ = kept_address(*from);
    return std::nullopt;
}

MAILQUAY_DECL session::step session::rcpt(command_line const& line, std::optional<event>& given) {
    if (!legal(state_, verb::rcpt)) return out_of_sequence(), step::go_on;
    auto& all = work_->mail.recipients_;
    if (all.size() >= most_recipients()) {
        // Many may be pipelined behind the one that was too many; without end they are junk.
        if (excused() || junk_allowed()) refuse_recipient(reply{replies::too_many_recipients});
        return step::go_on;
    }
    if (work_->pending.empty()) work_->run_begins = work_->mail.text_.position();
    recipient& to = all.emplace_back();
    if (auto refused = read_recipient(line, to)) {
        all.pop_back();
        if (work_->pending.empty()) work_->mail.text_.go_back(work_->run_begins);
        if (open_ != 0 || !work_->pending.empty()) {
            auto& waiting = work_->pending.emplace_back();
            waiting.answered = true;
            waiting.refusal = std::make_unique<reply>(*std::move(refused));
            return step::go_on;
        }
        return refuse_recipient(*refused), step::go_on;
    }
    if (config_->limits.recipient_domains != 0 && !domain_fits(to.domain())) {
        all.pop_back();
        work_->mail.text_.go_back(work_->run_begins);
        if (excused() || junk_allowed()) refuse_recipient(reply{replies::too_many_domains});
        return step::go_on;
    }
    ticket const asked = ask(question::recipient);
    work_->pending.emplace_back().ticket = static_cast<std::uint32_t>(asked);
    given.emplace(recipient_offered{asked, &work_->mail, &to});
    return step::event_given;
}

/// Refuses a RCPT without asking the host. Too many recipients are no mistake in the command.
MAILQUAY_DECL void session::refuse_recipient(reply const& why) {
    forgiven_ = true;
    std::size_t const replied = output_end();
    if (why.code >= 500)
        syntax_error(why);
    else
        say(why);
    note_refusal(replied, verb::rcpt);
    command_boundary();
}

/// How many recipients the transaction may have.
MAILQUAY_DECL std::size_t session::most_recipients() const noexcept {
    session_limits const& limits = config_->limits;
    if (!work_->mail.null_sender() || limits.null_sender_recipients == 0) return limits.recipients;
    return std::min(limits.null_sender_recipients, limits.recipients);
}

MAILQUAY_DECL std::optional<reply> session::read_recipient(command_line const& line, recipient& to) {
    transaction const& mail = work_->mail;
    address_options options;
    options.utf8 = mail.parameters_.smtputf8;
    options.space_after_colon = config_->leniency.space_after_colon;
    options.missing_brackets = config_->leniency.missing_brackets;
    options.strict_lengths = config_->limits.strict_path_lengths;
    cursor in{line.argument};
    auto const path = parse_rcpt_argument(in, options);
    if (!path) return reply{to_reply(path.error())};
    if (auto refused = read_parameters(in, options, &to)) return refused;
    to.forward_path = kept_address(*path);
    return std::nullopt;
}

/// Reads what stands behind the path of MAIL, or of RCPT if `to` is given.
MAILQUAY_DECL std::optional<reply> session::read_parameters(cursor& in, address_options options, recipient* to) {
    if (in.at_end()) return std::nullopt;
    constexpr std::size_t most = 24;
    std::array<std::string_view, most> seen;
    std::size_t count = 0;
    for (;;) {
        auto const next = next_parameter(in, options);
        if (!next) return reply{to_reply(next.error())};
        if (!*next) return std::nullopt;
        parameter const& one = **next;
        for (std::size_t i = 0; i < count; ++i)
            if (iequals(seen[i], one.keyword)) return reply{to_reply(refusal{protocol_errc::duplicate_parameter, 0})};
        if (count == most) return reply{replies::bad_argument};
        seen[count++] = one.keyword;

        extension const* reader = to != nullptr ? config_->extensions.for_recipient(one.keyword) : config_->extensions.for_mail(one.keyword);
        if (reader != nullptr && info_.extended() && reader->offered(info_)) {
            transaction_editor edit{work_->mail, memory_->wall()};
            auto refused = to != nullptr ? reader->recipient_parameter(one, edit, *to) : reader->mail_parameter(one, edit, config_->limits);
            if (refused) return refused;
            continue;
        }
        bool const known = reader != nullptr || detail::is_opt_in_parameter(one.keyword, to != nullptr);
        // What is known and not offered is refused whatever becomes of unknown ones: to ignore REQUIRETLS is to break a promise.
        if (known || config_->unknown == unknown_parameters::refuse || !info_.extended()) return reply{replies::unknown_parameter};
        if (config_->unknown != unknown_parameters::hand_over) continue;
        transaction_editor edit{work_->mail};
        if (to != nullptr)
            edit.add_unknown(one, *to);
        else
            edit.add_unknown(one);
    }
}

/// Copies an address into the transaction and normalises it.
MAILQUAY_DECL address session::kept_address(path const& given) {
    arena& text = work_->mail.text_;
    address kept;
    if (given.postmaster) {
        kept.wire = text.copy(given.text);
        kept.local_part = "postmaster";
        char* const domain = text.take(config_->hostname.size());
        std::transform(config_->hostname.begin(), config_->hostname.end(), domain, [](char c) { return to_lower(c); });
        kept.domain = {domain, config_->hostname.size()};
        return kept;
    }
    mailbox const& from = given.address;
    kept.wire = text.copy(given.text);
    // Both parts lie inside the copy; only what differs in its normal form needs room of its own.
    std::string_view const local = from.local_part;
    if (from.quoted) {
        kept.local_part = local_part_unquoted(local, std::span<char>{text.take(local.size()), local.size()});
    } else {
        kept.local_part = {kept.wire.data(), local.size()};
    }
    std::string_view const domain{kept.wire.data() + (kept.wire.size() - from.domain.size()), from.domain.size()};
    if (from.normal_domain || (!from.literal && is_normalised_domain(domain))) {
        kept.domain = domain;
    } else {
        std::string normal;
        append_normalised_domain(normal, from);
        kept.domain = text.copy(normal);
    }
    return kept;
}

MAILQUAY_DECL session::step session::data(command_line const& line, std::optional<event>& given) {
    bool const explained = forgiven_;
    // A client that did not wait may have sent its message already: refused, it must not be read as commands.
    auto const lost = [this] {
        close_if_octets_follow();
        forgiven_ = false;
        return step::go_on;
    };
    if (line.has_argument) return syntax_error(reply{replies::argument_not_allowed}), lost();
    if (!legal(state_, verb::data)) return out_of_sequence(), lost();
    if (state_ == session_state::mail_given) {
        if (!(explained && excused()) && ++totals_.sequence_errors > config_->budgets.sequence)
            return close_with(replies::too_many_errors, close_reason::too_many_errors), step::go_on;
        return say(replies::no_valid_recipients), lost();
    }
    if (work_->mail.parameters_.body == body_type::binary_mime) {  // RFC 3030 §3
        if (++totals_.sequence_errors > config_->budgets.sequence)
            return close_with(replies::too_many_errors, close_reason::too_many_errors), step::go_on;
        reply said{replies::bad_sequence};
        said.text.append("; BODY=BINARYMIME is sent by BDAT");
        return say(said), lost();
    }
    message_told_ = true;
    given.emplace(message_started{ask(question::started), &work_->mail});
    return step::event_given;
}

/// A line above the limit was skipped; of its begin only the kind is known.
MAILQUAY_DECL void session::overlong_line() {
    bool const first = !spoken_to_;
    spoken_to_ = true;
    if (skipped_head_ == line_head::bdat)
        return close_with(chunking() ? replies::bad_argument : replies::unknown_command, close_reason::lost_framing);
    if (skipped_head_ == line_head::http && first && !info_.secure())
        return close_with(replies::not_smtp, close_reason::not_smtp);
    bool const auth = skipped_head_ == line_head::auth && config_->extensions.find("AUTH") != nullptr;
    if (auth) last_verb_ = verb::auth;
    syntax_error(reply{auth ? replies::auth_line_too_long : replies::line_too_long});
    if (skipped_head_ == line_head::data) close_if_octets_follow();
}

/// After a refused DATA: a client that did not wait for the reply has sent its message, which must not be read as commands.
MAILQUAY_DECL void session::close_if_octets_follow() {
    if (phase_ != phase::closing && unconsumed_any()) close(close_reason::lost_framing);
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
    asked_text_ = std::make_unique<std::string>(argument);
    asked_utf8_ = smtputf8;
    if (expands)
        given.emplace(expand_requested{ask(question::expand), *asked_text_, smtputf8});
    else
        given.emplace(verify_requested{ask(question::verify), *asked_text_, smtputf8});
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
    asked_text_ = std::make_unique<std::string>(line.name);
    asked_text_->append(line.argument);
    std::string_view const kept{*asked_text_};
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
    append_reply(out(), 214, "2.0.0", text);
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
    if (tell) tell_reset_ = true;
    drop_work_ = true;
}

}  // namespace mailquay::inline MAILQUAY_ABI
