#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

constexpr std::array<std::uint32_t, 256> make_crc32c_table() noexcept {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
        std::uint32_t rest = i;
        for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? 0x82f63b78u : 0u);
        made[i] = rest;
    }
    return made;
}
inline constexpr std::array<std::uint32_t, 256> crc32c_table = make_crc32c_table();

/// The CRC of RFC 3720 §12.1 (Castagnoli), octet by octet: for headers of a few hundred octets.
class crc32c_sum {
public:
    constexpr void add(char octet) noexcept {
        state_ = state_ >> 8 ^ crc32c_table[(state_ ^ static_cast<unsigned char>(octet)) & 0xffu];
    }
    constexpr void add(std::string_view octets) noexcept {
        for (char const c : octets) add(c);
    }
    constexpr std::uint32_t value() const noexcept { return ~state_; }

private:
    std::uint32_t state_ = 0xffffffffu;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
