#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// What Received fields are written with: words and folds.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// One less than 78: the last clause of the field is followed by ";".
inline constexpr std::ptrdiff_t received_line_octets = 77;

/// Eight octets at once, each lane answering in its high bit. Lanes must be below 128, but where it says otherwise.
struct octet_lanes {
    static constexpr std::uint64_t each = 0x0101010101010101u;
    static constexpr std::uint64_t high = 0x8080808080808080u;

    static std::uint64_t at_least(std::uint64_t lanes, unsigned char octet) { return lanes + each * (0x80u - octet); }
    static std::uint64_t within(std::uint64_t lanes, unsigned char first, unsigned char last) {
        return at_least(lanes, first) & ~at_least(lanes, static_cast<unsigned char>(last + 1));
    }
    /// ALPHA / DIGIT / "-" / "."
    static bool are_host_name(std::uint64_t lanes) {
        auto const wanted = within(lanes, '-', '.') | within(lanes, '0', '9') | within(lanes | each * 0x20u, 'a', 'z');
        return ((wanted & ~lanes) & high) == high;
    }
    /// Control characters and octets from 128 on, of any lanes: whether there are some, by some lane's high bit, not which. Up to the
    /// first of them nothing is borrowed or carried.
    static std::uint64_t not_printable(std::uint64_t lanes) { return (lanes - each * ' ') | (lanes + each); }
};

/// Whether all octets of `text` are those of a host name; false for texts of fewer than eight, which are not worth the
/// trouble.
inline bool are_all_host_name(std::string_view text) {
    if (text.size() < 8) return false;
    std::uint64_t lanes;
    auto const last = text.size() - sizeof lanes;
    for (std::size_t at = 0; at < last; at += sizeof lanes) {
        std::memcpy(&lanes, text.data() + at, sizeof lanes);
        if (!octet_lanes::are_host_name(lanes)) return false;
    }
    std::memcpy(&lanes, text.data() + last, sizeof lanes);
    return octet_lanes::are_host_name(lanes);
}

/// Copies `text`, of eight octets or more.
/// @return whether it has neither control characters nor octets from 128 on
MAILQUAY_INLINE inline bool copy_printable(char* to, std::string_view text) {
    std::uint64_t found = 0;
    auto const copy = [&](std::size_t at) {
        std::uint64_t lanes;
        std::memcpy(&lanes, text.data() + at, sizeof lanes);
        std::memcpy(to + at, &lanes, sizeof lanes);
        found |= octet_lanes::not_printable(lanes);
    };
    std::size_t const last = text.size() - sizeof found;
    for (std::size_t at = 0; at < last; at += sizeof found) copy(at);
    copy(last);
    return (found & octet_lanes::high) == 0;
}

/// The same of any text. @return whether it has no control characters
MAILQUAY_RARE inline bool copy_harmless(char* to, std::string_view text) {
    std::copy(text.begin(), text.end(), to);
    return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c); });
}

/// Writes words to where there is room for them, and folds before those that do not fit.
class received_writer {
public:
    explicit received_writer(char* to) : begin_(to), at_(to), line_(to) {}
    /// Goes on behind room for `before` octets, where the last line begins at `line`.
    received_writer(char* to, std::size_t before, std::size_t line) : begin_(to), at_(to + before), line_(to + line) {}

    void put(std::string_view text) {
        std::char_traits<char>::copy(at_, text.data(), text.size());
        at_ += text.size();
    }
    /// The same of what is known here, which takes a store or two.
    template <std::size_t Size>
    void put(char const (&text)[Size]) {
        std::memcpy(at_, text, Size - 1);
        at_ += Size - 1;
    }
    /// The same of what nearly always has so many octets.
    template <std::size_t Usual>
    void put_usual(std::string_view text) {
        if (text.size() != Usual) [[unlikely]] return put(text);
        std::memcpy(at_, text.data(), Usual);
        at_ += Usual;
    }
    /// As `put`, unless the text has a control character. @return whether it was put
    bool put_harmless(std::string_view text) {
        if ((text.size() < 8 || !copy_printable(at_, text)) && !copy_harmless(at_, text)) return false;
        at_ += text.size();
        return true;
    }
    /// As `put`, with the octets that the client chose made harmless.
    void put_name(std::string_view text) {
        if (are_all_host_name(text)) return put(text);
        auto* to = at_;
        for (char const c : text) *to++ = is_atext(c) || c == '.' ? c : '?';
        at_ = to;
    }
    void put_literal(std::string_view text) {
        for (char const c : text) *at_++ = is_alnum(c) || c == '.' || c == ':' || c == '-' ? c : '?';
    }
    void put_in_comment(std::string_view text) {
        for (char const c : text) *at_++ = is_printable(c) && c != '(' && c != ')' && c != '\\' ? c : '?';
    }

    void fold() {
        put("\r\n\t");
        line_ = at_ - 1;
    }
    /// Goes to where a word of `octets` may begin: behind a space or a fold.
    void gap(std::size_t octets) {
        if (fits(octets)) *at_++ = ' ';
        else fold();
    }
    /// Goes to where two words may begin, on one line if that can be had, and says what belongs between them.
    std::string_view gap(std::size_t first, std::size_t second) {
        constexpr std::string_view space = " ", fold_here = "\r\n\t";
        auto const both = first + 1 + second;
        bool const fit_a_line = static_cast<std::ptrdiff_t>(both) < received_line_octets;
        gap(fit_a_line ? both : first);
        return fit_a_line ? space : fold_here;
    }
    /// As `put`, for what `gap` returned.
    void put_gap(std::string_view space) {
        if (space.size() == 1)
            *at_++ = ' ';
        else
            fold();
    }
    void gap_and_put(std::string_view word) {
        gap(word.size());
        put(word);
    }
    /// A keyword and its value; nothing without a value.
    void clause(std::string_view keyword, std::string_view value) {
        begin_clause(keyword, value.size());
        put(value);
    }
    /// The same up to where the value belongs.
    void begin_clause(std::string_view keyword, std::size_t octets) {
        if (octets == 0) return;
        auto const between = gap(keyword.size(), octets);
        put(keyword);
        put_gap(between);
    }

    bool fits(std::size_t octets) const {
        return at_ - line_ + 1 + static_cast<std::ptrdiff_t>(octets) <= received_line_octets;
    }

    std::size_t octets() const { return static_cast<std::size_t>(at_ - begin_); }
    std::size_t line() const { return static_cast<std::size_t>(line_ - begin_); }

private:
    char* begin_;
    char* at_;
    char* line_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
