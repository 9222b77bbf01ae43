#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Where letters and digits stand in a short text, sixteen octets at a time: what plain paths and domains are judged by.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Which letters make words. Where all octets that are no words are looked at one by one, few of them are capital letters.
enum class word_letters { any, small };

/// Which octets of a text are neither letters nor digits; bit i stands for octet i.
/// @param text  of at most 64 octets
template <word_letters Letters>
std::uint64_t no_words_portable(std::string_view text) noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const word = is_let_dig(text[i]) && (Letters == word_letters::any || !in_ascii_class(text[i], ascii_upper));
        found |= std::uint64_t{!word} << i;
    }
    return found;
}

#if MAILQUAY_SSE2

template <word_letters Letters>
MAILQUAY_INLINE inline std::uint64_t no_words_of_16(__m128i octets) noexcept {
    // The sum saturates: what is not among the `count` octets from `first` on comes to 128 or more.
    auto const not_among = [](__m128i lanes, char first, int count) {
        return _mm_adds_epu8(_mm_sub_epi8(lanes, _mm_set1_epi8(first)), _mm_set1_epi8(static_cast<char>(128 - count)));
    };
    __m128i const letters = Letters == word_letters::any ? _mm_or_si128(octets, _mm_set1_epi8(0x20)) : octets;
    __m128i const found = _mm_and_si128(not_among(letters, 'a', 26), not_among(octets, '0', 10));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(found));
}

/// Of a text of 16 octets or more. What two pieces share comes out the same.
template <word_letters Letters>
MAILQUAY_INLINE inline std::uint64_t no_words_sse2(std::string_view text) noexcept {
    std::size_t const last = text.size() - 16;
    std::uint64_t found = no_words_of_16<Letters>(load16(text.data())) | no_words_of_16<Letters>(load16(text.data() + last)) << last;
    for (std::size_t place = 16; place < last; place += 16) found |= no_words_of_16<Letters>(load16(text.data() + place)) << place;
    return found;
}

/// Of 8 to 15 octets.
template <word_letters Letters>
std::uint64_t no_words_of_short(std::string_view text) noexcept {
    std::size_t const last = text.size() - 8;
    auto const half = [](char const* octets) { return _mm_loadl_epi64(reinterpret_cast<__m128i const*>(octets)); };
    std::uint64_t const both = no_words_of_16<Letters>(_mm_unpacklo_epi64(half(text.data()), half(text.data() + last)));
    return (both & 0xff) | both >> 8 << last;
}

#endif

template <word_letters Letters>
MAILQUAY_INLINE inline std::uint64_t no_words_of(std::string_view text) noexcept {
#if MAILQUAY_SSE2
    if (text.size() >= 16) return no_words_sse2<Letters>(text);
    if (text.size() >= 8) return no_words_of_short<Letters>(text);
#endif
    return no_words_portable<Letters>(text);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
