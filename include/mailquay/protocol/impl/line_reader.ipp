#pragma once

#include <mailquay/protocol/line_reader.hpp>

#include <mailquay/protocol/detail/line_end_finder.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL line_scan line_reader::next(std::string_view octets, std::size_t limit) noexcept {
    if (skipping_) return skip(octets);

    std::string_view const window = octets.substr(0, std::min<std::size_t>(limit, octets.size()));
    std::size_t const from = std::min<std::size_t>(searched_, window.size());
    auto const found = detail::find_line_end(window, from, accept_bare_lf_);
    bool const bad = bad_ || found.bad;
    if (found.end < window.size()) {
        reset();
        bool const crlf = found.end != 0 && window[found.end - 1] == '\r';
        return {line_scan::kind::line, bad, found.end + 1, window.substr(0, crlf ? found.end - 1 : found.end)};
    }
    if (octets.size() >= limit) {
        skipping_ = true;
        skipped_cr_ = window.ends_with('\r');
        line_scan rest = skip(octets.substr(window.size()));
        rest.consumed += window.size();
        return rest;
    }
    searched_ = static_cast<std::uint32_t>(octets.size());
    bad_ = bad;
    return {};
}

MAILQUAY_DECL line_scan line_reader::skip(std::string_view octets) noexcept {
    for (std::size_t from = 0; from < octets.size();) {
        auto const lf = std::min(octets.find('\n', from), octets.size());
        if (lf == octets.size()) break;
        bool const after_cr = lf == 0 ? skipped_cr_ : octets[lf - 1] == '\r';
        if (after_cr || accept_bare_lf_) {
            reset();
            return {line_scan::kind::too_long, false, lf + 1, {}};
        }
        from = lf + 1;
    }
    if (!octets.empty()) skipped_cr_ = octets.back() == '\r';
    return {line_scan::kind::need_more, false, octets.size(), {}};
}

}  // namespace mailquay::inline MAILQUAY_ABI
