#pragma once

#include <mailquay/message/field_capture.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view field_capture::value() const noexcept {
    std::string_view all{value_};
    while (!all.empty() && (is_wsp(all.front()) || all.front() == '\r')) all.remove_prefix(1);
    while (!all.empty() && (is_wsp(all.back()) || all.back() == '\r')) all.remove_suffix(1);
    return all;
}

/// Goes by the first octet of a line.
MAILQUAY_DECL void field_capture::begin_line(char octet) {
    if (place_ == place::value_end) {
        // Folded: the white space stays, the line end goes.
        place_ = is_wsp(octet) ? place::value : place::over;
        return;
    }
    matched_ = 0;
    place_ = octet == '\r' || octet == '\n' ? place::over : place::name;
}

/// @return octets used, the line end included if it is there
MAILQUAY_DECL std::size_t field_capture::take_value(std::string_view octets) {
    std::size_t const end = std::min(octets.find('\n'), octets.size());
    for (char const c : octets.substr(0, end)) {
        if (value_.size() == most_octets) break;
        if (c != '\r' && !(value_.empty() && is_wsp(c))) value_ += c;
    }
    if (end == octets.size()) return end;
    place_ = place::value_end;
    return end + 1;
}

MAILQUAY_DECL void field_capture::scan(std::string_view octets) {
    while (!octets.empty()) {
        std::size_t used = 0;
        switch (place_) {
            case place::line_start:
            case place::value_end: begin_line(octets.front()); break;
            case place::name:
                while (used < octets.size() && matched_ < name_.size() && to_lower(octets[used]) == to_lower(name_[matched_]))
                    ++used, ++matched_;
                if (used == octets.size()) break;
                if (matched_ == name_.size() && is_wsp(octets[used])) {
                    ++used;  // obsolete, but seen: white space before the colon
                } else if (matched_ == name_.size() && octets[used] == ':') {
                    ++used;
                    place_ = place::value;
                } else {
                    place_ = place::other;
                }
                break;
            case place::other:
                used = std::min(octets.find('\n'), octets.size());
                if (used == octets.size()) break;
                ++used;
                place_ = place::line_start;
                break;
            case place::value: used = take_value(octets); break;
            case place::over: return;
        }
        octets.remove_prefix(used);
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
