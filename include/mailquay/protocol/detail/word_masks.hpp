#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Where letters and digits stand in a short text, sixteen octets at a time: what plain paths and domains are judged by.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Which octets of a text are letters or digits, and which of them capital letters; bit i stands for octet i.
struct word_masks {
    std::uint64_t words = 0;
    std::uint64_t capitals = 0;
};

/// @param text  of at most 64 octets
inline word_masks word_masks_portable(std::string_view text) noexcept {
    word_masks found;
    for (std::size_t i = 0; i < text.size(); ++i) {
        found.words |= std::uint64_t{is_let_dig(text[i])} << i;
        found.capitals |= std::uint64_t{in_ascii_class(text[i], ascii_upper)} << i;
    }
    return found;
}

#if MAILQUAY_SSE2

/// Of 16 octets.
inline word_masks word_masks_of_16(char const* text) noexcept {
    auto const within = [](__m128i octets, char first, char count) {
        __m128i const from_first = _mm_sub_epi8(octets, _mm_set1_epi8(first));
        return _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(static_cast<char>(count - 1))), from_first);
    };
    auto const bits = [](__m128i lanes) { return static_cast<std::uint32_t>(_mm_movemask_epi8(lanes)); };
    __m128i const octets = load16(text);
    __m128i const letters = within(_mm_or_si128(octets, _mm_set1_epi8(0x20)), 'a', 26);
    std::uint32_t const small = bits(_mm_slli_epi16(octets, 2));  // bit 5, which tells small letters from capitals
    return {bits(_mm_or_si128(letters, within(octets, '0', 10))), bits(letters) & ~small};
}

/// The same for a text of 16 octets or more. What two pieces share comes out the same.
inline word_masks word_masks_sse2(std::string_view text) noexcept {
    std::size_t const last = text.size() - 16;
    word_masks const first = word_masks_of_16(text.data()), behind = word_masks_of_16(text.data() + last);
    std::uint64_t words = first.words | behind.words << last;
    std::uint64_t capitals = first.capitals | behind.capitals << last;
    for (std::size_t place = 16; place < last; place += 16) {
        word_masks const piece = word_masks_of_16(text.data() + place);
        words |= piece.words << place;
        capitals |= piece.capitals << place;
    }
    return {words, capitals};
}

#endif

inline word_masks word_masks_of(std::string_view text) noexcept {
#if MAILQUAY_SSE2
    if (text.size() >= 16) return word_masks_sse2(text);
#endif
    return word_masks_portable(text);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
