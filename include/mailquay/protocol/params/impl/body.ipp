#pragma once

#include <mailquay/protocol/params/body.hpp>

#include <mailquay/base/ascii.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view to_string(body_type which) noexcept {
    switch (which) {
        case body_type::seven_bit: return "7BIT";
        case body_type::eight_bit_mime: return "8BITMIME";
        case body_type::binary_mime: return "BINARYMIME";
    }
    return "7BIT";
}

MAILQUAY_DECL parsed<body_type> parse_body(parameter const& given) noexcept {
    if (!given.has_value) return refusal{protocol_errc::parameter_value_missing};
    for (auto which : {body_type::eight_bit_mime, body_type::seven_bit, body_type::binary_mime}) {
        if (iequals(given.value, to_string(which))) return which;
    }
    return refusal{protocol_errc::bad_body};
}

}  // namespace mailquay::inline MAILQUAY_ABI
