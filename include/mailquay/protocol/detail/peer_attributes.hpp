#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/protocol/refusal.hpp>
#include <mailquay/protocol/xtext.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What XCLIENT and XFORWARD have in common: 1*( SP attribute-name "=" xtext ).
namespace mailquay::inline MAILQUAY_ABI::detail {

/// The document's limit of a value, in octets.
inline constexpr std::size_t most_peer_value_octets = 255;

constexpr bool is_unavailable(std::string_view value) noexcept { return iequals(value, "[UNAVAILABLE]"); }

/// A decimal port from 1 to 65535; 0 for [UNAVAILABLE].
inline std::optional<std::uint16_t> peer_port(std::string_view value) noexcept {
    if (is_unavailable(value)) return std::uint16_t{0};
    auto const port = parse_decimal<std::uint16_t>(value);
    return port && *port != 0 ? port : std::nullopt;
}

/// A dotted quad, or "IPV6:" and an IPv6 address, in any case; none for [UNAVAILABLE].
inline std::optional<ip_address> peer_address(std::string_view value) noexcept {
    constexpr std::string_view v6_prefix = "IPV6:";
    if (is_unavailable(value)) return ip_address{};
    bool const v6 = value.size() > v6_prefix.size() && iequals(value.substr(0, v6_prefix.size()), v6_prefix);
    auto const address = ip_address::parse(v6 ? value.substr(v6_prefix.size()) : value);
    if (!address || address->is_v6() != v6) return std::nullopt;
    return address->unmapped();
}

/// Reads the attributes of one command. `take(index, value)` gets the place of the attribute in `names` and its value without
/// xtext; it returns what is wrong with the value, or nothing.
template <std::size_t Count, class Take>
std::optional<refusal> read_peer_attributes(std::string_view argument, std::string_view const (&names)[Count], Take take) {
    bool seen[Count] = {};
    if (argument.empty()) return refusal{protocol_errc::argument_missing};
    for (std::size_t at = 0; at < argument.size();) {
        while (at < argument.size() && argument[at] == ' ') ++at;
        auto const word = argument.substr(at, argument.find(' ', at) - at);
        auto const equals = word.find('=');
        std::size_t which = 0;
        while (which < Count && !iequals(names[which], word.substr(0, equals))) ++which;
        if (which == Count) return refusal{protocol_errc::bad_parameter, at};
        if (std::exchange(seen[which], true)) return refusal{protocol_errc::duplicate_parameter, at};
        std::size_t const begin = at + names[which].size() + 1;
        if (equals == std::string_view::npos || equals + 1 == word.size())
            return refusal{protocol_errc::parameter_value_missing, begin};
        auto value = decode_xtext(word.substr(equals + 1));
        if (!value) return refusal{value.error().code, begin + value.error().position};
        if (value->size() > most_peer_value_octets) return refusal{protocol_errc::bad_parameter_value, begin};
        if (auto const wrong = take(which, std::move(*value))) return refusal{*wrong, begin};
        at += word.size();
    }
    return std::nullopt;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
