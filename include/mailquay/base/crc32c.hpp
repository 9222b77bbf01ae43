#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), which finds octets that a disk changed. It does not keep out a forger.
///
/// @param before  the checksum of what comes before `octets`; 0 at the beginning
/// @return the checksum of both
///
/// Uses the processor's instruction where there is one. Thread safety: safe.
///
/// @code  crc32c("123456789") == 0xe3069283  @endcode
[[nodiscard]] MAILQUAY_DECL std::uint32_t crc32c(std::string_view octets, std::uint32_t before = 0) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/crc32c.ipp>
#endif
