#pragma once

#include <mailquay/protocol/params/dsn.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/impl/xtext.ipp>
#include <mailquay/protocol/xtext.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::array<std::pair<dsn_notify, std::string_view>, 4> notify_names{{
    {dsn_notify::success, "SUCCESS"},
    {dsn_notify::failure, "FAILURE"},
    {dsn_notify::delay, "DELAY"},
    {dsn_notify::never, "NEVER"},
}};

/// RFC 3461 §4.2, §4.4: what is encoded must be printable (graphic and white space) ASCII.
inline bool is_printable_text(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c); });
}

/// RFC 5321 §4.1.2  Atom, which addr-type is.
inline bool is_atom_octet(char c) noexcept {
    return is_alnum(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

/// Whether an ASCII code point has to be embedded; RFC 6533 §3 allows no other to be.
constexpr bool is_embedded_ascii(char32_t code_point) noexcept {
    return code_point == ' ' || code_point == '+' || code_point == '=' || code_point == '\\';
}

/// RFC 6533 §3  EmbeddedUnicodeChar = "\x{" HEXPOINT "}"; upper-case digits, no zero in front but in the form of two.
inline std::optional<char32_t> embedded_unicode_char(cursor& in) noexcept {
    if (in.peek(1) != 'x' || in.peek(2) != '{') return std::nullopt;
    in.advance(3);
    auto const hex = in.take_while([](char c) { return xtext_digit(c) >= 0; });
    if (hex.size() < 2 || hex.size() > 6 || !in.skip('}')) return std::nullopt;
    if (hex.front() == '0' && hex.size() != 2) return std::nullopt;
    char32_t value = 0;
    for (char const c : hex) value = value * 16 + static_cast<char32_t>(xtext_digit(c));
    bool const surrogate = value >= 0xd800 && value <= 0xdfff;
    if (surrogate || value > 0x10ffff || (value < 0x80 && !is_embedded_ascii(value))) return std::nullopt;
    return value;
}

/// RFC 6533 §3  utf-8-enc-addr: one grammar covers its three forms.
inline std::optional<std::string> utf8_enc_addr(std::string_view text) {
    std::string address;
    cursor in{text};
    while (!in.at_end()) {
        char const next = in.peek();
        bool const escaped = next == '\\';
        if (!escaped && static_cast<unsigned char>(next) < 0x80 && (!is_printable(next) || is_embedded_ascii(static_cast<unsigned char>(next))))
            return std::nullopt;
        auto const code_point = escaped ? embedded_unicode_char(in) : decode_utf8(in);
        if (!code_point || forbidden_in_address(*code_point)) return std::nullopt;
        append_utf8(address, *code_point);
    }
    if (address.empty()) return std::nullopt;
    return address;
}

}  // namespace detail

MAILQUAY_DECL parsed<dsn_return> parse_ret(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    for (auto const which : {dsn_return::full, dsn_return::headers})
        if (iequals(given.value, to_string(which))) return which;
    return refusal{protocol_errc::bad_ret};
}

MAILQUAY_DECL parsed<dsn_notify> parse_notify(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    dsn_notify found = dsn_notify::unsaid;
    std::string_view rest = given.value;
    for (;;) {
        auto const end = std::min(rest.find(','), rest.size());
        std::string_view const word = rest.substr(0, end);
        auto const named = std::find_if(detail::notify_names.begin(), detail::notify_names.end(),
                                        [&](auto const& one) { return iequals(one.second, word); });
        if (named == detail::notify_names.end()) return refusal{protocol_errc::bad_notify};
        found = found | named->first;
        if (end == rest.size()) break;
        rest.remove_prefix(end + 1);
    }
    if (has(found, dsn_notify::never) && given.value.size() != std::string_view{"NEVER"}.size())
        return refusal{protocol_errc::bad_notify};
    return found;
}

MAILQUAY_DECL parsed<std::string> parse_envid(parameter const& given) {
    constexpr std::size_t most = 100;
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    if (given.value.size() > most) return refusal{protocol_errc::bad_envid};
    auto decoded = decode_xtext(given.value);
    if (!decoded || !detail::is_printable_text(*decoded)) return refusal{protocol_errc::bad_envid};
    return decoded;
}

MAILQUAY_DECL parsed<original_recipient> parse_orcpt(parameter const& given) {
    constexpr std::size_t most = 500;
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    auto const semicolon = given.value.find(';');
    if (given.value.size() > most || semicolon == 0 || semicolon == std::string_view::npos) return refusal{protocol_errc::bad_orcpt};
    std::string_view const type = given.value.substr(0, semicolon);
    std::string_view const encoded = given.value.substr(semicolon + 1);
    if (!std::all_of(type.begin(), type.end(), detail::is_atom_octet)) return refusal{protocol_errc::bad_orcpt};

    original_recipient found{std::string(type), {}};
    if (iequals(type, "utf-8")) {
        auto decoded = detail::utf8_enc_addr(encoded);
        if (!decoded) return refusal{protocol_errc::bad_orcpt};
        found.address = std::move(*decoded);
    } else {
        auto decoded = decode_xtext(encoded);
        if (!decoded || !detail::is_printable_text(*decoded)) return refusal{protocol_errc::bad_orcpt};
        found.address = std::move(*decoded);
    }
    return found;
}

MAILQUAY_DECL bool append_orcpt(std::string& out, original_recipient const& value, bool utf8) {
    bool const typed = !value.type.empty() && std::all_of(value.type.begin(), value.type.end(), detail::is_atom_octet);
    if (!typed || value.address.empty()) return false;
    std::size_t const before = out.size();
    out.append(value.type).append(1, ';');
    if (!iequals(value.type, "utf-8")) {
        bool const printable = detail::is_printable_text(value.address);
        if (printable) append_xtext(out, value.address);
        else out.resize(before);
        return printable;
    }
    cursor in{value.address};
    while (!in.at_end()) {
        auto const code_point = decode_utf8(in);
        if (!code_point || *code_point < 0x20 || *code_point == 0x7f) {
            out.resize(before);
            return false;
        }
        bool const embed = *code_point < 0x80 ? detail::is_embedded_ascii(*code_point) : !utf8;
        if (!embed) {
            append_utf8(out, *code_point);
            continue;
        }
        constexpr std::string_view digits = "0123456789ABCDEF";
        int shift = 4;
        while (*code_point >> shift >= 16) shift += 4;
        out.append("\\x{");
        for (; shift >= 0; shift -= 4) out += digits[*code_point >> shift & 15];
        out += '}';
    }
    return true;
}

MAILQUAY_DECL std::string_view to_string(dsn_return which) noexcept {
    switch (which) {
        case dsn_return::unsaid: return {};
        case dsn_return::full: return "FULL";
        case dsn_return::headers: return "HDRS";
    }
    return {};
}

MAILQUAY_DECL std::string to_string(dsn_notify which) {
    std::string text;
    for (auto const& [one, name] : detail::notify_names)
        if (has(which, one)) text.append(text.empty() ? "" : ",").append(name);
    return text;
}

}  // namespace mailquay::inline MAILQUAY_ABI
