#pragma once

#include <mailquay/protocol/reply_parser.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/reply_text.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The code of a reply line, or 0 if it is none.
inline int reply_line_code(std::string_view line) noexcept {
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) return 0;
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/// The enhanced code that a text of a reply with this code begins with; empty if it does not.
inline std::string_view leading_enhanced_code(std::string_view text, int code) noexcept {
    std::string_view const word = text.substr(0, text.find(' '));
    bool const same_class = !word.empty() && word[0] - '0' == code / 100;
    return same_class && is_enhanced_code(word) ? word : std::string_view{};
}

}  // namespace detail

MAILQUAY_DECL std::size_t reply_parser::feed(std::string_view octets) {
    std::size_t used = 0;
    while (state_ == outcome::need_more && used != octets.size()) {
        std::string_view const rest = octets.substr(used);
        std::size_t const end = rest.find('\n');
        std::string_view const part = rest.substr(0, end);
        line_.append(part.substr(0, limits_.line_octets - std::min(limits_.line_octets, line_.size())));
        std::size_t const taken = end == std::string_view::npos ? part.size() : part.size() + 1;
        used += taken;
        octets_ += taken;
        if (octets_ > limits_.octets) state_ = outcome::endless;
        if (end != std::string_view::npos && state_ == outcome::need_more) end_of_line();
    }
    return used;
}

MAILQUAY_DECL void reply_parser::end_of_line() {
    std::string_view line = line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    int const code = detail::reply_line_code(line);
    if (code == 0 && lines_ == 0) {
        add_text(line);
        state_ = outcome::garbled;
    } else if (code == 0) {
        wrong_ = true;
        add_text(line);
    } else {
        if (lines_ == 0) reply_.code = code;
        wrong_ = wrong_ || code != reply_.code;
        std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
        if (auto const enhanced = detail::leading_enhanced_code(text, code); !enhanced.empty()) {
            if (reply_.enhanced.empty()) reply_.enhanced = enhanced;
            text.remove_prefix(std::min(enhanced.size() + 1, text.size()));
        }
        add_text(text);
        bool const last = line.size() == 3 || line[3] == ' ';
        if (last) state_ = wrong_ ? outcome::garbled : outcome::complete;
    }
    ++lines_;
    line_.clear();
}

MAILQUAY_DECL void reply_parser::add_text(std::string_view text) {
    auto const room = [this] { return limits_.text_octets - std::min(limits_.text_octets, reply_.text.size()); };
    if (lines_ != 0 && room() != 0) reply_.text += '\n';
    reply_.text += text.substr(0, room());
}

MAILQUAY_DECL received_reply reply_parser::take() {
    if (state_ == outcome::endless && lines_ == 0) add_text(line_);
    received_reply taken = std::exchange(reply_, {});
    if (state_ != outcome::complete) {
        taken.code = 0;
        taken.enhanced.clear();
    }
    line_.clear();
    octets_ = 0;
    lines_ = 0;
    wrong_ = false;
    state_ = outcome::need_more;
    return taken;
}

}  // namespace mailquay::inline MAILQUAY_ABI
