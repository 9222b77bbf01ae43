#pragma once

#include <mailquay/protocol/bdat_command.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<bdat_command> parse_bdat_argument(std::string_view argument) noexcept {
    if (argument.empty()) return refusal{protocol_errc::argument_missing};
    auto const size = argument.substr(0, std::min(argument.find(' '), argument.size()));
    auto const octets = parse_decimal<std::uint64_t>(size);
    if (!octets || *octets > largest_chunk) return refusal{protocol_errc::bad_chunk_size};

    bdat_command found;
    found.octets = *octets;
    argument.remove_prefix(size.size());
    while (!argument.empty() && argument.front() == ' ') argument.remove_prefix(1);
    found.last = iequals(argument, "LAST");
    found.bad_marker = !found.last && !argument.empty();
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
