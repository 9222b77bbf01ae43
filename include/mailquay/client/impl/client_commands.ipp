#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/idna.hpp>
#include <mailquay/client/hop_settings.hpp>
#include <mailquay/client/outgoing_message.hpp>
#include <mailquay/protocol/ehlo_reply.hpp>
#include <mailquay/protocol/mailbox.hpp>
#include <mailquay/protocol/timestamp.hpp>
#include <mailquay/protocol/xforward.hpp>
#include <mailquay/protocol/xtext.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

// The command lines that a client sends: what a message asks for, as far as the server announced it.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// RFC 5321 §4.5.3.1.4: what every server takes, without CRLF.
inline constexpr std::size_t most_command_octets = 510;

/// Why something cannot be sent, with the status that says so.
struct own_finding {
    std::string_view status{};
    std::string_view problem{};
};

/// An address as it can be sent to a server with or without SMTPUTF8.
struct sendable_address {
    std::string text{};
    own_finding refused{};  ///< status empty: it can
};

/// Nothing of an address may break out of its angle brackets: it must be one by RFC 5321's grammar.
inline sendable_address sendable(std::string_view address, bool utf8_offered, bool forward) {
    if (address.empty() && !forward) return {};
    if (forward && iequals(address, "postmaster")) return {std::string{address}, {}};
    auto const parsed = parse_mailbox(address, address_options{.utf8 = true});
    if (!parsed) return {{}, {forward ? "5.1.3" : "5.1.7", "the address is malformed"}};
    if (!parsed->utf8 || utf8_offered) return {std::string{address}, {}};
    if (!is_ascii(parsed->local_part)) return {{}, {"5.6.7", "the next hop lacks SMTPUTF8, which the address needs"}};
    auto ascii = to_ascii(parsed->domain);
    if (!ascii) return {{}, {"5.6.7", "the next hop lacks SMTPUTF8, and the domain has no ASCII form"}};
    return {std::string{parsed->local_part} + '@' + *ascii, {}};
}

inline bool is_utf8_address(std::string_view address) { return !is_ascii(address); }

/// What one transaction uses of what the server offers; decided once per message.
struct transaction_plan {
    bool smtputf8 = false;
    bool bdat = false;
    bool prdr = false;
    body_type body = body_type::seven_bit;
    bool says_body = false;
};

/// RFC 5321 §4.1.1.2, with the parameters of the extensions offered.
inline void append_mail(std::string& out, std::string_view reverse_path, outgoing_message const& mail, transaction_plan const& plan,
                        ehlo_reply const& offers, bool authenticated) {
    out.append("MAIL FROM:<").append(reverse_path).append(">");
    auto const& asks = mail.requests;
    if (offers.size && mail.content) {
        out += " SIZE=";
        append_decimal(out, mail.content->size());
    }
    if (plan.says_body) out.append(" BODY=").append(to_string(plan.body));
    if (plan.smtputf8) out += " SMTPUTF8";
    if (plan.prdr) out += " PRDR";
    if (offers.dsn) {
        if (asks.ret != dsn_return::unsaid) out.append(" RET=").append(to_string(asks.ret));
        if (!asks.envid.empty()) {
            out += " ENVID=";
            append_xtext(out, asks.envid);
        }
    }
    if (asks.requiretls) out += " REQUIRETLS";
    if (offers.deliver_by && asks.by) {
        out += " BY=";
        if (asks.by->seconds < 0) out += '-';
        auto const seconds = static_cast<std::int64_t>(asks.by->seconds);
        append_decimal(out, static_cast<std::uint64_t>(seconds < 0 ? -seconds : seconds));
        out += asks.by->mode == by_mode::notify ? ";N" : ";R";
        if (asks.by->trace) out += 'T';
    }
    if (offers.mt_priority && asks.priority) {
        int const value = asks.priority->value;
        out += " MT-PRIORITY=";
        if (value < 0) out += '-';
        append_decimal(out, static_cast<std::uint64_t>(value < 0 ? -value : value));
    }
    if (offers.future_release && asks.hold) {
        if (asks.hold->interval) {
            out += " HOLDFOR=";
            append_decimal(out, static_cast<std::uint64_t>(std::max<std::int64_t>(asks.hold->interval->count(), 1)));
        } else {
            out += " HOLDUNTIL=";
            append_timestamp(out, asks.hold->release);
        }
    }
    if (authenticated && mail.auth) {
        out += " AUTH=";
        if (mail.auth->empty()) out += "<>";
        append_xtext(out, *mail.auth);
    }
    out += "\r\n";
}

/// RFC 5321 §4.1.1.3
inline void append_rcpt(std::string& out, std::string_view forward_path, outgoing_recipient const& to, transaction_plan const& plan,
                        ehlo_reply const& offers) {
    out.append("RCPT TO:<").append(forward_path).append(">");
    if (offers.dsn) {
        if (to.requests.notify != dsn_notify::unsaid) out.append(" NOTIFY=").append(to_string(to.requests.notify));
        if (!to.requests.original.empty()) {
            std::size_t const before = out.size();
            out += " ORCPT=";
            if (!append_orcpt(out, to.requests.original, plan.smtputf8)) out.resize(before);
        }
    }
    if (offers.rrvs && to.requests.valid_since) {
        out += " RRVS=";
        append_timestamp(out, to.requests.valid_since->when);
        if (to.requests.valid_since->action == rrvs_action::go_on) out += ";C";
        if (to.requests.valid_since->action == rrvs_action::refuse) out += ";R";
    }
    out += "\r\n";
}

/// Gathers attributes of XCLIENT or XFORWARD, those that the server knows, into commands of at most 512 octets.
class attribute_commands {
public:
    attribute_commands(std::string_view verb, std::vector<std::string> const& known) : verb_(verb), known_(&known) {}

    void add(std::string_view name, std::string_view value) {
        if (std::find(known_->begin(), known_->end(), name) == known_->end()) return;
        constexpr std::size_t most_value_octets = 255;
        std::string word{name};
        word += '=';
        append_xtext(word, value.empty() ? std::string_view{"[UNAVAILABLE]"} : value.substr(0, most_value_octets));
        if (lines_.empty() || lines_.back().size() + 1 + word.size() > most_command_octets) lines_.emplace_back(verb_);
        lines_.back().append(1, ' ').append(word);
    }
    void add_address(std::string_view name, ip_address const& address) {
        add(name, address.bits() == 0 ? std::string{} : (address.is_v6() ? "IPV6:" : "") + address.to_string());
    }
    void add_port(std::string_view name, std::uint16_t port) {
        std::string digits;
        if (port != 0) append_decimal(digits, port);
        add(name, digits);
    }
    /// Without CRLF.
    std::vector<std::string> take() { return std::move(lines_); }

private:
    std::string_view verb_;
    std::vector<std::string> const* known_;
    std::vector<std::string> lines_{};
};

/// Postfix, XCLIENT_README.
inline std::vector<std::string> xclient_commands(xclient_values const& who, std::vector<std::string> const& known) {
    attribute_commands made{"XCLIENT", known};
    if (who.name) made.add("NAME", who.name_unknown_for_now ? "[TEMPUNAVAIL]" : *who.name);
    if (who.reverse_name) made.add("REVERSE_NAME", *who.reverse_name);
    if (who.address) made.add_address("ADDR", *who.address);
    if (who.port) made.add_port("PORT", *who.port);
    if (who.extended) made.add("PROTO", *who.extended ? "ESMTP" : "SMTP");
    if (who.hello_name) made.add("HELO", *who.hello_name);
    if (who.login) made.add("LOGIN", *who.login);
    if (who.destination) made.add_address("DESTADDR", *who.destination);
    if (who.destination_port) made.add_port("DESTPORT", *who.destination_port);
    return made.take();
}

/// Postfix, XFORWARD_README.
inline std::vector<std::string> xforward_commands(forwarded_client const& who, std::vector<std::string> const& known) {
    attribute_commands made{"XFORWARD", known};
    made.add("NAME", who.name);
    auto const address = ip_address::parse(who.address);
    made.add("ADDR", address && address->is_v6() ? "IPV6:" + who.address : who.address);
    made.add_port("PORT", who.port);
    made.add("PROTO", who.protocol);
    made.add("HELO", who.hello_name);
    made.add("IDENT", who.ident);
    using origin = forwarded_client::origin;
    made.add("SOURCE", who.source == origin::local ? "LOCAL" : who.source == origin::remote ? "REMOTE" : "");
    return made.take();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
