#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The search for the end of a command line, which judges what it passes.
namespace mailquay::inline MAILQUAY_ABI::detail {

/// What a search for the end of a line found.
struct line_end_scan {
    std::size_t end;  ///< where the LF is that ends the line; the size searched if there is none
    bool bad;         ///< a bare CR, a bare LF or NUL before it
};

/// The search octet by octet, from `from`.
inline line_end_scan find_line_end_portable(std::string_view octets, std::size_t from, bool bare_lf) noexcept {
    bool after_cr = from != 0 && octets[from - 1] == '\r';
    bool bad = false;
    for (std::size_t i = from; i < octets.size(); ++i) {
        char const c = octets[i];
        if (c == '\n' && (after_cr || bare_lf)) return {i, bad};
        bad |= after_cr || c == '\n' || c == '\0';
        after_cr = c == '\r';
    }
    return {octets.size(), bad};
}

#if MAILQUAY_SSE2

inline line_end_scan find_line_end_sse2(std::string_view octets, std::size_t from, bool bare_lf) noexcept {
    std::uint32_t carry = from != 0 && octets[from - 1] == '\r' ? 1 : 0;
    std::uint32_t bad = 0;
    for (; octets.size() - from >= 16; from += 16) {
        __m128i const sixteen = load16(octets.data() + from);
        std::uint32_t const lf = equal_mask16(sixteen, '\n');
        std::uint32_t const cr = equal_mask16(sixteen, '\r');
        std::uint32_t const after_cr = cr << 1 | carry;
        std::uint32_t const wrong = ((lf ^ after_cr) & 0xffff) | equal_mask16(sixteen, '\0');
        std::uint32_t const ends = bare_lf ? lf : lf & after_cr;
        if (ends != 0) {
            auto const bit = static_cast<std::uint32_t>(std::countr_zero(ends));
            return {from + bit, (bad | (wrong & ((1u << bit) - 1))) != 0};
        }
        bad |= wrong;
        carry = cr >> 15;
    }
    auto rest = find_line_end_portable(octets, from, bare_lf);
    rest.bad |= bad != 0;
    return rest;
}

#endif

inline line_end_scan find_line_end(std::string_view octets, std::size_t from, bool bare_lf) noexcept {
#if MAILQUAY_SSE2
    return find_line_end_sse2(octets, from, bare_lf);
#else
    return find_line_end_portable(octets, from, bare_lf);
#endif
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
