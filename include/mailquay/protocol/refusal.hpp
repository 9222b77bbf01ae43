#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/protocol/reply_text.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace mailquay::inline MAILQUAY_ABI {

/// What is wrong with what a peer sent: one value for each fault of the grammar.
enum class protocol_errc : std::uint8_t {
    /// A command line of nothing but white space.
    empty_line = 1,
    /// A command line longer than its limit.
    line_too_long,
    /// A bare CR, a bare LF or NUL in a command line.
    bad_characters,
    /// The verb has an octet that is not an ASCII letter, digit or "-".
    bad_verb,
    /// A command that needs an argument came without one.
    argument_missing,
    /// A command that takes no argument came with one (RFC 5321 §4.1.1).
    argument_not_allowed,
    /// The argument of HELO, EHLO or LHLO is not one word of printable ASCII.
    bad_hello_name,
    /// MAIL is not followed by "FROM:".
    missing_from,
    /// RCPT is not followed by "TO:".
    missing_to,

    /// White space between the colon and the path (`address_options::space_after_colon`).
    space_before_path,
    /// A path that does not begin with "<" (`address_options::missing_brackets`).
    missing_open_bracket,
    /// A path in which something else than ">" follows the mailbox.
    missing_close_bracket,
    /// Something other than a space or the end of the line follows ">".
    junk_after_path,
    /// `RCPT TO:<>`: only the reverse-path may be null.
    null_forward_path,
    /// A source route (RFC 5321 §4.1.2 A-d-l) that is no list of "@" domain, ended by ":".
    bad_source_route,
    /// Nothing before "@".
    empty_local_part,
    /// A local part with a dot at its begin or end, or two in a row.
    misplaced_dot,
    /// A local part with an octet that needs quotes, or that is allowed nowhere.
    bad_local_part,
    /// A quoted local part without its closing quote.
    unterminated_quote,
    /// A quoted local part with a control character.
    bad_quoted_string,
    /// A local part without "@" behind it.
    missing_domain,
    /// Nothing behind "@".
    empty_domain,
    /// A domain with two dots in a row, or one at its begin or end.
    empty_label,
    /// A label that begins or ends with "-".
    misplaced_hyphen,
    /// A domain with an octet that is not a letter, digit, "-" or ".".
    bad_domain,
    /// A label above 63 octets.
    label_too_long,
    /// A domain above 255 octets (RFC 5321 §4.5.3.1.2).
    domain_too_long,
    /// A label in UTF-8 that is no U-label (RFC 5890 §2.3.2.1).
    bad_u_label,
    /// "[" without what RFC 5321 §4.1.3 asks for, or without "]".
    bad_address_literal,
    /// "[" tag ":" with a tag other than IPv6.
    unsupported_literal,
    /// A local part above 64 octets (`address_options::strict_lengths`).
    local_part_too_long,
    /// A path above 256 octets (`address_options::strict_lengths`).
    path_too_long,
    /// An octet above 127 that is not part of valid UTF-8.
    bad_utf8,
    /// A character in an address that cannot be seen or changes the direction of text.
    forbidden_character,
    /// A well-formed address with UTF-8 where SMTPUTF8 is not in force (RFC 6531 §3.5).
    utf8_not_allowed,

    /// A parameter whose keyword is not letters, digits and "-".
    bad_parameter,
    /// A parameter value with an octet that is not allowed in it, or nothing behind "=".
    bad_parameter_value,
    /// A parameter that needs a value came without one.
    parameter_value_missing,
    /// A parameter that takes no value came with one.
    parameter_value_not_allowed,
    /// A parameter that was given twice.
    duplicate_parameter,
    /// SIZE with something else than 1 to 20 digits (RFC 1870 §6).
    bad_size,
    /// BODY with something else than 7BIT, 8BITMIME or BINARYMIME.
    bad_body,
    /// BDAT with something else than a number up to 2^63-1 (RFC 3030 §2).
    bad_chunk_size,
    /// BDAT with something else than LAST behind the size.
    bad_end_marker,
    /// "+" without two upper-case hexadecimal digits behind it, or an octet that xtext encodes (RFC 3461 §4).
    bad_xtext,
    /// RET with something else than FULL or HDRS.
    bad_ret,
    /// NOTIFY that is no list of SUCCESS, FAILURE and DELAY, nor NEVER alone.
    bad_notify,
    /// ENVID above 100 characters, or that is no xtext of printable ASCII.
    bad_envid,
    /// ORCPT above 500 characters, without an address type, or whose address is not encoded as its type asks.
    bad_orcpt,
    /// BY that is not seconds ";" mode, or R with a time of 0 or less (RFC 2852 §4).
    bad_deliver_by,
    /// HOLDFOR that is not 1 to 9 digits, HOLDUNTIL that is no date-time, or both (RFC 4865 §3).
    bad_hold,
    /// MT-PRIORITY with something else than -9 to 9.
    bad_priority,
    /// RRVS that is no date-time, with ";C" or ";R" behind it at most.
    bad_rrvs,
};

/// Whose path was being read: decides between 5.1.7 and 5.1.3.
enum class path_role : std::uint8_t {
    none,     ///< no path of MAIL or RCPT, or not known
    reverse,  ///< MAIL FROM
    forward,  ///< RCPT TO
};

/// Why a grammar function did not take what it was given.
struct refusal {
    protocol_errc code;
    /// Where in the text of the cursor, in octets; at most 65535.
    std::uint16_t position = 0;
    path_role role = path_role::none;

    constexpr refusal(protocol_errc code_given, std::size_t position_given = 0,
                      path_role role_given = path_role::none) noexcept
        : code(code_given),
          position(position_given < 0xffff ? static_cast<std::uint16_t>(position_given) : std::uint16_t{0xffff}),
          role(role_given) {}

    friend constexpr bool operator==(refusal const&, refusal const&) noexcept = default;
};

/// What a grammar function returns. Views within `T` point into the text that was read.
template <class T>
using parsed = result<T, refusal>;

/// The reply for a refusal: code, enhanced status and what was wrong. Lifetime: static.
MAILQUAY_DECL reply_text const& to_reply(refusal why) noexcept;

/// What is wrong, in words of the reply, without the cure. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(protocol_errc code) noexcept;

/// The category of `protocol_errc`; its messages name the cure.
MAILQUAY_DECL std::error_category const& protocol_category() noexcept;
inline std::error_code make_error_code(protocol_errc e) noexcept { return {static_cast<int>(e), protocol_category()}; }

}  // namespace mailquay::inline MAILQUAY_ABI

template <>
struct std::is_error_code_enum<mailquay::protocol_errc> : std::true_type {};

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/refusal.ipp>
#endif
