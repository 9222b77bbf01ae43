#pragma once

#include <mailquay/protocol/params/deliver_by.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<deliver_by> parse_deliver_by(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    cursor in{given.value};
    bool const negative = in.skip('-');
    if (!negative) in.skip('+');
    auto const digits = in.take_while(is_digit);
    if (digits.empty() || digits.size() > 9 || !in.skip(';')) return refusal{protocol_errc::bad_deliver_by};

    deliver_by found;
    auto const seconds = static_cast<std::int32_t>(*parse_decimal<std::uint32_t>(digits));
    found.seconds = negative ? -seconds : seconds;
    if (in.iskip("R")) {
        found.mode = by_mode::return_to_sender;
    } else if (!in.iskip("N")) {
        return refusal{protocol_errc::bad_deliver_by};
    }
    found.trace = in.iskip("T");
    if (!in.at_end()) return refusal{protocol_errc::bad_deliver_by};
    if (found.mode == by_mode::return_to_sender && found.seconds <= 0) return refusal{protocol_errc::bad_deliver_by};
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
