#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 6710 §5  "MT-PRIORITY=" ( ["-"] NZDIGIT / "0" ): -9, the least urgent, to 9.
/// @return `parameter_value_missing` or `bad_priority`
MAILQUAY_DECL parsed<std::int8_t> parse_mt_priority(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/mt_priority.ipp>
#endif
