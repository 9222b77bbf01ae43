#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 1870 §6  size-value = 1*20DIGIT
///
/// @return octets; a number above 2^64-1 counts as 2^64-1. Else `parameter_value_missing` or `bad_size`
MAILQUAY_DECL parsed<std::uint64_t> parse_size(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/size.ipp>
#endif
