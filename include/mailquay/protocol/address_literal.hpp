#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 5321 §4.1.3  address-literal = "[" (IPv4-address-literal / IPv6-address-literal) "]"
///
/// General-address-literal is refused: no tag but IPv6 has been registered. IPv4 numbers have no leading zeros (they
/// would
/// be octal to some), IPv6 addresses no zone; "::" may stand for one group (RFC 4291 §2.2).
///
/// @return `bad_address_literal` or `unsupported_literal`
MAILQUAY_DECL parsed<ip_address> address_literal(cursor& in);

/// RFC 5321 §4.1.2  Mailbox and ehlo take ( Domain / address-literal )
///
/// @return the text as it stands, brackets included
MAILQUAY_DECL parsed<std::string_view> domain_or_literal(cursor& in, address_options options = {});

/// Appends an address as an address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, the address in its canonical form.
MAILQUAY_DECL void append_address_literal(std::string& out, ip_address const& address);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/address_literal.ipp>
#endif
