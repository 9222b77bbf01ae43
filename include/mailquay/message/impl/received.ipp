#include <mailquay/message/received.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline constexpr std::size_t received_word_octets = 255;
inline constexpr std::size_t received_short_word_octets = 64;
inline constexpr std::size_t received_recipient_octets = 900;
/// One less than 78: the last clause of the field is followed by ";".
inline constexpr std::ptrdiff_t received_line_octets = 77;

/// Eight octets at once, each lane answering in its high bit. Lanes must be below 128.
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
    /// Neither control characters nor octets from 128 on.
    static bool are_printable(std::uint64_t lanes) { return ((within(lanes, ' ', '~') & ~lanes) & high) == high; }
};

/// Whether `holds(lanes)` for all octets of `text`; false for texts of fewer than eight, which are not worth the
/// trouble.
template <class Predicate>
bool all_octet_lanes(std::string_view text, Predicate holds) {
    if (text.size() < 8) return false;
    std::uint64_t lanes;
    auto const last = text.size() - sizeof lanes;
    for (std::size_t at = 0; at < last; at += sizeof lanes) {
        std::memcpy(&lanes, text.data() + at, sizeof lanes);
        if (!holds(lanes)) return false;
    }
    std::memcpy(&lanes, text.data() + last, sizeof lanes);
    return holds(lanes);
}

/// Writes words to where there is room for them, and folds before those that do not fit.
class received_writer {
public:
    explicit received_writer(char* to) : begin_(to), at_(to), line_(to) {}
    /// Goes on behind what another one wrote, with its last line beginning at `line`.
    received_writer(char* to, std::string_view written, std::size_t line) : begin_(to), at_(to), line_(to + line) { put(written); }

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
    /// As `put`, with the octets that the client chose made harmless.
    void put_name(std::string_view text) {
        if (all_octet_lanes(text, octet_lanes::are_host_name)) return put(text);
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

    std::size_t octets() const { return static_cast<std::size_t>(at_ - begin_); }
    std::size_t line() const { return static_cast<std::size_t>(line_ - begin_); }

private:
    bool fits(std::size_t octets) const {
        return at_ - line_ + 1 + static_cast<std::ptrdiff_t>(octets) <= received_line_octets;
    }

    char* begin_;
    char* at_;
    char* line_;
};

/// The longest there is: all words cut, and a recipient of the most octets.
inline constexpr std::size_t received_field_octets = 3072;

inline std::string_view cut_received_word(std::string_view word, std::size_t octets = received_word_octets) {
    return word.substr(0, octets);
}
inline std::string_view cut_short_received_word(std::string_view word) {
    return cut_received_word(word, received_short_word_octets);
}

inline bool is_received_recipient(std::string_view mailbox) {
    if (mailbox.empty() || mailbox.size() > received_recipient_octets) return false;
    return all_octet_lanes(mailbox, octet_lanes::are_printable) ||
           std::none_of(mailbox.begin(), mailbox.end(), [](char c) { return is_control(c); });
}

inline bool is_received_literal(std::string_view helo) {
    return helo.size() > 2 && helo.front() == '[' && helo.back() == ']';
}

inline void put_received_helo(received_writer& to, std::string_view helo) {
    if (!is_received_literal(helo)) return to.put_name(helo);
    to.put("[");
    to.put_literal(helo.substr(1, helo.size() - 2));
    to.put("]");
}

/// RFC 5321 §4.4  From-domain = "FROM" FWS Extended-Domain, with all the TCP-info that is known
inline void put_received_client(received_writer& to, received_fields const& parts) {
    constexpr std::string_view unknown = "unknown";
    auto const helo = parts.helo.empty() ? unknown : cut_received_word(parts.helo);
    auto const ptr = parts.ptr.empty() ? unknown : cut_received_word(parts.ptr);
    auto const address = cut_short_received_word(parts.address);
    auto const tag = address.find(':') == std::string_view::npos ? std::string_view{"["} : std::string_view{"[IPv6:"};

    auto const before_helo = to.gap(4, helo.size());
    to.put("from");
    to.put_gap(before_helo);
    put_received_helo(to, helo);
    if (address.empty()) {
        to.gap(ptr.size() + 2);
        to.put("(");
        to.put_name(ptr);
        to.put(")");
        return;
    }
    auto const before_address = to.gap(1 + ptr.size(), tag.size() + address.size() + 2);
    to.put("(");
    if (parts.ptr.empty()) to.put(unknown);
    else to.put_name(ptr);
    to.put_gap(before_address);
    to.put(tag);
    to.put(address);
    to.put("])");
}

inline void put_received_user(received_writer& to, std::string_view user) {
    constexpr std::string_view label = "(authenticated as ";
    auto const name = cut_received_word(user);
    to.gap(label.size() + name.size() + 1);
    to.put(label);
    to.put_in_comment(name);
    to.put(")");
}

inline void put_received_tls(received_writer& to, received_fields const& parts) {
    to.clause("tls", cut_short_received_word(parts.tls_cipher));
    to.clause("group", cut_short_received_word(parts.tls_group));
    if (parts.tls_protocol.empty()) return;
    auto const protocol = cut_short_received_word(parts.tls_protocol);
    to.gap(protocol.size() + 2);
    to.put("(");
    to.put_in_comment(protocol);
    to.put(")");
}

/// Up to where the id stands, of which only the size counts.
inline void put_received_begin(received_writer& to, received_fields const& parts) {
    to.put("Received:");
    switch (parts.client) {
        case received_client::full: put_received_client(to, parts); break;
        case received_client::hidden: to.put(" from [authenticated]"); break;
        case received_client::none: break;
    }
    if (!parts.user.empty()) put_received_user(to, parts.user);
    if (parts.client != received_client::none || !parts.user.empty()) {
        to.fold();
        to.put("by");
    } else {
        to.put(" by");
    }
    to.gap_and_put(cut_received_word(parts.hostname));
    to.clause("with", cut_short_received_word(parts.with));
    to.begin_clause("id", cut_short_received_word(parts.id).size());
}

/// From the id on.
inline void put_received_rest(received_writer& to, received_fields const& parts) {
    to.put(cut_short_received_word(parts.id));
    if (is_received_recipient(parts.recipient)) {
        auto const before = to.gap(3, parts.recipient.size() + 2);
        to.put("for");
        to.put_gap(before);
        to.put("<");
        to.put(parts.recipient);
        to.put(">");
    }
    if (!parts.tls_cipher.empty()) put_received_tls(to, parts);
    to.put(";");
    to.gap_and_put(cut_short_received_word(parts.date));
    to.put("\r\n");
}

}  // namespace detail

MAILQUAY_DECL std::string_view with_keyword(bool extended, bool lmtp, bool utf8, bool tls, bool auth) noexcept {
    static constexpr std::string_view keywords[4][4] = {
        {"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"},
        {"LMTP", "LMTPA", "LMTPS", "LMTPSA"},
        {"UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"},
        {"UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"},
    };
    if (!extended && !lmtp && !utf8 && !tls && !auth) return "SMTP";
    return keywords[(utf8 ? 2 : 0) + (lmtp ? 1 : 0)][(tls ? 2 : 0) + (auth ? 1 : 0)];
}

MAILQUAY_DECL void append_received(std::string& out, received_fields const& parts) {
    char room[detail::received_field_octets];
    detail::received_writer to{room};
    detail::put_received_begin(to, parts);
    detail::put_received_rest(to, parts);
    out.append(room, to.octets());
}

MAILQUAY_DECL void begin_received(received_begin& to, received_fields const& parts) {
    char room[detail::received_field_octets];
    detail::received_writer begin{room};
    detail::put_received_begin(begin, parts);
    to.text.assign(room, begin.octets());
    to.line = begin.line();
}

MAILQUAY_DECL std::size_t most_received_octets(received_begin const& begin, received_fields const& parts) noexcept {
    constexpr std::size_t keywords_and_gaps = 80;
    return begin.text.size() + parts.with.size() + parts.id.size() + parts.recipient.size() + parts.tls_cipher.size() +
           parts.tls_group.size() + parts.tls_protocol.size() + parts.date.size() + keywords_and_gaps;
}

MAILQUAY_DECL std::size_t write_received(char* to, received_begin const& begin, received_fields const& parts) noexcept {
    detail::received_writer rest{to, begin.text, begin.line};
    detail::put_received_rest(rest, parts);
    return rest.octets();
}

}  // namespace mailquay::inline MAILQUAY_ABI
