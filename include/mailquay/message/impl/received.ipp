#include <mailquay/message/received.hpp>

#include <mailquay/message/date.hpp>
#include <mailquay/message/detail/received_writer.hpp>
#include <mailquay/message/transaction_id.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline constexpr std::size_t received_word_octets = 255;
inline constexpr std::size_t received_short_word_octets = 64;
inline constexpr std::size_t received_recipient_octets = 900;
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
    std::string field(most_received_octets(begin, parts.id, parts.recipient, parts.date), '\0');  // apart: parts may view `out`
    field.resize(write_received(field.data(), begin, parts.id, parts.recipient, parts.date));
    out.append(field);
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
    detail::received_writer field{to, begin.octets, begin.line};
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
