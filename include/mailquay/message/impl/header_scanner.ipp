#include <mailquay/message/header_scanner.hpp>

#include <cstring>
#include <limits>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline constexpr std::string_view received_name = "received";

inline char const* find_octet(char const* at, char const* end, char wanted) {
    return static_cast<char const*>(std::memchr(at, wanted, static_cast<std::size_t>(end - at)));
}

}  // namespace detail

inline void header_scanner::count_field() {
    if (fields_ != std::numeric_limits<std::uint32_t>::max()) ++fields_;
}

inline void header_scanner::finish(bool without_header) {
    place_ = place::finished;
    if (!without_header) return;
    no_header_ = true;
    octets_ = 0;
    fields_ = 0;
    hops_ = 0;
}

inline char const* header_scanner::match_name(char const* at, char const* end) {
    if (place_ == place::name) {
        if (matched_ == 0 && end - at >= 8) {
            std::uint64_t name;
            std::memcpy(&name, at, sizeof name);
            name |= 0x2020202020202020u;
            if (std::memcmp(&name, detail::received_name.data(), sizeof name) != 0) {
                place_ = place::inside;
                return at;
            }
            matched_ = 8;
            at += 8;
        }
        while (at != end && matched_ < detail::received_name.size() &&
               (*at | 0x20) == detail::received_name[matched_]) {
            ++matched_;
            ++at;
        }
        if (at == end) return at;
        place_ = matched_ == detail::received_name.size() ? place::after_name : place::inside;
    }
    if (place_ == place::after_name) {
        // RFC 5322 §4.5.8 has white space before the colon; a loop must not hide behind it.
        while (at != end && (*at == ' ' || *at == '\t')) ++at;
        if (at == end) return at;
        if (*at == ':') ++hops_;
        place_ = place::inside;
    }
    return at;
}

inline char const* header_scanner::pass_line(char const* begin, char const* at, char const* end) {
    auto const* line_end = detail::find_octet(at, end, '\n');
    if (first_line_ && !colon_seen_) colon_seen_ = detail::find_octet(at, line_end ? line_end : end, ':') != nullptr;
    if (!line_end) {
        last_was_cr_ = end[-1] == '\r';
        return end;
    }
    bool const complete = line_end == begin ? last_was_cr_ : line_end[-1] == '\r';
    last_was_cr_ = false;
    if (!complete) return line_end + 1;
    if (first_line_ && !colon_seen_) {
        finish(true);
        return end;
    }
    first_line_ = false;
    place_ = place::line_start;
    return line_end + 1;
}

/// What is known of a line that is cut, or goes on behind a bare LF.
MAILQUAY_DECL char const* header_scanner::leave_line(char const* start, char const* line_end, char const* end) {
    if (first_line_) colon_seen_ = detail::find_octet(start, line_end ? line_end : end, ':') != nullptr;
    if (line_end || place_ == place::line_start) place_ = place::inside;
    if (line_end) return line_end + 1;
    last_was_cr_ = end[-1] == '\r';
    return end;
}

inline char const* header_scanner::pass_lines(char const* at, char const* end) {
    // Lines that begin in this piece: one search finds what the name must not go beyond and where the next line begins.
    while (at != end) {
        auto const* const start = at;
        char const first = *start;
        if (first == '\r') {
            if (end - start > 1 && start[1] == '\n') {
                blank_line_ = true;
                finish(false);
                return start + 2;
            }
            place_ = place::line_start_cr;
            return start + 1;
        }
        if ((first != ' ' && first != '\t') || first_line_) count_field();
        auto const* const line_end = detail::find_octet(start, end, '\n');
        if ((first | 0x20) == 'r') {
            place_ = place::name;
            matched_ = 0;
            match_name(start, line_end ? line_end : end);
        }
        if (!line_end || line_end == start || line_end[-1] != '\r') return leave_line(start, line_end, end);
        place_ = place::line_start;
        at = line_end + 1;
        if (!first_line_) continue;
        first_line_ = false;
        if (detail::find_octet(start, line_end, ':') != nullptr) continue;
        finish(true);
        return end;
    }
    return at;
}

inline char const* header_scanner::pass_on(char const* begin, char const* at, char const* end) {
    switch (place_) {
        case place::line_start_cr:
            if (*at == '\n') {
                blank_line_ = true;
                finish(false);
                return at + 1;
            }
            // The line begins with a bare CR: no continuation, no name that could matter.
            count_field();
            last_was_cr_ = true;
            place_ = place::inside;
            return at;
        case place::name:
        case place::after_name: return match_name(at, end);
        case place::inside: return pass_line(begin, at, end);
        default: return at;
    }
}

MAILQUAY_DECL char const* header_scanner::pass_rest(char const* begin, char const* at, char const* end) {
    while (at != end && !finished()) at = place_ == place::line_start ? pass_lines(at, end) : pass_on(begin, at, end);
    return at;
}

MAILQUAY_DECL void header_scanner::scan(std::string_view octets) {
    auto const* at = octets.data();
    auto const* const end = at + octets.size();
    octets_ += octets.size();
    if (place_ != place::line_start) {
        at = pass_rest(at, at, end);
    } else {
        at = pass_lines(at, end);
        if (at != end && !finished()) at = pass_rest(nullptr, at, end);  // there are octets before `at`
    }
    octets_ -= static_cast<std::size_t>(end - at);  // where there is no header, `at` is the end
}

MAILQUAY_DECL void header_scanner::message_ended() {
    if (place_ == place::finished) return;
    if (place_ == place::line_start_cr) count_field();
    bool const text_in_first_line = first_line_ && place_ != place::line_start;
    finish(text_in_first_line && !colon_seen_);
}

}  // namespace mailquay::inline MAILQUAY_ABI
