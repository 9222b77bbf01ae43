#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 3461 §4  xtext = *( xchar / hexchar ): "+HH" stands for the octet HH.
///
/// @return the octets, which may be any; `bad_xtext` where "+" is not followed by two upper-case hexadecimal digits,
/// and at
///         an octet that must be encoded ("=", space, controls, from 128 on)
///
/// @code  *decode_xtext("a+2Bb") == "a+b"  @endcode
MAILQUAY_DECL parsed<std::string> decode_xtext(std::string_view text);

/// Appends octets as xtext.
MAILQUAY_DECL void append_xtext(std::string& out, std::string_view octets);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/xtext.ipp>
#endif
