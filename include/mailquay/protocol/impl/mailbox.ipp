#pragma once

#include <mailquay/protocol/mailbox.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/address_literal.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/impl/domain.ipp>

#include <cassert>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 6531 §3.3  UTF8-non-ascii: moves past one that may stand in an address.
inline std::optional<protocol_errc> skip_utf8(cursor& in) noexcept {
    auto const code_point = decode_utf8(in);
    if (!code_point) return protocol_errc::bad_utf8;
    if (forbidden_in_address(*code_point)) return protocol_errc::forbidden_character;
    return std::nullopt;
}

constexpr bool is_eight_bit(char c) noexcept { return static_cast<unsigned char>(c) >= 0x80; }

/// RFC 5321 §4.1.2  Dot-string = Atom *("." Atom)
inline parsed<std::string_view> dot_string(cursor& in, bool& any_utf8) noexcept {
    std::size_t const start = in.position();
    for (;;) {
        std::size_t const atom_start = in.position();
        for (;;) {
            in.take_while(is_atext);
            if (!is_eight_bit(in.peek())) break;
            std::size_t const at = in.position();
            if (auto const fault = skip_utf8(in)) return refusal{*fault, at};
            any_utf8 = true;
        }
        if (in.position() == atom_start) {
            char const next = in.peek();
            bool const dot = next == '.' || (atom_start != start && (in.at_end() || next == '@' || next == '>'));
            if (dot) return refusal{protocol_errc::misplaced_dot, atom_start};
            bool const nothing = atom_start == start && (in.at_end() || next == '@' || next == '>');
            return refusal{nothing ? protocol_errc::empty_local_part : protocol_errc::bad_local_part, atom_start};
        }
        if (!in.skip('.')) return in.since(start);
    }
}

/// RFC 5321 §4.1.2  Quoted-string = DQUOTE *QcontentSMTP DQUOTE
inline parsed<std::string_view> quoted_string(cursor& in, bool& any_utf8) noexcept {
    std::size_t const start = in.position();
    in.advance();
    for (;;) {
        in.take_while([](char c) { return is_printable(c) && c != '"' && c != '\\'; });  // qtextSMTP
        std::size_t const at = in.position();
        if (in.at_end()) return refusal{protocol_errc::unterminated_quote, start};
        if (in.skip('"')) return in.since(start);
        if (is_eight_bit(in.peek())) {
            if (auto const fault = skip_utf8(in)) return refusal{*fault, at};
            any_utf8 = true;
            continue;
        }
        // quoted-pairSMTP = %d92 %d32-126
        if (!in.skip('\\')) return refusal{protocol_errc::bad_quoted_string, at};
        if (in.at_end()) return refusal{protocol_errc::unterminated_quote, start};
        if (!is_printable(in.peek())) return refusal{protocol_errc::bad_quoted_string, at};
        in.advance();
    }
}

/// `parse_mailbox()` with UTF-8 let through; `mailbox::utf8` says whether there was some.
inline parsed<mailbox> mailbox_grammar(cursor& in, address_options options) {
    mailbox found;
    std::size_t const start = in.position();
    found.quoted = in.peek() == '"';
    auto const local = found.quoted ? quoted_string(in, found.utf8) : dot_string(in, found.utf8);
    if (!local) return local.error();
    if (options.strict_lengths && local->size() > 64) return refusal{protocol_errc::local_part_too_long, start};
    found.local_part = *local;

    if (!in.skip('@')) {
        bool const ends_here = in.at_end() || in.peek() == '>';
        return refusal{ends_here ? protocol_errc::missing_domain : protocol_errc::bad_local_part, in.position()};
    }
    found.literal = in.peek() == '[';
    if (found.literal) {
        std::size_t const literal_start = in.position();
        auto const address = address_literal(in);
        if (!address) return address.error();
        found.domain = in.since(literal_start);
        return found;
    }
    auto const name = domain_grammar(in, found.utf8);
    if (!name) return name.error();
    found.domain = *name;
    return found;
}

/// Where the first octet above 127 stands that is read from `start` on.
inline std::size_t first_eight_bit(cursor const& in, std::size_t start) noexcept {
    std::string_view const text = in.since(start);
    std::size_t i = 0;
    while (i < text.size() && !is_eight_bit(text[i])) ++i;
    return start + i;
}

}  // namespace detail

MAILQUAY_DECL parsed<mailbox> parse_mailbox(cursor& in, address_options options) {
    std::size_t const start = in.position();
    auto found = detail::mailbox_grammar(in, options);
    if (found && found->utf8 && !options.utf8) {
        return refusal{protocol_errc::utf8_not_allowed, detail::first_eight_bit(in, start)};
    }
    return found;
}

MAILQUAY_DECL parsed<mailbox> parse_mailbox(std::string_view text, address_options options) {
    cursor in{text};
    auto found = detail::mailbox_grammar(in, options);
    if (!found) return found;
    if (!in.at_end()) {
        return refusal{found->literal ? protocol_errc::bad_address_literal : protocol_errc::bad_domain, in.position()};
    }
    if (found->utf8 && !options.utf8) return refusal{protocol_errc::utf8_not_allowed, detail::first_eight_bit(in, 0)};
    return found;
}

MAILQUAY_DECL std::string_view local_part_unquoted(std::string_view local_part, std::span<char> out) noexcept {
    if (local_part.size() < 2 || local_part.front() != '"') return local_part;
    assert(out.size() >= local_part.size());
    std::size_t size = 0;
    for (std::size_t i = 1; i + 1 < local_part.size(); ++i) {
        if (local_part[i] == '\\' && i + 2 < local_part.size()) ++i;
        out[size++] = local_part[i];
    }
    return {out.data(), size};
}

MAILQUAY_DECL std::string_view local_part_unquoted(std::string_view local_part, std::string& out) {
    if (local_part.size() < 2 || local_part.front() != '"') return local_part;
    std::size_t const start = out.size();
    out.resize(start + local_part.size());
    auto const unquoted = local_part_unquoted(local_part, std::span<char>{out.data() + start, local_part.size()});
    out.resize(start + unquoted.size());
    return std::string_view{out}.substr(start);
}

MAILQUAY_DECL bool needs_quotes(std::string_view unquoted) noexcept {
    bool dot_before = true;
    for (char c : unquoted) {
        bool const dot = c == '.';
        if (dot ? dot_before : !is_atext(c) && !detail::is_eight_bit(c)) return true;
        dot_before = dot;
    }
    return dot_before;
}

MAILQUAY_DECL void append_local_part(std::string& out, std::string_view unquoted) {
    if (!needs_quotes(unquoted)) {
        out += unquoted;
        return;
    }
    out += '"';
    for (char c : unquoted) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

MAILQUAY_DECL void append_normalised_domain(std::string& out, mailbox const& address) {
    if (address.literal) {
        cursor in{address.domain};
        if (auto const host = address_literal(in)) return append_address_literal(out, *host);
    }
    append_normalised_domain(out, address.domain);
}

}  // namespace mailquay::inline MAILQUAY_ABI
