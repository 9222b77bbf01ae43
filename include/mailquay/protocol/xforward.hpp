#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What XFORWARD says of where a message comes from (Postfix, XFORWARD_README): for logs and for passing on, never for a
/// decision. Empty, 0 or `unknown`: not told, or [UNAVAILABLE]. All text is printable ASCII without spaces, at most 255
/// octets.
struct forwarded_client {
    enum class origin : std::uint8_t { unknown, local, remote };

    std::string name{};         ///< NAME: the up-stream host
    std::string address{};      ///< ADDR: an address as `ip_address::to_string()` writes it, or what the sender has in its place
    std::uint16_t port = 0;     ///< PORT
    std::string protocol{};     ///< PROTO: "SMTP", "ESMTP", or another of at most 64 octets
    std::string hello_name{};   ///< HELO
    std::string ident{};        ///< IDENT: the up-stream queue's id of the message
    origin source = origin::unknown;  ///< SOURCE: from the up-stream host itself, or from elsewhere

    friend bool operator==(forwarded_client const&, forwarded_client const&) = default;
};

/// What an EHLO reply says behind XFORWARD.
inline constexpr std::string_view xforward_attributes = "NAME ADDR PORT PROTO HELO IDENT SOURCE";

/// xforward-command = XFORWARD 1*( SP attribute-name "=" attribute-value )
///
/// Attribute names and [UNAVAILABLE] compare without case; values are xtext (RFC 3461 §4).
///
/// @param argument  what follows the verb
/// @param into  what earlier commands said; attributes that are named are overwritten, on success only
/// @return what is wrong, as with `parse_xclient()`
MAILQUAY_DECL parsed<void> parse_xforward(std::string_view argument, forwarded_client& into);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/xforward.ipp>
#endif
