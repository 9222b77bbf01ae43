#pragma once

#include <mailquay/base/config.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Reads a decimal number that is the whole of `text`: 1*DIGIT, no sign, no space.
///
/// @return nothing if `text` is empty, has anything but digits, or means more than `UInt` holds. Leading zeros are
/// read:
///         callers whose grammar forbids them look first.
template <std::unsigned_integral UInt>
constexpr std::optional<UInt> parse_decimal(std::string_view text) noexcept {
    constexpr UInt most = std::numeric_limits<UInt>::max();
    if (text.empty()) return std::nullopt;
    UInt number = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        auto const digit = static_cast<UInt>(c - '0');
        if (number > most / 10 || (number == most / 10 && digit > most % 10)) return std::nullopt;
        number = static_cast<UInt>(number * 10 + digit);
    }
    return number;
}

/// Appends `number` in decimal, with no allocation but that of `out`.
inline void append_decimal(std::string& out, std::uint64_t number) {
    char digits[std::numeric_limits<std::uint64_t>::digits10 + 1];
    auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

}  // namespace mailquay::inline MAILQUAY_ABI
