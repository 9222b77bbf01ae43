#pragma once

#include <mailquay/protocol/line_ending_normaliser.hpp>

#include <mailquay/protocol/detail/octet_masks.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void line_ending_normaliser::append(std::string& out, std::string_view octets) {
    std::size_t copied = 0;
    for (std::size_t block = 0; block < octets.size(); block += 64) {
        std::size_t const size = std::min<std::size_t>(64, octets.size() - block);
        char const* const at = octets.data() + block;
        auto const masks = size == 64 ? detail::line_masks_of(at) : detail::line_masks_of_rest(at, size);
        std::uint64_t const after_cr = masks.cr << 1 | (after_cr_ ? 1u : 0u);
        std::uint64_t lacking = masks.lf ^ after_cr;  // before these octets one is missing
        if (size < 64) lacking &= detail::low_bits(size);
        after_cr_ = (masks.cr >> (size - 1) & 1) != 0;
        for (; lacking != 0; lacking &= lacking - 1) {
            auto const bit = static_cast<std::size_t>(std::countr_zero(lacking));
            out += octets.substr(copied, block + bit - copied);
            copied = block + bit;
            out += (masks.lf >> bit & 1) != 0 ? '\r' : '\n';
            ++repaired_;
        }
    }
    out += octets.substr(copied);
}

MAILQUAY_DECL void line_ending_normaliser::finish(std::string& out) {
    if (!after_cr_) return;
    out += '\n';
    ++repaired_;
    after_cr_ = false;
}

}  // namespace mailquay::inline MAILQUAY_ABI
