#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/log_fields.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/detail/plain_path.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/mail_command.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/rcpt_command.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <exception>

// MAIL and RCPT: what they say, and what is kept of it.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// Whether a parameter asks what the library could do, were it switched on.
inline bool is_opt_in_parameter(std::string_view keyword, bool of_recipient) {
    static extension_registry const all = extension_registry::opt_in();
    return (of_recipient ? all.for_recipient(keyword) : all.for_mail(keyword)) != nullptr;
}
}  // namespace detail

MAILQUAY_DECL session::step session::mail(std::string_view argument, std::optional<event>& given) {
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
    if (!keep_plain_path(argument, "FROM:", work_->mail.reverse_path_) && !take_any_sender(argument)) return step::go_on;
    work_->mail.id_ = memory_->next_id();
    given.emplace(mail_offered{ask(question::mail), &work_->mail});
    return step::event_given;
}

/// What the listener tolerates in a path; without `utf8`.
MAILQUAY_DECL address_options session::path_options() const noexcept {
    address_options options;
    options.space_after_colon = config_->leniency.space_after_colon;
    options.missing_brackets = config_->leniency.missing_brackets;
    options.strict_lengths = config_->limits.strict_path_lengths;
    return options;
}

/// The rest of MAIL where its argument is not a plain path alone. @return false when the reply was given here
MAILQUAY_DECL bool session::take_any_sender(std::string_view argument) {
    auto const refused = read_mail(argument);
    if (!refused) return true;
    memory_->give_back(std::move(work_));
    forgiven_ = true;
    // No mistakes in the command: the size, and what failed here.
    bool const well_formed = refused->code < 500 || refused->code == replies::message_too_big.code();
    if (!well_formed) return syntax_error(*refused), false;
    if (junk_allowed()) say(*refused), command_boundary();
    return false;
}

MAILQUAY_DECL std::optional<reply> session::read_mail(std::string_view argument) {
    transaction& mail = work_->mail;
    cursor in{argument};
    address_options options = path_options();
    // Where all is ASCII it does not matter.
    options.utf8 = !is_ascii(argument) && info_.extended() && config_->extensions.find("SMTPUTF8") != nullptr;
    auto const from = parse_mail_argument(in, options);
    if (!from) return reply{to_reply(from.error())};
    if (!in.at_end())
        if (auto refused = read_parameters(in, options, nullptr)) return refused;
    if (from->address.utf8 && !mail.parameters_.smtputf8) return reply{replies::utf8_address_needs_smtputf8};
    if (mail.parameters_.body == body_type::binary_mime && !(chunking() && config_->extensions.find("BINARYMIME") != nullptr))
        return reply{replies::bad_argument};
    if (!from->null) mail.reverse_path_ = kept_address(*from);
    return std::nullopt;
}

MAILQUAY_DECL session::step session::rcpt(std::string_view argument, std::optional<event>& given) {
    if (!legal(state_, verb::rcpt)) return out_of_sequence(), step::go_on;
    auto& all = work_->mail.recipients_;
    if (all.size() >= most_recipients()) {
        // Many may be pipelined behind the one that was too many; without end they are junk.
        if (excused() || junk_allowed()) refuse_recipient(reply{replies::too_many_recipients});
        return step::go_on;
    }
    bool const in_run = open_ != 0;
    if (in_run) list_only_recipient();
    if (work_->pending.empty()) work_->run_begins = work_->mail.text_.position();
    recipient& to = all.emplace_back(address{});
    if (!keep_plain_path(argument, "TO:", to.forward_path) && !take_any_recipient(argument, to)) return step::go_on;
    if (config_->limits.recipient_domains != 0 && !domain_fits(to.domain())) {
        all.pop_back();
        work_->mail.text_.go_back(work_->run_begins);
        if (excused() || junk_allowed()) refuse_recipient(reply{replies::too_many_domains});
        return step::go_on;
    }
    ticket const asked = ask(question::recipient);
    if (in_run || !work_->pending.empty()) work_->pending.emplace_back().ticket = static_cast<std::uint32_t>(asked);
    given.emplace(recipient_offered{asked, &work_->mail, &to});
    return step::event_given;
}

/// The rest of RCPT where its argument is not a plain path alone. @return false when it was refused, now or in its turn
MAILQUAY_DECL bool session::take_any_recipient(std::string_view argument, recipient& to) {
    auto refused = read_recipient(argument, to);
    if (!refused) return true;
    work_->mail.recipients_.pop_back();
    if (work_->pending.empty()) work_->mail.text_.go_back(work_->run_begins);
    if (open_ != 0 || !work_->pending.empty()) {
        auto& waiting = work_->pending.emplace_back();
        waiting.answered = true;
        waiting.refusal = std::make_unique<reply>(*std::move(refused));
        return false;
    }
    // What is no mistake of the client's (a check that failed) brings no message nearer all the same.
    if (refused->code >= 500 || junk_allowed()) refuse_recipient(*refused);
    return false;
}

/// The one RCPT that is asked about is in `pending` only from where it matters on: a second is asked, or the answer is no plain yes.
MAILQUAY_DECL void session::list_only_recipient() {
    if (work_->pending.empty()) work_->pending.emplace_back().ticket = next_ticket_ - 1;
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

MAILQUAY_DECL std::optional<reply> session::read_recipient(std::string_view argument, recipient& to) {
    cursor in{argument};
    address_options options = path_options();
    options.utf8 = work_->mail.parameters_.smtputf8;
    auto const whom = parse_rcpt_argument(in, options);
    if (!whom) return reply{to_reply(whom.error())};
    if (!in.at_end())
        if (auto refused = read_parameters(in, options, &to)) return refused;
    to.forward_path = kept_address(*whom);
    return std::nullopt;
}

/// Reads what stands behind the path of MAIL, or of RCPT if `to` is given; something does.
MAILQUAY_DECL std::optional<reply> session::read_parameters(cursor& in, address_options options, recipient* to) {
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
            try {
                auto refused = to != nullptr ? reader->recipient_parameter(one, edit, *to) : reader->mail_parameter(one, edit, config_->limits);
                if (refused) return refused;
            } catch (std::exception const& failure) {
                return parameter_failed(one.keyword, failure.what());
            } catch (...) {
                return parameter_failed(one.keyword, "not a std::exception");
            }
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

/// A host's check threw: no fault of the client's.
MAILQUAY_DECL reply session::parameter_failed(std::string_view keyword, std::string_view what) const {
    config_->log.error([&] {
        log_line line{"hook-failed"};
        line.add("id", log_id(info_, work_ ? work_->mail.id() : std::string_view{}));
        return line.add("hook", "parameter").add("keyword", keyword).add("error", what);
    });
    return reply{replies::local_error};
}

/// Keeps a path behind which nothing stands, as nearly every client sends it. @return whether it was one
template <std::size_t Size>
bool session::keep_plain_path(std::string_view argument, char const (&keyword)[Size], address& kept) {
    detail::path_places found;
    if (!detail::is_plain_argument(argument, keyword, found) || !found.normal_domain) return false;
    std::size_t const octets = found.end - 1;
    char* const wire = work_->mail.text_.take(octets);
    std::memcpy(wire, argument.data() + Size, octets);  // behind the keyword and "<"
    kept.wire = {wire, octets};
    kept.local_part = {wire, found.at - 1};
    kept.domain = {wire + found.at, octets - found.at};
    return true;
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

}  // namespace mailquay::inline MAILQUAY_ABI
