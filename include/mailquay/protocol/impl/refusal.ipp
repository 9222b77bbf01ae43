#pragma once

#include <mailquay/protocol/refusal.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// A fault outside of addresses.
struct refusal_row {
    protocol_errc errc;
    int code;
    std::string_view enhanced;
    std::string_view text;
    std::string_view cure;
};

/// A fault of an address: 501, 5.1.7 for a sender, 5.1.3 for a recipient, else 5.5.4.
struct address_refusal_row {
    protocol_errc errc;
    std::string_view text;
    std::string_view cure;
};

inline constexpr refusal_row refusal_rows[] = {
    {protocol_errc::empty_line, 500, "5.5.2", "Empty command line", "send a verb"},
    {protocol_errc::line_too_long, 500, "5.5.2", "Command line too long",
     "raise the limit of command lines or drop the peer"},
    {protocol_errc::bad_characters, 501, "5.5.2", "Bare CR, LF or NUL in command", "end lines by CRLF; send no NUL"},
    {protocol_errc::bad_verb, 500, "5.5.2", "Bad character in command name", "spell verbs in letters and digits"},
    {protocol_errc::argument_missing, 501, "5.5.4", "Argument missing", "send the argument behind the verb"},
    {protocol_errc::argument_not_allowed, 501, "5.5.4", "No argument allowed", "send the verb alone"},
    {protocol_errc::bad_hello_name, 501, "5.5.4", "Bad host name", "send one domain or address literal in ASCII"},
    {protocol_errc::missing_from, 501, "5.5.4", "Expected FROM:<address>", "send MAIL FROM:<address>"},
    {protocol_errc::missing_to, 501, "5.5.4", "Expected TO:<address>", "send RCPT TO:<address>"},
    {protocol_errc::utf8_not_allowed, 553, "5.6.7", "UTF-8 address needs SMTPUTF8",
     "give the parameter SMTPUTF8 with MAIL"},
    {protocol_errc::bad_parameter, 501, "5.5.4", "Bad parameter", "send parameters as KEYWORD or KEYWORD=value"},
    {protocol_errc::bad_parameter_value, 501, "5.5.4", "Bad parameter value", "encode what the value cannot hold"},
    {protocol_errc::parameter_value_missing, 501, "5.5.4", "Parameter needs a value", "send KEYWORD=value"},
    {protocol_errc::parameter_value_not_allowed, 501, "5.5.4", "Parameter takes no value", "send the keyword alone"},
    {protocol_errc::duplicate_parameter, 501, "5.5.4", "Parameter given twice", "send each parameter once"},
    {protocol_errc::bad_size, 501, "5.5.4", "SIZE is not a number", "send 1 to 20 digits"},
    {protocol_errc::bad_body, 501, "5.5.4", "Unknown BODY value", "send 7BIT, 8BITMIME or BINARYMIME"},
    {protocol_errc::bad_chunk_size, 501, "5.5.4", "Chunk size is not a number", "send digits for a number up to 2^63-1"},
    {protocol_errc::bad_end_marker, 501, "5.5.4", "Expected LAST or nothing behind the size", "send BDAT size, or BDAT size LAST"},
    {protocol_errc::bad_xtext, 501, "5.5.4", "Value is not xtext", "encode as RFC 3461 section 4 says"},
    {protocol_errc::bad_ret, 501, "5.5.4", "Unknown RET value", "send FULL or HDRS"},
    {protocol_errc::bad_notify, 501, "5.5.4", "Bad NOTIFY value", "send NEVER, or a list of SUCCESS, FAILURE, DELAY"},
    {protocol_errc::bad_envid, 501, "5.5.4", "Bad ENVID value", "send at most 100 characters of xtext"},
    {protocol_errc::bad_orcpt, 501, "5.5.4", "Bad ORCPT value", "send rfc822;xtext or utf-8;address"},
    {protocol_errc::bad_deliver_by, 501, "5.5.4", "Bad BY value", "send seconds;N or seconds;R, the latter with seconds above 0"},
    {protocol_errc::bad_hold, 501, "5.5.4", "Bad HOLDFOR or HOLDUNTIL", "send one of them: seconds, or a time of RFC 3339 to come"},
    {protocol_errc::bad_priority, 501, "5.5.4", "MT-PRIORITY is not -9 to 9", "send a number from -9 to 9"},
    {protocol_errc::bad_rrvs, 501, "5.5.4", "Bad RRVS value", "send a time of RFC 3339"},
};

inline constexpr address_refusal_row address_refusal_rows[] = {
    {protocol_errc::space_before_path, "space before \"<\"", "leave it out, or set address_options::space_after_colon"},
    {protocol_errc::missing_open_bracket, "expected \"<\"", "add it, or set address_options::missing_brackets"},
    {protocol_errc::missing_close_bracket, "expected \">\"", "end the path by it"},
    {protocol_errc::junk_after_path, "expected a space or nothing after it", "separate parameters by a space"},
    {protocol_errc::null_forward_path, "null path", "name a mailbox; only the sender may be null"},
    {protocol_errc::bad_source_route, "bad source route", "leave the route out"},
    {protocol_errc::empty_local_part, "nothing before \"@\"", "name a mailbox"},
    {protocol_errc::misplaced_dot, "misplaced dot before \"@\"", "put the local part in quotes"},
    {protocol_errc::bad_local_part, "bad character before \"@\"", "put the local part in quotes"},
    {protocol_errc::unterminated_quote, "missing closing quote", "close the quote before \"@\""},
    {protocol_errc::bad_quoted_string, "control character in quotes", "leave it out"},
    {protocol_errc::missing_domain, "no domain", "add \"@\" and the domain"},
    {protocol_errc::empty_domain, "nothing after \"@\"", "name the domain"},
    {protocol_errc::empty_label, "misplaced dot in domain", "write the domain without a dot at either end"},
    {protocol_errc::misplaced_hyphen, "misplaced hyphen in domain", "begin and end labels by a letter or digit"},
    {protocol_errc::bad_domain, "bad character in domain", "write domains in letters, digits, \"-\" and \".\""},
    {protocol_errc::label_too_long, "domain label over 63 octets", "shorten it"},
    {protocol_errc::domain_too_long, "domain over 255 octets", "shorten it"},
    {protocol_errc::bad_u_label, "bad internationalized domain", "send the domain in A-labels"},
    {protocol_errc::bad_address_literal, "bad address literal", "write [192.0.2.1] or [IPv6:2001:db8::1]"},
    {protocol_errc::unsupported_literal, "unknown kind of address literal", "write [192.0.2.1] or [IPv6:2001:db8::1]"},
    {protocol_errc::local_part_too_long, "over 64 octets before \"@\"",
     "shorten it, or clear address_options::strict_lengths"},
    {protocol_errc::path_too_long, "over 256 octets", "shorten it, or clear address_options::strict_lengths"},
    {protocol_errc::bad_utf8, "not valid UTF-8", "send UTF-8 or ASCII"},
    {protocol_errc::forbidden_character, "invisible character", "leave it out"},
};

/// The index of `code` among the rows; the number of rows if it is not there.
template <class Row, std::size_t Count>
constexpr std::size_t refusal_index(Row const (&rows)[Count], protocol_errc code) noexcept {
    std::size_t i = 0;
    while (i < Count && rows[i].errc != code) ++i;
    return i;
}

constexpr reply_text make_reply(refusal_row const& row) { return {row.code, row.enhanced, row.text}; }

template <path_role Role>
constexpr reply_text make_address_reply(address_refusal_row const& row) {
    constexpr std::string_view whose = Role == path_role::reverse   ? "Bad sender address: "
                                       : Role == path_role::forward ? "Bad recipient address: "
                                                                    : "Bad address: ";
    constexpr std::string_view enhanced = Role == path_role::reverse   ? "5.1.7"
                                          : Role == path_role::forward ? "5.1.3"
                                                                       : "5.5.4";
    char text[reply_text::max_octets] = {};
    std::size_t size = 0;
    for (std::string_view part : {whose, row.text}) {
        for (char c : part) text[size++] = c;
    }
    return {501, enhanced, {text, size}};
}

template <std::size_t... Index>
constexpr std::array<reply_text, sizeof...(Index)> make_replies(std::index_sequence<Index...>) {
    return {make_reply(refusal_rows[Index])...};
}
template <path_role Role, std::size_t... Index>
constexpr std::array<reply_text, sizeof...(Index)> make_address_replies(std::index_sequence<Index...>) {
    return {make_address_reply<Role>(address_refusal_rows[Index])...};
}

inline constexpr auto refusal_replies = make_replies(std::make_index_sequence<std::size(refusal_rows)>{});
template <path_role Role>
inline constexpr auto address_refusal_replies =
    make_address_replies<Role>(std::make_index_sequence<std::size(address_refusal_rows)>{});

class protocol_error_category final : public std::error_category {
public:
    char const* name() const noexcept override { return "mailquay.protocol"; }
    std::string message(int value) const override {
        auto const code = static_cast<protocol_errc>(value);
        std::string message{to_string(code)};
        std::string_view cure;
        if (auto const i = refusal_index(refusal_rows, code); i < std::size(refusal_rows)) cure = refusal_rows[i].cure;
        auto const i = refusal_index(address_refusal_rows, code);
        if (i < std::size(address_refusal_rows)) cure = address_refusal_rows[i].cure;
        if (!cure.empty()) message.append("; ").append(cure);
        return message;
    }
};

}  // namespace detail

MAILQUAY_DECL reply_text const& to_reply(refusal why) noexcept {
    using namespace detail;
    if (auto const i = refusal_index(refusal_rows, why.code); i < std::size(refusal_rows)) return refusal_replies[i];
    std::size_t i = refusal_index(address_refusal_rows, why.code);
    if (i == std::size(address_refusal_rows)) i = 0;
    switch (why.role) {
        case path_role::reverse: return address_refusal_replies<path_role::reverse>[i];
        case path_role::forward: return address_refusal_replies<path_role::forward>[i];
        case path_role::none: break;
    }
    return address_refusal_replies<path_role::none>[i];
}

MAILQUAY_DECL std::string_view to_string(protocol_errc code) noexcept {
    using namespace detail;
    if (auto const i = refusal_index(refusal_rows, code); i < std::size(refusal_rows)) return refusal_rows[i].text;
    std::size_t const i = refusal_index(address_refusal_rows, code);
    return i < std::size(address_refusal_rows) ? address_refusal_rows[i].text
                                               : std::string_view{"unknown protocol error"};
}

MAILQUAY_DECL std::error_category const& protocol_category() noexcept {
    static detail::protocol_error_category const category;
    return category;
}

}  // namespace mailquay::inline MAILQUAY_ABI
