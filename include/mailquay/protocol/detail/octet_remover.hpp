#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Takes single octets out of a run and moves the others together: for blocks that hold many stuffed dots, where a move for
/// each would cost far more than the octets do.
namespace mailquay::inline MAILQUAY_ABI::detail {

/// Copies `size` octets, at most 64, from `from` to `to`, which lies at or below it, but for those whose bit is set in `gone`.
/// Writes nothing behind `from + size`.
/// @return where the copy ends
inline char* remove_octets_portable(char* to, char const* from, std::size_t size, std::uint64_t gone) noexcept {
    for (std::size_t i = 0; i < size; ++i, gone >>= 1) {
        *to = from[i];
        to += (gone & 1) ^ 1;
    }
    return to;
}

#if MAILQUAY_AVX2

/// For each set of eight octets that go: which of the others come first, second, and so on.
constexpr std::array<std::array<std::uint8_t, 8>, 256> make_left_octets() {
    std::array<std::array<std::uint8_t, 8>, 256> made{};
    for (unsigned gone = 0; gone < 256; ++gone) {
        std::size_t next = 0;
        for (std::uint8_t octet = 0; octet < 8; ++octet)
            if ((gone >> octet & 1) == 0) made[gone][next++] = octet;
    }
    return made;
}
inline constexpr std::array<std::array<std::uint8_t, 8>, 256> left_octets = make_left_octets();

/// Only where `__builtin_cpu_supports("avx2")`.
__attribute__((target("avx2"))) inline char* remove_octets_avx2(char* to, char const* from, std::size_t size,
                                                                std::uint64_t gone) noexcept {
    std::size_t done = 0;
    // What is written behind the eight that are left lies where they were read.
    for (; done + 8 <= size; done += 8, gone >>= 8) {
        auto const which = static_cast<std::size_t>(gone & 0xff);
        __m128i const octets = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(from + done));
        __m128i const order = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(left_octets[which].data()));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(octets, order));
        to += 8 - std::popcount(static_cast<std::uint8_t>(which));
    }
    return remove_octets_portable(to, from + done, size - done, gone);
}

#endif

inline char* remove_octets(char* to, char const* from, std::size_t size, std::uint64_t gone) noexcept {
#if MAILQUAY_AVX2
    if (__builtin_cpu_supports("avx2")) return remove_octets_avx2(to, from, size, gone);
#endif
    return remove_octets_portable(to, from, size, gone);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
