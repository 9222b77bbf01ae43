#pragma once

#include <mailquay/protocol/bare_line_end_finder.hpp>

#include <mailquay/protocol/detail/octet_masks.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL bool bare_line_end_finder::feed(std::string_view octets) noexcept {
    std::uint64_t bare = 0;
    for (std::size_t block = 0; block < octets.size(); block += 64) {
        std::size_t const size = std::min<std::size_t>(64, octets.size() - block);
        char const* const at = octets.data() + block;
        auto const masks = size == 64 ? detail::line_masks_of(at) : detail::line_masks_of_rest(at, size);
        std::uint64_t lacking = masks.lf ^ (masks.cr << 1 | (after_cr_ ? 1u : 0u));
        if (size < 64) lacking &= detail::low_bits(size);
        after_cr_ = (masks.cr >> (size - 1) & 1) != 0;
        bare |= lacking;
    }
    return bare != 0;
}

}  // namespace mailquay::inline MAILQUAY_ABI
