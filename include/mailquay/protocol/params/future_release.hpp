#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <chrono>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 4865 §3  "HOLDFOR=" future-release-integer: 1 to 9 digits, not beginning with 0.
/// @return `parameter_value_missing` or `bad_hold`
MAILQUAY_DECL parsed<std::chrono::seconds> parse_hold_for(parameter const& given) noexcept;

/// RFC 4865 §3 (with erratum 2040)  "HOLDUNTIL=" date-time of RFC 3339. Whether it lies ahead is for the caller to say.
/// @return `parameter_value_missing` or `bad_hold`
MAILQUAY_DECL parsed<std::chrono::sys_seconds> parse_hold_until(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/future_release.ipp>
#endif
