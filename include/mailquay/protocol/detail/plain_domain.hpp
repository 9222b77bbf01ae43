#pragma once

#include <mailquay/protocol/detail/word_masks.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Whether `text` is a domain as nearly every client has one: all ASCII, and so short that none of its labels is too long. What
/// others are is for the whole grammar to say.
inline bool plain_domain(std::string_view text) noexcept {
    constexpr std::size_t most = 63;  // a label may have as many
    if (text.empty() || text.size() > most) return false;
    std::uint64_t const others = no_words_of<word_letters::any>(text);
    std::uint64_t dots = 0;
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        char const octet = text[static_cast<std::size_t>(std::countr_zero(left))];
        if (octet == '.')
            dots |= left & (~left + 1);
        else if (octet != '-')
            return false;
    }
    // Each label begins and ends with a letter or digit.
    std::uint64_t const first = dots << 1 | 1;
    std::uint64_t const last = dots >> 1 | std::uint64_t{1} << (text.size() - 1);
    return ((first | last) & others) == 0;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
