#pragma once

#include <mailquay/protocol/params/rrvs.hpp>

#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/timestamp.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<valid_since> parse_rrvs(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    cursor in{given.value};
    auto const when = timestamp(in);
    if (!when) return refusal{protocol_errc::bad_rrvs};
    valid_since found{*when, rrvs_action::unsaid};
    if (in.skip(';')) {
        if (in.iskip("C")) {
            found.action = rrvs_action::go_on;
        } else if (in.iskip("R")) {
            found.action = rrvs_action::refuse;
        } else {
            return refusal{protocol_errc::bad_rrvs};
        }
    }
    if (!in.at_end()) return refusal{protocol_errc::bad_rrvs};
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
