#pragma once

#include <mailquay/base/log_fields.hpp>

#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/hex.hpp>
#include <mailquay/base/utf8.hpp>

#include <cstddef>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

constexpr bool must_escape_in_log(std::optional<char32_t> code_point) noexcept {
    return !code_point || *code_point == U'"' || *code_point == U'\\' || forbidden_in_address(*code_point);
}

inline bool must_quote_in_log(std::string_view value) noexcept {
    cursor in{value};
    while (!in.at_end()) {
        if (in.peek() == ' ' || in.peek() == '=' || must_escape_in_log(decode_utf8(in))) return true;
    }
    return value.empty();
}

inline void append_log_escaped(std::string& out, std::string_view value) {
    cursor in{value};
    while (!in.at_end()) {
        std::size_t const start = in.position();
        auto const code_point = decode_utf8(in);
        if (!code_point) in.advance(1);
        if (!must_escape_in_log(code_point)) {
            out += in.since(start);
            continue;
        }
        for (char octet : in.since(start)) {
            out += "\\x";
            append_hex(out, octet);
        }
    }
}

}  // namespace detail

MAILQUAY_DECL void log_line::add_key(std::string_view key) {
    text_ += ' ';
    text_ += key;
    text_ += '=';
}

MAILQUAY_DECL log_line& log_line::add_text(std::string_view key, std::string_view value) {
    add_key(key);
    if (!detail::must_quote_in_log(value)) {
        text_ += value;
        return *this;
    }
    text_ += '"';
    detail::append_log_escaped(text_, value);
    text_ += '"';
    return *this;
}

MAILQUAY_DECL log_line& log_line::add_address(std::string_view key, ip_address const& value) {
    add_key(key);
    value.append_to(text_);
    return *this;
}

MAILQUAY_DECL log_line& log_line::add_endpoint(std::string_view key, ip_endpoint const& value) {
    add_key(key);
    value.append_to(text_);
    return *this;
}

MAILQUAY_DECL log_line& log_line::add_seconds(std::string_view key, std::chrono::milliseconds value) {
    add_key(key);
    auto count = value.count();
    if (count < 0) text_ += '-';
    auto const magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    append_decimal(text_, magnitude / 1000);
    text_ += '.';
    for (std::uint64_t unit = 100; unit > 0; unit /= 10) {
        text_ += static_cast<char>('0' + magnitude / unit % 10);
    }
    return *this;
}

MAILQUAY_DECL log_line& log_line::add_signed(std::string_view key, std::int64_t value) {
    add_key(key);
    if (value < 0) text_ += '-';
    append_decimal(text_, value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
    return *this;
}

MAILQUAY_DECL log_line& log_line::add_unsigned(std::string_view key, std::uint64_t value) {
    add_key(key);
    append_decimal(text_, value);
    return *this;
}

}  // namespace mailquay::inline MAILQUAY_ABI
