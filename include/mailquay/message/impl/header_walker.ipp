#include <mailquay/message/header_walker.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

/// RFC 5322 §3.6.8  field-name = 1*ftext; ftext is %d33-57 / %d59-126
inline bool is_header_name(std::string_view name) noexcept {
    return !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

inline std::string_view trim_wsp_right(std::string_view text) noexcept {
    while (!text.empty() && is_wsp(text.back())) text.remove_suffix(1);
    return text;
}

inline header_field make_header_field(std::string_view text, std::string_view whole) {
    auto const colon = text.find(':');
    if (colon != std::string_view::npos) {
        auto const name = trim_wsp_right(text.substr(0, colon));
        if (is_header_name(name)) return {header_field::kind::field, name, text.substr(colon + 1), whole};
    }
    return {header_field::kind::malformed, {}, text, whole};
}

}  // namespace detail

MAILQUAY_DECL bool header_field::is(std::string_view wanted_name) const noexcept {
    return what == kind::field && iequals(name, wanted_name);
}

MAILQUAY_DECL header_walker::line header_walker::line_at(std::size_t start) const {
    for (auto from = start;;) {
        auto const line_end = text_.find('\n', from);
        if (line_end == std::string_view::npos) return {text_.size() - start, text_.size() - start};
        auto const whole = line_end + 1 - start;
        if (line_end > start && text_[line_end - 1] == '\r') return {whole - 2, whole};
        if (lines_ == header_lines::crlf_or_lf) return {whole - 1, whole};
        from = line_end + 1;
    }
}

MAILQUAY_DECL std::optional<header_field> header_walker::next() {
    if (blank_line_ || at_ == text_.size()) return std::nullopt;
    auto const start = at_;
    auto current = line_at(start);
    if (current.text_octets == 0) {
        at_ += current.whole_octets;
        blank_line_ = true;
        return std::nullopt;
    }
    auto text_end = start + current.text_octets;
    at_ += current.whole_octets;
    while (at_ < text_.size() && is_wsp(text_[at_])) {
        current = line_at(at_);
        text_end = at_ + current.text_octets;
        at_ += current.whole_octets;
    }
    return detail::make_header_field(text_.substr(start, text_end - start), text_.substr(start, at_ - start));
}

MAILQUAY_DECL std::optional<header_field> find_first(std::string_view section, std::string_view name,
                                                     header_lines lines) {
    header_walker walker{section, lines};
    while (auto field = walker.next()) {
        if (field->is(name)) return field;
    }
    return std::nullopt;
}

MAILQUAY_DECL std::string unfold(std::string_view value) {
    std::string line;
    line.reserve(value.size());
    while (!value.empty()) {
        auto const stop = std::min(value.find_first_of("\r\n"), value.size());
        line.append(value.substr(0, stop));
        value.remove_prefix(stop);
        if (value.empty()) break;
        auto const line_end = value.starts_with("\r\n") ? std::size_t{2} : std::size_t{1};
        bool const folded =
            (value.front() == '\n' || line_end == 2) && (value.size() == line_end || is_wsp(value[line_end]));
        if (!folded) line.append(value.substr(0, line_end));
        value.remove_prefix(line_end);
    }
    auto const first = std::find_if_not(line.begin(), line.end(), is_wsp);
    line.erase(line.begin(), first);
    while (!line.empty() && is_wsp(line.back())) line.pop_back();
    return line;
}

}  // namespace mailquay::inline MAILQUAY_ABI
