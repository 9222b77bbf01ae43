#pragma once

#include <mailquay/protocol/reply.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/scrub.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 5321 §4.5.3.1.5: 512 octets with CRLF.
inline constexpr std::size_t reply_line_octets = 510;

/// What each line of a reply begins with: code, space or hyphen, enhanced code and space if there is one.
class reply_head {
public:
    reply_head(int code, std::string_view enhanced) noexcept {
        char const digit = static_cast<char>('0' + code / 100);
        put(digit);
        put(static_cast<char>('0' + code / 10 % 10));
        put(static_cast<char>('0' + code % 10));
        put(' ');
        if (enhanced.empty() || digit == '3') return;
        put(digit);
        for (char c : is_enhanced_code(enhanced) ? enhanced.substr(1) : std::string_view{".0.0"}) put(c);
        put(' ');
    }

    std::string_view view() const noexcept { return {octets_, size_}; }
    /// Without the space at its end, where only an enhanced code stands before it.
    std::string_view bare() const noexcept { return {octets_, size_ > 4 ? size_ - 1 : size_}; }

private:
    void put(char c) noexcept { octets_[size_++] = c; }

    char octets_[sizeof("250 2.123.123 ")];
    std::size_t size_ = 0;
};

/// How much of `text` fits into `room`: up to a space if there is one, else as much as does not cut a code point in
/// two.
inline std::size_t reply_fold_at(std::string_view text, std::size_t room) noexcept {
    if (text.size() <= room) return text.size();
    std::size_t const space = text.rfind(' ', room);
    if (space != std::string_view::npos && space != 0) return space;
    while (room > 1 && (static_cast<unsigned char>(text[room]) & 0xc0) == 0x80) --room;
    return room;
}

inline void append_reply_lines(std::string& out, reply_head const& head, std::string_view text, bool allow_utf8) {
    std::size_t const room = reply_line_octets - head.view().size();
    std::string clean;
    std::size_t last_line = 0;
    auto put_line = [&](std::string_view line) {
        last_line = out.size();
        out += line.empty() ? head.bare() : head.view();
        out += line;
        out += "\r\n";
        out[last_line + 3] = '-';
    };
    do {
        std::size_t const line_end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, line_end);
        text.remove_prefix(std::min(line_end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        clean.clear();
        scrub_append(clean, line, line.size(), allow_utf8 ? scrub_to::utf8 : scrub_to::ascii);
        std::string_view rest = clean;
        do {
            std::size_t const fold = reply_fold_at(rest, room);
            put_line(rest.substr(0, fold));
            rest.remove_prefix(fold);
            if (rest.starts_with(' ')) rest.remove_prefix(1);
        } while (!rest.empty());
    } while (!text.empty());
    out[last_line + 3] = ' ';
}

}  // namespace detail

MAILQUAY_DECL void append_reply(std::string& out, int code, std::string_view enhanced, std::string_view text,
                                bool allow_utf8) {
    assert(code >= 200 && code <= 599);
    if (code < 200 || code > 599) code = 451;
    detail::reply_head const head{code, enhanced};
    bool const plain = text.size() <= detail::reply_line_octets - head.view().size() &&
                       std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c); });
    if (!plain) return detail::append_reply_lines(out, head, text, allow_utf8);
    out += text.empty() ? head.bare() : head.view();
    out += text;
    out += "\r\n";
}

}  // namespace mailquay::inline MAILQUAY_ABI
