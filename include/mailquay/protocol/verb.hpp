#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The verbs that mailquay knows. What a session does with each is its own affair.
enum class verb : std::uint8_t {
    unknown,   ///< well-formed, and none of these
    helo,      ///< RFC 5321 §4.1.1.1
    ehlo,      ///< RFC 5321 §4.1.1.1
    lhlo,      ///< RFC 2033 §4.1
    mail,      ///< RFC 5321 §4.1.1.2
    rcpt,      ///< RFC 5321 §4.1.1.3
    data,      ///< RFC 5321 §4.1.1.4
    bdat,      ///< RFC 3030 §2
    rset,      ///< RFC 5321 §4.1.1.5
    noop,      ///< RFC 5321 §4.1.1.9
    quit,      ///< RFC 5321 §4.1.1.10
    vrfy,      ///< RFC 5321 §4.1.1.6
    expn,      ///< RFC 5321 §4.1.1.7
    help,      ///< RFC 5321 §4.1.1.8
    starttls,  ///< RFC 3207
    auth,      ///< RFC 4954
    burl,      ///< RFC 4468
    etrn,      ///< RFC 1985
    atrn,      ///< RFC 2645
    turn,      ///< RFC 821; RFC 5321 appendix F.1 forbids it
    send,      ///< RFC 821; obsolete
    soml,      ///< RFC 821; obsolete
    saml,      ///< RFC 821; obsolete
    xclient,   ///< Postfix XCLIENT
    xforward,  ///< Postfix XFORWARD
};

/// One more than the last verb: for tables with a row for each.
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::xforward) + 1;

/// The verb that is the whole of `name`, in any case; `verb::unknown` for all else.
MAILQUAY_DECL verb parse_verb(std::string_view name) noexcept;

/// `MAIL` for `verb::mail`; `unknown` for `verb::unknown`. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(verb which) noexcept;

/// Whether `name` is a method of HTTP: then what talks is no SMTP client (in any case of letters).
MAILQUAY_DECL bool is_http_method(std::string_view name) noexcept;

/// The first octet of a TLS handshake record: what a client sends that expects TLS from the start.
inline constexpr char tls_handshake_octet = '\x16';

/// A command line taken apart. Views into the line.
struct command_line {
    mailquay::verb verb = mailquay::verb::unknown;
    /// The verb as sent.
    std::string_view name{};
    /// What follows the verb and its spaces, without white space at the end.
    std::string_view argument{};
    /// Whether anything follows the verb but white space.
    bool has_argument = false;
};

/// RFC 5321 §4.1.1  command = verb [SP argument] CRLF
///
/// White space before CRLF is tolerated, as that section asks, and so are further spaces behind the verb.
///
/// @param line  without CRLF
/// @return `protocol_errc::empty_line` or `bad_verb`
MAILQUAY_DECL parsed<command_line> parse_command_line(std::string_view line) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/verb.ipp>
#endif
