#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What octets a message may consist of.
enum class body_type : std::uint8_t {
    seven_bit,       ///< 7BIT: lines of ASCII
    eight_bit_mime,  ///< 8BITMIME: lines of octets (RFC 6152)
    binary_mime,     ///< BINARYMIME: octets, sent by BDAT only (RFC 3030)
};

/// `7BIT`, `8BITMIME`, `BINARYMIME`. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(body_type which) noexcept;

/// RFC 6152 §2, RFC 3030 §3  body-value = "7BIT" / "8BITMIME" / "BINARYMIME", in any case. Whether the value is allowed
/// now is
/// for the caller to say.
///
/// @return `parameter_value_missing` or `bad_body`
MAILQUAY_DECL parsed<body_type> parse_body(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/body.ipp>
#endif
