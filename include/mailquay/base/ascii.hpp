#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// Character classes and comparison in US-ASCII, as the grammars of mail define them. No locale has a say: octets from
/// 128 on belong to no class and have no case.
///
/// All functions are pure; thread safety: safe.
namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

enum ascii_class : std::uint8_t {
    ascii_alpha = 1,
    ascii_digit = 2,
    ascii_hex = 4,
    ascii_atext = 8,
    ascii_wsp = 16,
    ascii_control = 32,
    ascii_printable = 64,
    ascii_upper = 128,  // two bits above the bit that tells 'a' from 'A': to_lower() needs one shift
};

constexpr std::array<std::uint8_t, 256> make_ascii_classes() {
    std::array<std::uint8_t, 256> table{};
    auto mark = [&](std::string_view set, unsigned bits) {
        for (char c : set) {
            auto& entry = table[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    for (unsigned c = 0; c < 32; ++c) table[c] = ascii_control;
    for (unsigned c = 32; c < 127; ++c) table[c] = ascii_printable;
    table[127] = ascii_control;
    mark("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ascii_alpha | ascii_atext | ascii_upper);
    mark("abcdefghijklmnopqrstuvwxyz", ascii_alpha | ascii_atext);
    mark("0123456789", ascii_digit | ascii_atext | ascii_hex);
    mark("ABCDEFabcdef", ascii_hex);
    mark("!#$%&'*+-/=?^_`{|}~", ascii_atext);
    mark(" \t", ascii_wsp);
    return table;
}

inline constexpr std::array<std::uint8_t, 256> ascii_classes = make_ascii_classes();

constexpr bool in_ascii_class(char c, unsigned bits) noexcept {
    return (ascii_classes[static_cast<unsigned char>(c)] & bits) != 0;
}

}  // namespace detail

/// RFC 5234 §B.1  ALPHA = %x41-5A / %x61-7A
constexpr bool is_alpha(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_alpha); }
/// RFC 5234 §B.1  DIGIT = %x30-39
constexpr bool is_digit(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_digit); }
/// ALPHA / DIGIT
constexpr bool is_alnum(char c) noexcept {
    return detail::in_ascii_class(c, detail::ascii_alpha | detail::ascii_digit);
}
/// RFC 5321 §4.1.2  Let-dig = ALPHA / DIGIT
constexpr bool is_let_dig(char c) noexcept { return is_alnum(c); }
/// RFC 5234 §B.1  HEXDIG, in either case.
constexpr bool is_hex(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_hex); }
/// RFC 5322 §3.2.3  atext, without the UTF8-non-ascii that RFC 6531 adds.
constexpr bool is_atext(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_atext); }
/// RFC 5234 §B.1  WSP = SP / HTAB
constexpr bool is_wsp(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_wsp); }
/// RFC 5234 §B.1  CTL = %x00-1F / %x7F
constexpr bool is_control(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_control); }
/// SP / VCHAR: %x20-7E
constexpr bool is_printable(char c) noexcept { return detail::in_ascii_class(c, detail::ascii_printable); }

/// The lower-case letter for A-Z, every other octet unchanged.
constexpr char to_lower(char c) noexcept {
    auto octet = static_cast<unsigned char>(c);
    return static_cast<char>(octet | ((detail::ascii_classes[octet] & detail::ascii_upper) >> 2));
}

/// The upper-case letter for a-z, every other octet unchanged.
constexpr char to_upper(char c) noexcept {
    constexpr unsigned letter = detail::ascii_alpha, upper = detail::ascii_upper;
    auto octet = static_cast<unsigned char>(c);
    bool is_lower_letter = (detail::ascii_classes[octet] & (letter | upper)) == letter;
    return is_lower_letter ? static_cast<char>(octet ^ 0x20) : c;
}

/// Whether the two are the same but for the case of ASCII letters.
constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

/// Whether `text` begins with `prefix`, but for the case of ASCII letters.
constexpr bool istarts_with(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

/// Turns A-Z into a-z where they stand.
constexpr void to_lower_in_place(std::span<char> text) noexcept {
    for (char& c : text) c = to_lower(c);
}

/// A copy with A-Z turned into a-z.
inline std::string to_lower_copy(std::string_view text) {
    std::string lowered{text};
    to_lower_in_place(lowered);
    return lowered;
}

/// Whether every octet is below 128. True for the empty string.
constexpr bool is_ascii(std::string_view text) noexcept {
    std::size_t i = 0;
    if (!std::is_constant_evaluated()) {
        for (; text.size() - i >= sizeof(std::uint64_t); i += sizeof(std::uint64_t)) {
            std::uint64_t eight;
            std::memcpy(&eight, text.data() + i, sizeof eight);
            if ((eight & 0x8080808080808080u) != 0) return false;
        }
    }
    for (; i < text.size(); ++i) {
        if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
    }
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI
