#pragma once

#include <mailquay/protocol/data_encoder.hpp>

#include <mailquay/protocol/detail/octet_masks.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

// A CR at the end of what was given is held back until its LF is there.
MAILQUAY_DECL bool data_encoder::encode(std::string& out, std::string_view octets) {
    if (bare_ || octets.empty()) return !bare_;
    std::size_t copied = 0;
    if (after_cr_ && octets.front() == '\n') out += '\r';
    for (std::size_t at = 0; at < octets.size();) {
        std::size_t const left = octets.size() - at;
        std::size_t const count = left < 64 ? left : 64;
        char const* const here = octets.data() + at;
        auto const masks = count == 64 ? detail::line_masks_of(here) : detail::line_masks_of_rest(here, count);
        std::uint64_t const valid = count == 64 ? ~std::uint64_t{0} : detail::low_bits(count);
        std::uint64_t const after_cr = (masks.cr << 1 | std::uint64_t{after_cr_}) & valid;
        if ((masks.lf ^ after_cr) != 0) {
            bare_ = true;
            return false;
        }
        std::uint64_t stuffed = masks.dot & (masks.lf << 1 | std::uint64_t{line_begins_});
        for (; stuffed != 0; stuffed &= stuffed - 1) {
            std::size_t const dot = at + static_cast<std::size_t>(std::countr_zero(stuffed));
            out.append(octets, copied, dot - copied);
            out += '.';
            copied = dot;
        }
        after_cr_ = (masks.cr >> (count - 1) & 1) != 0;
        line_begins_ = (masks.lf >> (count - 1) & 1) != 0;
        at += count;
    }
    out.append(octets, copied, octets.size() - copied - (after_cr_ ? 1 : 0));
    return true;
}

MAILQUAY_DECL bool data_encoder::finish(std::string& out) {
    if (after_cr_) bare_ = true;
    if (bare_) return false;
    out += line_begins_ ? ".\r\n" : "\r\n.\r\n";
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI
