#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/detail/word_masks.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Paths as nearly every client sends them: "<" Dot-string "@" Domain ">", all ASCII and of at most 64 octets, so that none of their
/// parts is too long. All others are for the whole grammar.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Where the parts of a plain path stand.
struct path_places {
    std::size_t at = 0;          ///< of "@"
    std::size_t end = 0;         ///< of ">"
    bool normal_domain = false;  ///< no capital letter in it
};

/// Whether octets that are no words may stand side by side as they do: "<", ".", "@" and ">" not with one another, and in the domain
/// not with "-".
/// @param touching  of such pairs the second
MAILQUAY_RARE inline bool may_touch(std::string_view text, std::uint64_t touching, std::size_t at) noexcept {
    auto const is_border = [](char octet) { return octet == '<' || octet == '.' || octet == '@' || octet == '>'; };
    for (; touching != 0; touching &= touching - 1) {
        auto const place = static_cast<std::size_t>(std::countr_zero(touching));
        bool const one = is_border(text[place - 1]), other = is_border(text[place]);
        if ((one && other) || ((one || other) && place > at)) return false;
    }
    return true;
}

/// Whether what stands between "<" and ">" is a plain path.
/// @param others  of `text` the octets that are neither small letters nor digits
/// @param found   set if it is
MAILQUAY_INLINE inline bool judge_path(std::string_view text, std::uint64_t others, path_places& found) noexcept {
    std::uint64_t const end = std::uint64_t{1} << (text.size() - 1);
    std::size_t at = 0;
    bool normal_domain = true;
    for (std::uint64_t left = others ^ (end | 1); left != 0; left &= left - 1) {
        auto const place = static_cast<std::size_t>(std::countr_zero(left));
        char const octet = text[place];
        if (octet == '.' || octet == '-') continue;
        if (octet == '@') {
            if (at != 0) return false;
            at = place;
        } else if (in_ascii_class(octet, ascii_upper)) {
            others ^= left & (~left + 1);
            normal_domain = normal_domain && at == 0;
        } else if (at != 0 || !is_atext(octet)) {
            return false;
        }
    }
    if (at == 0) return false;
    found = {at, text.size() - 1, normal_domain};
    std::uint64_t const touching = others & others << 1;
    return touching == 0 || may_touch(text, touching, at);
}

/// As `is_plain_path`, for the few of fewer than 16 octets. Apart, so that the others need no stack.
MAILQUAY_APART inline bool is_short_plain_path(std::string_view text, path_places& found) noexcept {
    return judge_path(text, no_words_of<word_letters::small>(text), found);
}

/// Whether `text` is a plain path.
/// @param found  set if it is; else it may be
inline bool is_plain_path(std::string_view text, path_places& found) noexcept {
    if (text.size() < 2 || text.size() > 64 || text.front() != '<' || text.back() != '>') return false;
#if MAILQUAY_SSE2
    if (text.size() >= 16) return judge_path(text, no_words_sse2<word_letters::small>(text), found);
#endif
    return is_short_plain_path(text, found);
}

/// Whether `text` begins with a plain path.
/// @param found  set if it does; else it may be
inline bool find_plain_path(std::string_view text, path_places& found) noexcept {
    std::size_t const end = text.substr(0, 64).find('>');
    return end != std::string_view::npos && is_plain_path({text.data(), end + 1}, found);
}

/// Moves behind the path and fills `found`, a new one; touches neither where anything else stands.
/// @tparam Path  `path`, whose header needs this one
template <class Path>
bool plain_path(cursor& in, Path& found) noexcept {
    char const* const text = in.rest().data();
    path_places places;
    if (!find_plain_path(in.rest(), places)) return false;
    found.address.local_part = {text + 1, places.at - 1};
    found.address.domain = {text + places.at + 1, places.end - places.at - 1};
    found.address.normal_domain = places.normal_domain;
    found.text = {text + 1, places.end - 1};
    in.advance(places.end + 1);
    return true;
}

/// Whether `argument` is nothing but a plain path behind `keyword`, in capital letters, as in "FROM:<a@example.org>".
template <std::size_t Size>
MAILQUAY_INLINE inline bool is_plain_argument(std::string_view argument, char const (&keyword)[Size], path_places& found) noexcept {
    constexpr std::size_t octets = Size - 1;
    constexpr std::size_t word = octets < 4 ? octets : 4;  // compared in two pieces: the compiler makes a call of five octets
    if (argument.size() < octets || std::memcmp(argument.data(), keyword, word) != 0) return false;
    if (std::memcmp(argument.data() + word, keyword + word, octets - word) != 0) return false;
    return is_plain_path({argument.data() + octets, argument.size() - octets}, found);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
