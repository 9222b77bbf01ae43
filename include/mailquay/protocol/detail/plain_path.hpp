#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Paths as nearly every client sends them: "<" Dot-string "@" Domain ">", all ASCII and of at most 64 octets, so that none of their
/// parts is too long. All others are for the whole grammar.

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

/// The same for a text of 16 octets or more.
inline word_masks word_masks_sse2(std::string_view text) noexcept {
    word_masks found;
    auto const within = [](__m128i octets, char first, char count) {
        __m128i const from_first = _mm_sub_epi8(octets, _mm_set1_epi8(first));
        return _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(static_cast<char>(count - 1))), from_first);
    };
    auto const bits = [](__m128i lanes) { return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(lanes))}; };
    std::size_t const last = text.size() - 16;
    for (std::size_t place = 0;; place = std::min(place + 16, last)) {  // what two pieces share comes out the same
        __m128i const octets = load16(text.data() + place);
        __m128i const capitals = within(octets, 'A', 26);
        __m128i const others = _mm_or_si128(within(octets, 'a', 26), within(octets, '0', 10));
        found.capitals |= bits(capitals) << place;
        found.words |= bits(_mm_or_si128(capitals, others)) << place;
        if (place == last) return found;
    }
}

#endif

inline word_masks word_masks_of(std::string_view text) noexcept {
#if MAILQUAY_SSE2
    if (text.size() >= 16) return word_masks_sse2(text);
#endif
    return word_masks_portable(text);
}

/// Moves behind the path and fills `found`, a new one; touches neither where anything else stands.
/// @tparam Path  `path`, whose header needs this one
template <class Path>
bool plain_path(cursor& in, Path& found) noexcept {
    std::string_view const rest = in.rest();
    if (rest.empty() || rest.front() != '<') return false;
    std::string_view const text{rest.data(), std::min<std::size_t>(rest.size(), 64)};
    word_masks const masks = word_masks_of(text);

    std::size_t border = 0;  // where the last "<", "." or "@" stands
    std::size_t at = 0;
    std::uint64_t const beyond = text.size() == 64 ? 0 : ~low_bits(text.size());
    for (std::uint64_t others = ~(masks.words | beyond | 1u); others != 0; others &= others - 1) {
        auto const place = static_cast<std::size_t>(std::countr_zero(others));
        char const octet = text[place];
        if (octet == '.' || octet == (at == 0 ? '@' : '>')) {
            if (place == border + 1 || (at != 0 && text[place - 1] == '-')) return false;
            border = place;
            if (octet == '.') continue;
            if (octet == '@') {
                at = place;
                continue;
            }
            found.address.local_part = {text.data() + 1, at - 1};
            found.address.domain = {text.data() + at + 1, place - at - 1};
            found.address.normal_domain = (masks.capitals & low_bits(place)) >> at == 0;
            found.text = {text.data() + 1, place - 1};
            in.advance(place + 1);
            return true;
        }
        bool const allowed = at == 0 ? is_atext(octet) : octet == '-' && place != border + 1;
        if (!allowed) return false;
    }
    return false;
}

/// The same behind `keyword`, in capital letters, as in "FROM:<a@example.org>".
template <std::size_t Size, class Path>
bool plain_argument(cursor& in, char const (&keyword)[Size], Path& found) noexcept {
    constexpr std::size_t octets = Size - 1;
    std::string_view const text = in.rest();
    if (text.size() < octets || std::memcmp(text.data(), keyword, octets) != 0) return false;
    cursor behind = in;
    behind.advance(octets);
    if (!plain_path(behind, found)) return false;
    in = behind;
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
