#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// The hash of a SCRAM mechanism (RFC 5802, RFC 7677, draft-melnikov-scram-sha-512), the weakest first.
enum class scram_hash : std::uint8_t { sha1, sha256, sha512 };

inline constexpr std::array<scram_hash, 3> scram_hashes{scram_hash::sha1, scram_hash::sha256, scram_hash::sha512};

/// "SCRAM-SHA-256". Lifetime: static.
constexpr std::string_view scram_name(scram_hash hash) noexcept {
    constexpr std::string_view names[] = {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    return names[static_cast<std::size_t>(hash)];
}

/// Octets of a digest.
constexpr std::size_t digest_octets(scram_hash hash) noexcept {
    return hash == scram_hash::sha1 ? 20 : hash == scram_hash::sha256 ? 32 : 64;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
