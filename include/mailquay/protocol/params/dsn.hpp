#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RET (RFC 3461 §4.3): how much of a message a failure notice returns.
enum class dsn_return : std::uint8_t {
    unsaid,
    full,
    headers,
};

/// NOTIFY (RFC 3461 §4.1): the outcomes of which the sender wants to be told. A set: `success | failure`.
enum class dsn_notify : std::uint8_t {
    unsaid = 0,
    success = 1,
    failure = 2,
    delay = 4,
    never = 8,  ///< stands alone
};
constexpr dsn_notify operator|(dsn_notify a, dsn_notify b) noexcept {
    return static_cast<dsn_notify>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
/// Whether `set` holds `one`.
constexpr bool has(dsn_notify set, dsn_notify one) noexcept {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// ORCPT (RFC 3461 §4.2): whom the message was first addressed to.
struct original_recipient {
    std::string type{};     ///< as sent: "rfc822", "utf-8", ...; empty if none was given
    std::string address{};  ///< decoded: printable ASCII, of the type "utf-8" UTF-8

    bool empty() const noexcept { return type.empty(); }
    friend bool operator==(original_recipient const&, original_recipient const&) = default;
};

/// RFC 3461 §4.3  "RET=" ( "FULL" / "HDRS" ), in any case. @return `parameter_value_missing` or `bad_ret`
MAILQUAY_DECL parsed<dsn_return> parse_ret(parameter const& given) noexcept;

/// RFC 3461 §4.1  "NOTIFY=" ( "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) ), in any case.
/// @return `parameter_value_missing` or `bad_notify`
MAILQUAY_DECL parsed<dsn_notify> parse_notify(parameter const& given) noexcept;

/// RFC 3461 §4.4  "ENVID=" xtext, at most 100 characters as sent, of printable ASCII once decoded.
/// @return the decoded identifier; else `parameter_value_missing` or `bad_envid`
MAILQUAY_DECL parsed<std::string> parse_envid(parameter const& given);

/// RFC 3461 §4.2  "ORCPT=" addr-type ";" xtext, at most 500 characters as sent; RFC 6533 §3 for the type "utf-8", whose
/// address is in one of three forms: plain UTF-8, or UTF-8 or ASCII with `\x{HEX}` for what these cannot hold.
///
/// An address with control characters once decoded is refused, for it ends in a report's header.
/// @return `parameter_value_missing` or `bad_orcpt`
MAILQUAY_DECL parsed<original_recipient> parse_orcpt(parameter const& given);

/// Appends the value of ORCPT as it is sent.
/// @param utf8  plain UTF-8 may be sent (SMTPUTF8 is in force); else it becomes `\x{HEX}`
/// @return false: it is none that `parse_orcpt()` makes, such as one with a line end, and nothing was appended
MAILQUAY_DECL bool append_orcpt(std::string& out, original_recipient const& value, bool utf8);

/// `FULL`, `HDRS`; empty for `unsaid`. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(dsn_return which) noexcept;
/// `SUCCESS,FAILURE`; empty for `unsaid`.
MAILQUAY_DECL std::string to_string(dsn_notify which);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/dsn.ipp>
#endif
