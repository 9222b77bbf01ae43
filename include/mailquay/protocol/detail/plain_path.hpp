#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/path.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Paths as nearly every client sends them; all others are for the whole grammar.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Whether a letter of A to Z is among letters, digits, "-" and "."; eight octets at a time.
inline bool any_upper_case(char const* at, std::size_t octets) noexcept {
    constexpr std::uint64_t letters = 0x4040404040404040u;  // of these octets only letters have the bit, and small ones 0x20 too
    auto const upper = [](std::uint64_t eight) { return eight & ~(eight << 1) & letters; };
    std::uint64_t eight = 0;
    if (octets < sizeof eight) {
        std::memcpy(&eight, at, octets);
        return upper(eight) != 0;
    }
    std::uint64_t found = 0;
    char const* const last = at + octets - sizeof eight;
    for (; at < last; at += sizeof eight) {
        std::memcpy(&eight, at, sizeof eight);
        found |= upper(eight);
    }
    std::memcpy(&eight, last, sizeof eight);
    return (found | upper(eight)) != 0;
}

/// "<" Dot-string "@" Domain ">", all ASCII and short enough for every limit. Moves behind it and fills `found`, a new one;
/// touches neither where anything else stands.
inline bool plain_path(cursor& in, path& found) noexcept {
    constexpr std::ptrdiff_t longest = 256;
    std::string_view const text = in.rest();
    if (text.size() < 2 || text.front() != '<') return false;
    // With ">" ahead, which is in neither class, the loops need no look at the end.
    if (text.back() != '>' && std::memchr(text.data(), '>', std::min<std::size_t>(text.size(), longest)) == nullptr) return false;

    std::uint8_t const* const classes = ascii_classes.data();
    auto const is = [classes](char c, unsigned bits) { return (classes[static_cast<unsigned char>(c)] & bits) != 0; };
    char const* const local = text.data() + 1;
    char const* at = local;
    char const* atom = at;
    do {
        atom = at;
        while (is(*at, ascii_atext)) ++at;
        if (at == atom) return false;
    } while (*at++ == '.');
    if (at[-1] != '@' || at - local > 65) return false;

    char const* const domain = at;
    do {
        char const* const label = at;
        for (;; ++at) {
            while (is(*at, ascii_alpha | ascii_digit)) ++at;
            if (*at != '-') break;
        }
        auto const octets = static_cast<std::size_t>(at - label);
        if (octets == 0 || octets > max_label_octets || *label == '-' || at[-1] == '-') return false;
    } while (*at++ == '.');
    auto const domain_octets = static_cast<std::size_t>(at - 1 - domain);
    if (at[-1] != '>' || domain_octets > max_domain_octets || at - text.data() > longest) return false;

    found.address.local_part = {local, static_cast<std::size_t>(domain - 1 - local)};
    found.address.domain = {domain, domain_octets};
    found.address.normal_domain = !any_upper_case(domain, domain_octets);
    found.text = {local, static_cast<std::size_t>(at - 1 - local)};
    in.advance(static_cast<std::size_t>(at - text.data()));
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
