#pragma once

#include <mailquay/protocol/detail/octet_masks.hpp>

#include <bit>
#include <string_view>

/// Octets below 32, of which a command line has none but the two that end it: looked for sixteen at a time.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// @return the first octet below 32, or `end`
inline char const* first_low_octet(char const* from, char const* end) noexcept {
#if MAILQUAY_SSE2
    if (end - from >= 16) {
        __m128i const highest = _mm_set1_epi8(31);
        auto const low = [&](char const* at) {
            __m128i const octets = load16(at);
            return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(octets, highest), octets)));
        };
        char const* const last = end - 16;
        for (; from < last; from += 16)
            if (unsigned const found = low(from)) return from + std::countr_zero(found);
        unsigned const found = low(last);  // its first octets again, of which none is low
        return found != 0 ? last + std::countr_zero(found) : end;
    }
#endif
    while (from != end && static_cast<unsigned char>(*from) >= 32) ++from;
    return from;
}

/// Whether the line holds CR, LF or NUL.
inline bool has_bare_octets(std::string_view line) noexcept {
    char const* const end = line.data() + line.size();
    for (char const* at = first_low_octet(line.data(), end); at != end; at = first_low_octet(at + 1, end))
        if (*at == '\r' || *at == '\n' || *at == '\0') return true;
    return false;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
