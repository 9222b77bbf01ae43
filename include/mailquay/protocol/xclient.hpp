#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What one XCLIENT command says of a client (Postfix, XCLIENT_README). Absent: nothing was said. A text that is there and
/// empty: [UNAVAILABLE] or [TEMPUNAVAIL], which takes back what was known.
struct xclient_values {
    std::optional<std::string> name{};          ///< NAME: the verified host name
    std::optional<std::string> reverse_name{};  ///< REVERSE_NAME: the host name that the address has, verified or not
    std::optional<ip_address> address{};        ///< ADDR; none for [UNAVAILABLE]. IPv4-mapped addresses become IPv4
    std::optional<std::uint16_t> port{};        ///< PORT; 0 for [UNAVAILABLE]
    std::optional<bool> extended{};             ///< PROTO: ESMTP or SMTP
    std::optional<std::string> hello_name{};    ///< HELO
    std::optional<std::string> login{};         ///< LOGIN: who is authenticated
    std::optional<ip_address> destination{};    ///< DESTADDR; as ADDR
    std::optional<std::uint16_t> destination_port{};  ///< DESTPORT; as PORT
    bool name_unknown_for_now = false;          ///< NAME was [TEMPUNAVAIL]
};

/// What an EHLO reply says behind XCLIENT.
inline constexpr std::string_view xclient_attributes = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME";

/// xclient-command = XCLIENT 1*( SP attribute-name "=" attribute-value )
///
/// Attribute names and what stands in brackets compare without case; values are xtext (RFC 3461 §4). A host name has
/// letters, digits, "-", "." and "_", HELO one word of printable ASCII, LOGIN at most 255 octets of UTF-8 that can be seen, ADDR a dotted quad or
/// `IPV6:` and an IPv6 address.
///
/// @param argument  what follows the verb
/// @return `argument_missing`, `bad_parameter` (no such attribute), `duplicate_parameter`, `parameter_value_missing`,
///         `bad_parameter_value` or `bad_xtext`, each with its place in `argument`
MAILQUAY_DECL parsed<xclient_values> parse_xclient(std::string_view argument);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/xclient.ipp>
#endif
