#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What stands behind BDAT.
struct bdat_command {
    /// Octets that follow the line.
    std::uint64_t octets = 0;
    /// LAST: the message ends with them.
    bool last = false;
    /// Something else than LAST stands behind the size. The octets are counted nevertheless, so they can be passed over.
    bool bad_marker = false;
};

/// The largest chunk: what a signed file offset holds.
inline constexpr std::uint64_t largest_chunk = 0x7fff'ffff'ffff'ffff;

/// RFC 3030 §2  bdat-cmd = "BDAT" SP chunk-size [SP end-marker] CRLF, chunk-size = 1*DIGIT, end-marker = "LAST" in any case
///
/// @param argument  what stands behind "BDAT" and its space, without white space at the end
/// @return `argument_missing`, or `bad_chunk_size` where the size cannot be read or exceeds `largest_chunk`: then nobody knows how
///         many octets follow
MAILQUAY_DECL parsed<bdat_command> parse_bdat_argument(std::string_view argument) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/bdat_command.ipp>
#endif
