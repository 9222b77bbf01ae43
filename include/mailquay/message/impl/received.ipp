#include <mailquay/message/received.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/message/date.hpp>
#include <mailquay/message/transaction_id.hpp>

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
    /// Control characters and octets from 128 on, by some lane's high bit: up to the first of them nothing is borrowed or carried.
    static std::uint64_t not_printable(std::uint64_t lanes) { return (lanes - each * ' ') | (lanes + each); }
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
    /// Goes on behind the room for `begin`.
    received_writer(char* to, received_begin const& begin) : begin_(to), at_(to + begin.octets), line_(to + begin.line) {}

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
        if (text.size() != Usual) return put(text);
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

/// More than there ever are up to the id: all words cut.
inline constexpr std::size_t received_begin_octets = 2048;

inline std::string_view cut_received_word(std::string_view word, std::size_t octets = received_word_octets) {
    return word.substr(0, octets);
}
inline std::string_view cut_short_received_word(std::string_view word) {
    return cut_received_word(word, received_short_word_octets);
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

/// What tells of TLS, as words to be put one by one.
inline void add_received_tls(received_begin& to, received_fields const& parts) {
    to.tls_words = {};
    if (parts.tls_cipher.empty()) return;
    auto const add = [&to](std::size_t word, std::string_view before, std::string_view value, std::string_view behind) {
        if (value.empty()) return;
        std::size_t const begin = to.text.size();
        to.text.append(before).append(value).append(behind);
        to.tls_words[word] = static_cast<std::uint8_t>(to.text.size() - begin);
    };
    char comment[received_short_word_octets];
    received_writer protocol{comment};
    protocol.put_in_comment(cut_short_received_word(parts.tls_protocol));
    add(0, "tls ", cut_short_received_word(parts.tls_cipher), {});
    add(1, "group ", cut_short_received_word(parts.tls_group), {});
    add(2, "(", {comment, protocol.octets()}, ")");
}

MAILQUAY_INLINE inline void put_received_recipient(received_writer& to, std::string_view mailbox) {
    if (mailbox.empty() || mailbox.size() > received_recipient_octets) return;
    received_writer const before = to;
    std::size_t const clause = 3 + 1 + mailbox.size() + 2;
    if (to.fits(clause)) {
        to.put(" for <");
    } else if (static_cast<std::ptrdiff_t>(clause) < received_line_octets) {
        to.fold();
        to.put("for <");
    } else {
        to.gap_and_put("for");
        to.fold();
        to.put("<");
    }
    if (to.put_harmless(mailbox)) to.put(">");
    else to = before;
}

inline void put_received_tls(received_writer& to, received_begin const& begin) {
    std::string_view words{begin.text};
    words.remove_prefix(begin.octets);
    for (std::size_t const octets : begin.tls_words) {
        if (octets == 0) continue;
        to.gap_and_put({words.data(), octets});
        words.remove_prefix(octets);
    }
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
    received_begin begin;
    begin_received(begin, parts);
    std::size_t const before = out.size();
    out.resize(before + most_received_octets(begin, parts.id, parts.recipient, parts.date));
    out.resize(before + write_received(out.data() + before, begin, parts.id, parts.recipient, parts.date));
}

MAILQUAY_DECL void begin_received(received_begin& to, received_fields const& parts) {
    char room[detail::received_begin_octets];
    detail::received_writer begin{room};
    detail::put_received_begin(begin, parts);
    to.text.assign(room, begin.octets());
    to.octets = static_cast<std::uint16_t>(begin.octets());
    to.line = static_cast<std::uint16_t>(begin.line());
    detail::add_received_tls(to, parts);
}

MAILQUAY_DECL std::size_t most_received_octets(received_begin const& begin, std::string_view id, std::string_view recipient,
                                               std::string_view date) noexcept {
    constexpr std::size_t gaps_and_for = 32;
    return begin.text.size() + id.size() + recipient.size() + date.size() + gaps_and_for;
}

MAILQUAY_DECL std::size_t write_received(char* to, received_begin const& begin, std::string_view id, std::string_view recipient,
                                         std::string_view date) noexcept {
    detail::received_writer field{to, begin};
    field.put_usual<transaction_id::octets>(detail::cut_short_received_word(id));
    detail::put_received_recipient(field, recipient);
    if (begin.tls_words[0] != 0) detail::put_received_tls(field, begin);
    field.put(";");
    date = detail::cut_short_received_word(date);
    field.gap(date.size());
    field.put_usual<date_octets>(date);
    field.put("\r\n");
    std::memcpy(to, begin.text.data(), begin.octets);  // last: nothing but the result has to outlive this call
    return field.octets();
}

}  // namespace mailquay::inline MAILQUAY_ABI
