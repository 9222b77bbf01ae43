#pragma once

#include <mailquay/protocol/xtext.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/hex.hpp>

#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 3461 §4  xchar = %d33-42 / %d44-60 / %d62-126
constexpr bool is_xchar(char c) noexcept { return is_printable(c) && c != ' ' && c != '+' && c != '='; }

/// The value of an upper-case hexadecimal digit; -1 for all else.
constexpr int xtext_digit(char c) noexcept {
    if (is_digit(c)) return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace detail

MAILQUAY_DECL parsed<std::string> decode_xtext(std::string_view text) {
    std::string octets;
    octets.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (detail::is_xchar(text[i])) {
            octets += text[i];
            continue;
        }
        bool const encoded = text[i] == '+' && text.size() - i > 2;
        int const high = encoded ? detail::xtext_digit(text[i + 1]) : -1;
        int const low = encoded ? detail::xtext_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return refusal{protocol_errc::bad_xtext, i};
        octets += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return octets;
}

MAILQUAY_DECL void append_xtext(std::string& out, std::string_view octets) {
    for (char c : octets) {
        if (detail::is_xchar(c)) {
            out += c;
            continue;
        }
        out += '+';
        append_hex(out, c);
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
