#pragma once

#include <mailquay/protocol/address_literal.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/domain.hpp>

#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<ip_address> address_literal(cursor& in) {
    std::size_t const start = in.position();
    std::string_view content = in.rest();
    std::size_t const close = content.find(']');
    if (!content.starts_with('[') || close == std::string_view::npos) {
        return refusal{protocol_errc::bad_address_literal, start};
    }
    content = content.substr(1, close - 1);

    constexpr std::string_view v6_tag = "IPv6:";
    bool const tagged_v6 = istarts_with(content, v6_tag);
    if (tagged_v6) content.remove_prefix(v6_tag.size());
    auto const address = ip_address::parse(content);
    bool const right_kind = address && (tagged_v6 ? address->is_v6() : address->is_v4());
    if (!right_kind) {
        // A tag is Ldh-str; what begins like an IPv6 address has only lost its own.
        cursor tag{content};
        std::string_view const name = tag.take_while([](char c) { return is_let_dig(c) || c == '-'; });
        bool const other_tag = !tagged_v6 && !name.empty() && tag.peek() == ':' && !address &&
                               name.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos;
        return refusal{other_tag ? protocol_errc::unsupported_literal : protocol_errc::bad_address_literal, start};
    }
    in.advance(close + 1);
    return *address;
}

MAILQUAY_DECL parsed<std::string_view> domain_or_literal(cursor& in, address_options options) {
    if (in.peek() != '[') return domain(in, options);
    std::size_t const start = in.position();
    auto const address = address_literal(in);
    if (!address) return address.error();
    return in.since(start);
}

MAILQUAY_DECL void append_address_literal(std::string& out, ip_address const& address) {
    out += address.is_v6() ? "[IPv6:" : "[";
    address.append_to(out);
    out += ']';
}

}  // namespace mailquay::inline MAILQUAY_ABI
