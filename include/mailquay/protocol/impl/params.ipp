#pragma once

#include <mailquay/protocol/params.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>

#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 5321 §4.1.2  esmtp-value = 1*(%d33-60 / %d62-126), and UTF8-non-ascii by RFC 6531 §3.3
inline parsed<std::string_view> esmtp_value(cursor& in, address_options options) noexcept {
    std::size_t const start = in.position();
    for (;;) {
        in.take_while([](char c) { return is_printable(c) && c != ' ' && c != '='; });
        if (static_cast<unsigned char>(in.peek()) < 0x80) break;
        std::size_t const at = in.position();
        auto const code_point = decode_utf8(in);
        if (!code_point || forbidden_in_address(*code_point)) return refusal{protocol_errc::bad_parameter_value, at};
        if (!options.utf8) return refusal{protocol_errc::utf8_not_allowed, at};
    }
    bool const ends_well = in.at_end() || in.peek() == ' ';
    if (!ends_well || in.position() == start) return refusal{protocol_errc::bad_parameter_value, in.position()};
    return in.since(start);
}

}  // namespace detail

MAILQUAY_DECL parsed<std::optional<parameter>> next_parameter(cursor& in, address_options options) {
    if (in.at_end()) return std::optional<parameter>{};
    if (!in.skip(' ')) return refusal{protocol_errc::junk_after_path, in.position()};
    in.take_while([](char c) { return c == ' '; });
    if (in.at_end()) return std::optional<parameter>{};

    // esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
    parameter found;
    std::size_t const start = in.position();
    if (!is_alnum(in.peek())) return refusal{protocol_errc::bad_parameter, start};
    found.keyword = in.take_while([](char c) { return is_alnum(c) || c == '-'; });
    found.has_value = in.skip('=');
    if (found.has_value) {
        auto const value = detail::esmtp_value(in, options);
        if (!value) return value.error();
        found.value = *value;
    } else if (!in.at_end() && in.peek() != ' ') {
        return refusal{protocol_errc::bad_parameter, in.position()};
    }
    return std::optional<parameter>{found};
}

MAILQUAY_DECL parsed<void> expect_no_value(parameter const& given) noexcept {
    if (given.has_value) return refusal{protocol_errc::parameter_value_not_allowed};
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI
