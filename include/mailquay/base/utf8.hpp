#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF.
///
/// All functions are pure; thread safety: safe.
namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

constexpr bool is_utf8_tail(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Octets of the UTF-8 sequence that begins with `lead`; 0 if none does.
constexpr std::size_t utf8_length(unsigned char lead) noexcept {
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;  // a tail, or the lead of an overlong pair
    if (lead < 0xe0) return 2;
    if (lead < 0xf0) return 3;
    return lead < 0xf5 ? 4 : 0;
}

}  // namespace detail

/// RFC 3629 §4  Reads one code point (UTF8-char) and moves past it. At the end, or where no valid sequence begins,
/// returns nothing and stays.
constexpr std::optional<char32_t> decode_utf8(cursor& in) noexcept {
    std::string_view const rest = in.rest();
    if (rest.empty()) return std::nullopt;
    auto const lead = static_cast<unsigned char>(rest[0]);
    std::size_t const length = detail::utf8_length(lead);
    if (length == 0 || rest.size() < length) return std::nullopt;
    if (length == 1) {
        in.advance(1);
        return lead;
    }
    char32_t value = lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!detail::is_utf8_tail(rest[i])) return std::nullopt;
        value = value << 6 | (static_cast<unsigned char>(rest[i]) & 0x3fu);
    }
    bool const overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    bool const surrogate = value >= 0xd800 && value <= 0xdfff;
    if (overlong || surrogate || value > 0x10ffff) return std::nullopt;
    in.advance(length);
    return value;
}

/// Whether the whole of `text` is valid UTF-8.
constexpr bool valid_utf8(std::string_view text) noexcept {
    if (is_ascii(text)) return true;
    cursor in{text};
    while (!in.at_end()) {
        if (!decode_utf8(in)) return false;
    }
    return true;
}

/// Appends `code_point` in UTF-8; U+FFFD in its place if it is a surrogate or above U+10FFFF.
inline void append_utf8(std::string& out, char32_t code_point) {
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) code_point = 0xfffd;
    auto put = [&](char32_t octet) { out += static_cast<char>(static_cast<unsigned char>(octet)); };
    auto tail = [&](unsigned shift) { put(0x80 | (code_point >> shift & 0x3f)); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xc0 | code_point >> 6);
        tail(0);
    } else if (code_point < 0x10000) {
        put(0xe0 | code_point >> 12);
        tail(6);
        tail(0);
    } else {
        put(0xf0 | code_point >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

/// C0 (with DEL) and C1 control characters.
constexpr bool is_control_code_point(char32_t code_point) noexcept {
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

/// The 66 code points that will never be characters.
constexpr bool is_noncharacter(char32_t code_point) noexcept {
    return (code_point & 0xfffe) == 0xfffe || (code_point >= 0xfdd0 && code_point <= 0xfdef);
}

/// Whether a code point has no place in an address or a reply: it is a control character, cannot be seen, changes the
/// direction of what follows, or is no character. RFC 6531 §3.3 allows all of UTF-8; what nobody can see or type only
/// serves to deceive (RFC 8264 §4.3 excludes it likewise).
constexpr bool forbidden_in_address(char32_t code_point) noexcept {
    auto within = [code_point](char32_t first, char32_t last) { return code_point >= first && code_point <= last; };
    if (is_control_code_point(code_point)) return true;
    if (code_point < 0x80) return false;
    return code_point == 0x00ad ||      // soft hyphen
           code_point == 0x061c ||      // Arabic letter mark (bidi)
           within(0x200b, 0x200f) ||    // zero width, bidi marks
           within(0x2028, 0x202e) ||    // line and paragraph separator, bidi embedding
           within(0x2060, 0x2064) ||    // word joiner, invisible operators
           within(0x2066, 0x206f) ||    // bidi isolates, deprecated format characters
           code_point == 0xfeff ||      // zero width no-break space
           within(0xfff9, 0xfffb) ||    // interlinear annotation
           within(0xe0000, 0xe007f) ||  // tags
           is_noncharacter(code_point);
}

/// Whether `text` is valid UTF-8 without any code point that is `forbidden_in_address()`.
constexpr bool allowed_in_address(std::string_view text) noexcept {
    cursor in{text};
    while (!in.at_end()) {
        auto const code_point = decode_utf8(in);
        if (!code_point || forbidden_in_address(*code_point)) return false;
    }
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI
