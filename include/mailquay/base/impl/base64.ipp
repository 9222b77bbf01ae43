#pragma once

#include <mailquay/base/base64.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::uint8_t base64_none = 0xff;

constexpr std::array<std::uint8_t, 256> make_base64_values() {
    std::array<std::uint8_t, 256> values{};
    for (auto& value : values) value = base64_none;
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}

inline constexpr std::array<std::uint8_t, 256> base64_values = make_base64_values();

inline unsigned base64_octet(std::string_view text, std::size_t at) noexcept {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
}

/// Writes the first `count` of the three octets in `bits`.
inline char* put_base64_octets(char* out, unsigned bits, std::size_t count) noexcept {
    for (unsigned shift = 16; count > 0; shift -= 8, --count) *out++ = static_cast<char>(bits >> shift & 0xff);
    return out;
}

/// Decodes to `out`, which has room for three octets for each four of `text`, and may be where `text` begins.
inline result<std::size_t, base64_errc> base64_decode_to(char* const out, std::string_view text) noexcept {
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string_view const digits = text.substr(0, text.size() - padding);
    for (char c : digits) {
        if (c == '=') return base64_errc::bad_padding;
        if (base64_values[static_cast<unsigned char>(c)] == base64_none) return base64_errc::bad_character;
    }
    if (text.size() % 4 != 0) return base64_errc::bad_length;

    char* end = out;
    unsigned bits = 0, collected = 0;
    for (char c : digits) {
        bits = bits << 6 | base64_values[static_cast<unsigned char>(c)];
        if (++collected % 4 != 0) continue;
        end = put_base64_octets(end, bits, 3);
        bits = collected = 0;
    }
    if (padding != 0) {
        bits <<= 6 * padding;
        std::size_t const count = 3 - padding;
        if ((bits & (0xffffffu >> (8 * count))) != 0) return base64_errc::not_canonical;
        end = put_base64_octets(end, bits, count);
    }
    return static_cast<std::size_t>(end - out);
}

}  // namespace detail

MAILQUAY_DECL std::string_view to_string(base64_errc error) noexcept {
    switch (error) {
        case base64_errc::bad_character: return "octet outside the base64 alphabet";
        case base64_errc::bad_length: return "base64 of a length that is no multiple of four";
        case base64_errc::bad_padding: return "base64 padding before the end";
        case base64_errc::not_canonical: return "base64 with bits set behind the last octet";
    }
    return "unknown base64 error";
}

MAILQUAY_DECL std::string base64_encode(std::string_view octets) {
    std::string text;
    text.reserve((octets.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        unsigned const bits = detail::base64_octet(octets, i) << 16 | detail::base64_octet(octets, i + 1) << 8 |
                              detail::base64_octet(octets, i + 2);
        text += detail::base64_alphabet[bits >> 18];
        text += detail::base64_alphabet[bits >> 12 & 0x3f];
        text += i + 1 < octets.size() ? detail::base64_alphabet[bits >> 6 & 0x3f] : '=';
        text += i + 2 < octets.size() ? detail::base64_alphabet[bits & 0x3f] : '=';
    }
    return text;
}

MAILQUAY_DECL result<std::string, base64_errc> base64_decode(std::string_view text) {
    std::string octets(text.size() / 4 * 3, '\0');
    auto const count = detail::base64_decode_to(octets.data(), text);
    if (!count) return count.error();
    octets.resize(*count);
    return octets;
}

MAILQUAY_DECL result<std::size_t, base64_errc> base64_decode_in_place(std::span<char> text) noexcept {
    return detail::base64_decode_to(text.data(), {text.data(), text.size()});
}

}  // namespace mailquay::inline MAILQUAY_ABI
