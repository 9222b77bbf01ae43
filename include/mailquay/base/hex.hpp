#pragma once

#include <mailquay/base/config.hpp>

#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// The value of a hexadecimal digit in either case; -1 for any other octet.
constexpr int hex_digit_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// Appends `octet` as two upper-case hexadecimal digits.
inline void append_hex(std::string& out, char octet) {
    constexpr char digits[] = "0123456789ABCDEF";
    auto const value = static_cast<unsigned char>(octet);
    out += digits[value >> 4];
    out += digits[value & 0x0f];
}

}  // namespace mailquay::inline MAILQUAY_ABI
