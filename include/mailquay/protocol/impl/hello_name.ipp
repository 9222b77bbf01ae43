#pragma once

#include <mailquay/protocol/hello_name.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_literal.hpp>
#include <mailquay/protocol/detail/plain_domain.hpp>

#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<hello_name> parse_hello_name(std::string_view argument) {
    if (detail::plain_domain(argument)) return hello_name{argument, hello_name::form::domain};
    if (argument.empty()) return refusal{protocol_errc::argument_missing};
    for (std::size_t i = 0; i < argument.size(); ++i) {
        if (!is_printable(argument[i]) || argument[i] == ' ') return refusal{protocol_errc::bad_hello_name, i};
    }
    hello_name name{argument, hello_name::form::other};
    cursor in{argument};
    auto const strict = domain_or_literal(in);
    if (strict && in.at_end()) {
        name.kind = argument.front() == '[' ? hello_name::form::literal : hello_name::form::domain;
    }
    return name;
}

}  // namespace mailquay::inline MAILQUAY_ABI
