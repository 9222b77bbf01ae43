#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Takes single octets out of 64 and moves the others together: for blocks that hold many stuffed dots, where a move for each
/// would cost far more than the octets do. Dots that begin lines are four octets apart or more ("..\r\n"), and the AVX2 form
/// rests on that.
namespace mailquay::inline MAILQUAY_ABI::detail {

/// Copies 64 octets from `from` to `to`, which lies at or below it, but for those whose bit is set in `gone`: at least three, each
/// at least four octets from the next. The octets behind the 64 and the last of these stay what they were; the one before it does so, or
/// becomes 0.
/// @return where the copy ends
using octet_remover = char* (*)(char* to, char const* from, std::uint64_t gone) noexcept;

inline char* remove_octets_portable(char* to, char const* from, std::uint64_t gone) noexcept {
    for (std::size_t i = 0; i < 64; ++i, gone >>= 1) {
        if ((gone & 1) != 0) continue;
        *to++ = from[i];
    }
    return to;
}

#if MAILQUAY_AVX2

inline void store8(std::uintptr_t to, long long octets) noexcept { std::memcpy(reinterpret_cast<char*>(to), &octets, sizeof octets); }

/// Copies 32 octets but for those that are 0xff in `gone`, eight at a time: what is written behind those that stay is to be
/// overwritten.
__attribute__((target("avx2"), always_inline)) inline char* remove_octets32(char* to, __m256i octets, __m256i gone) noexcept {
    __m256i const zero = _mm256_setzero_si256();
    __m256i const one_for_each = _mm256_and_si256(gone, _mm256_set1_epi8(1));
    // At most one of each four goes. All bits from its lowest one on are set, and there the octets behind it move down.
    __m256i const from_it_on = _mm256_sub_epi32(zero, one_for_each);
    __m256i const fours = _mm256_blendv_epi8(octets, _mm256_srli_epi32(octets, 8), from_it_on);
    // Where the lower four of eight became three, the upper four move down by these 8 bits; elsewhere by none.
    __m256i const gap = _mm256_srli_epi64(_mm256_and_si256(from_it_on, _mm256_set1_epi64x(0x0800'0000)), 24);
    __m256i const upper = _mm256_set1_epi64x(static_cast<long long>(0xffff'ffff'ff00'0000u));
    __m256i const eights = _mm256_blendv_epi8(fours, _mm256_srlv_epi64(fours, gap), upper);

    alignas(32) std::uint64_t gone_of_eight[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(gone_of_eight), _mm256_sad_epu8(one_for_each, zero));
    __asm__("" : "+m"(gone_of_eight));  // to be subtracted from there: to take them out of the vector again would be dearer
    __m128i const low = _mm256_castsi256_si128(eights), high = _mm256_extracti128_si256(eights, 1);
    // As a number: for a moment it may be one less than where the octets begin.
    auto at = reinterpret_cast<std::uintptr_t>(to);
    store8(at, _mm_cvtsi128_si64(low));
    at -= gone_of_eight[0];
    store8(at + 8, _mm_extract_epi64(low, 1));
    at -= gone_of_eight[1];
    store8(at + 16, _mm_cvtsi128_si64(high));
    at -= gone_of_eight[2];
    store8(at + 24, _mm_extract_epi64(high, 1));
    return reinterpret_cast<char*>(at + 32 - gone_of_eight[3]);
}

/// 0xff for each bit that is set.
__attribute__((target("avx2"), always_inline)) inline __m256i octets_of_bits(std::uint32_t bits) noexcept {
    __m256i const byte_of_octet = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    __m256i const bit_of_octet = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    __m256i const spread = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), byte_of_octet);
    return _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit_of_octet), bit_of_octet);
}

/// Only where `__builtin_cpu_supports("avx2")`.
__attribute__((target("avx2"))) inline char* remove_octets_avx2(char* to, char const* from, std::uint64_t gone) noexcept {
    __m256i const low = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from));
    __m256i const high = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from + 32));
    to = remove_octets32(to, low, octets_of_bits(static_cast<std::uint32_t>(gone)));
    return remove_octets32(to, high, octets_of_bits(static_cast<std::uint32_t>(gone >> 32)));
}

#endif

}  // namespace mailquay::inline MAILQUAY_ABI::detail
