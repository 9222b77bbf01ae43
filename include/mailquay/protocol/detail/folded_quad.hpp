#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// The first four octets of `name`, which must have them, in lower case. Setting the bit of lower case maps no two octets to a
/// letter but its two cases, so that a comparison with letters is exact.
MAILQUAY_INLINE constexpr std::uint32_t folded_quad(std::string_view name) noexcept {
    std::array<char, 4> const octets{name[0], name[1], name[2], name[3]};
    return std::bit_cast<std::uint32_t>(octets) | 0x20202020u;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
