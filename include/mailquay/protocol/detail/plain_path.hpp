#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/detail/word_masks.hpp>

#include <algorithm>
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
inline bool may_touch(std::string_view text, std::uint64_t touching, std::size_t at) noexcept {
    auto const is_border = [](char octet) { return octet == '<' || octet == '.' || octet == '@' || octet == '>'; };
    for (; touching != 0; touching &= touching - 1) {
        auto const place = static_cast<std::size_t>(std::countr_zero(touching));
        bool const one = is_border(text[place - 1]), other = is_border(text[place]);
        if ((one && other) || ((one || other) && place > at)) return false;
    }
    return true;
}

/// Whether `text` begins with a plain path.
/// @param found  set if it does
inline bool find_plain_path(std::string_view text, path_places& found) noexcept {
    if (text.empty() || text.front() != '<') return false;
    text = {text.data(), std::min<std::size_t>(text.size(), 64)};
    word_masks const masks = word_masks_of(text);
    std::uint64_t const all = text.size() == 64 ? ~std::uint64_t{0} : low_bits(text.size());
    std::uint64_t const others = all & ~masks.words;
    std::size_t at = 0;
    for (std::uint64_t left = others & (others - 1); left != 0; left &= left - 1) {  // behind "<"
        auto const place = static_cast<std::size_t>(std::countr_zero(left));
        switch (char const octet = text[place]) {
            case '.':
            case '-': break;
            case '@':
                if (at != 0) return false;
                at = place;
                break;
            case '>': {
                std::uint64_t const touching = others & others << 1 & (low_bits(place) << 1 | 1);
                if (at == 0 || (touching != 0 && !may_touch(text, touching, at))) return false;
                found.at = at;
                found.end = place;
                found.normal_domain = (masks.capitals & low_bits(place)) >> at == 0;
                return true;
            }
            default:
                if (at != 0 || !is_atext(octet)) return false;
        }
    }
    return false;
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
    if (argument.size() < octets || std::memcmp(argument.data(), keyword, octets) != 0) return false;
    std::string_view const path{argument.data() + octets, argument.size() - octets};
    return find_plain_path(path, found) && found.end + 1 == path.size();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
