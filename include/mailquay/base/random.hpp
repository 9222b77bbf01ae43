#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mailquay::inline MAILQUAY_ABI {

/// Fills `octets` from the operating system's cryptographic generator.
///
/// Throws std::system_error if that fails; there is no weaker fallback. May wait at early boot until the generator is
/// seeded.
/// Thread safety: safe.
MAILQUAY_DECL void random_bytes(std::span<std::byte> octets);

/// 64 bits from `random_bytes()`.
[[nodiscard]] MAILQUAY_DECL std::uint64_t random_u64();

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/random.ipp>
#endif
