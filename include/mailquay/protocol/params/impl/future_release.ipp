#pragma once

#include <mailquay/protocol/params/future_release.hpp>

#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/timestamp.hpp>

#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<std::chrono::seconds> parse_hold_for(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    auto const seconds = given.value.size() <= 9 ? parse_decimal<std::uint32_t>(given.value) : std::nullopt;
    if (!seconds || given.value.front() == '0') return refusal{protocol_errc::bad_hold};
    return std::chrono::seconds{*seconds};
}

MAILQUAY_DECL parsed<std::chrono::sys_seconds> parse_hold_until(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    cursor in{given.value};
    auto const when = timestamp(in);
    if (!when || !in.at_end()) return refusal{protocol_errc::bad_hold};
    return *when;
}

}  // namespace mailquay::inline MAILQUAY_ABI
