#pragma once

#include <mailquay/protocol/params/mt_priority.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<std::int8_t> parse_mt_priority(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    cursor in{given.value};
    bool const negative = in.skip('-');
    char const digit = in.peek();
    in.advance();
    if (!is_digit(digit) || !in.at_end() || (negative && digit == '0')) return refusal{protocol_errc::bad_priority};
    int const value = digit - '0';
    return static_cast<std::int8_t>(negative ? -value : value);
}

}  // namespace mailquay::inline MAILQUAY_ABI
