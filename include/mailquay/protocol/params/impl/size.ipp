#pragma once

#include <mailquay/protocol/params/size.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <limits>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<std::uint64_t> parse_size(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    bool const digits = std::all_of(given.value.begin(), given.value.end(), [](char c) { return is_digit(c); });
    if (given.value.empty() || given.value.size() > 20 || !digits) return refusal{protocol_errc::bad_size};
    return parse_decimal<std::uint64_t>(given.value).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace mailquay::inline MAILQUAY_ABI
