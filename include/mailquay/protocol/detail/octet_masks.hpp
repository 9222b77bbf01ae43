#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Which of the octets at a place have a certain value, as bits: bit i stands for octet i.

#if defined(__SSE2__) || defined(_M_X64)
#define MAILQUAY_SSE2 1
#include <emmintrin.h>
#else
#define MAILQUAY_SSE2 0
#endif
#if MAILQUAY_SSE2 && defined(__GNUC__) && defined(__x86_64__)
#define MAILQUAY_AVX2 1
#include <immintrin.h>
#else
#define MAILQUAY_AVX2 0
#endif

namespace mailquay::inline MAILQUAY_ABI::detail {

/// What line structure hangs on, in 64 octets.
struct line_masks {
    std::uint64_t lf;
    std::uint64_t cr;
    std::uint64_t dot;
};

/// Which of eight octets, given with the first one lowest, equal `wanted`.
constexpr std::uint64_t equal_mask8(std::uint64_t octets, unsigned char wanted) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101u, low_bits = 0x7f * ones;
    std::uint64_t const difference = octets ^ (wanted * ones);
    // The top bit of each octet that is zero, exactly: no carry leaves an octet (unlike the well-known shorter form).
    std::uint64_t const zero = ~(((difference & low_bits) + low_bits) | difference | low_bits);
    return (zero >> 7) * 0x0102040810204080u >> 56;
}

/// Eight octets with the first one lowest.
inline std::uint64_t load8(char const* octets) noexcept {
    std::uint64_t value = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&value, octets, sizeof value);
    } else {
        for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(octets[i])} << 8 * i;
    }
    return value;
}

inline line_masks line_masks_portable(char const* octets) noexcept {
    line_masks masks{0, 0, 0};
    for (unsigned i = 0; i < 64; i += 8) {
        std::uint64_t const eight = load8(octets + i);
        masks.lf |= equal_mask8(eight, '\n') << i;
        masks.cr |= equal_mask8(eight, '\r') << i;
        masks.dot |= equal_mask8(eight, '.') << i;
    }
    return masks;
}

#if MAILQUAY_SSE2

inline __m128i load16(char const* octets) noexcept { return _mm_loadu_si128(reinterpret_cast<__m128i const*>(octets)); }

/// Which of sixteen octets equal `wanted`.
inline std::uint32_t equal_mask16(__m128i octets, char wanted) noexcept {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(wanted))));
}

inline line_masks line_masks_sse2(char const* octets) noexcept {
    __m128i const parts[4] = {load16(octets), load16(octets + 16), load16(octets + 32), load16(octets + 48)};
    auto gather = [&parts](char wanted) {
        return std::uint64_t{equal_mask16(parts[0], wanted)} | std::uint64_t{equal_mask16(parts[1], wanted)} << 16 |
               std::uint64_t{equal_mask16(parts[2], wanted)} << 32 |
               std::uint64_t{equal_mask16(parts[3], wanted)} << 48;
    };
    return {gather('\n'), gather('\r'), gather('.')};
}

#endif

/// The masks by the best means that every machine of the build's target has.
inline line_masks line_masks_of(char const* octets) noexcept {
#if MAILQUAY_SSE2
    return line_masks_sse2(octets);
#else
    return line_masks_portable(octets);
#endif
}

/// The masks of fewer than 64 octets; the bits behind them are zero.
inline line_masks line_masks_of_rest(char const* octets, std::size_t size) noexcept {
    std::array<char, 64> padded{};
    std::memcpy(padded.data(), octets, size);
    return line_masks_of(padded.data());
}

/// The masks of the last octets of 64: the first `count`, fewer than that, do not count.
constexpr line_masks masks_behind(line_masks masks, std::size_t count) noexcept {
    return {masks.lf >> count, masks.cr >> count, masks.dot >> count};
}

/// The masks of two octets.
constexpr line_masks line_masks_of_two(char const* octets) noexcept {
    auto const mask = [octets](char wanted) {
        return static_cast<std::uint64_t>(octets[0] == wanted) | static_cast<std::uint64_t>(octets[1] == wanted) << 1;
    };
    return {mask('\n'), mask('\r'), mask('.')};
}

/// The lowest `count` bits, of 0 to 63.
constexpr std::uint64_t low_bits(std::size_t count) noexcept { return (std::uint64_t{1} << count) - 1; }

}  // namespace mailquay::inline MAILQUAY_ABI::detail
