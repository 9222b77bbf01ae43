#pragma once

#include <mailquay/protocol/xforward.hpp>

#include <mailquay/protocol/detail/peer_attributes.hpp>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Printable ASCII but for spaces and what is special in header fields (RFC 5322 §3.2.3), less "[", "]", ":" and "@", which
/// addresses have, and ".".
inline bool is_forwarded_text(std::string_view text) noexcept {
    for (char const c : text)
        if (!is_printable(c) || c == ' ' || std::string_view{"()<>,;\"\\"}.find(c) != std::string_view::npos) return false;
    return true;
}

}  // namespace detail

MAILQUAY_DECL parsed<void> parse_xforward(std::string_view argument, forwarded_client& into) {
    static constexpr std::string_view names[] = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"};
    constexpr std::size_t most_protocol_octets = 64;
    using origin = forwarded_client::origin;
    forwarded_client found = into;
    auto const text = [](std::string& value, std::string& kept, std::size_t most = detail::most_peer_value_octets) {
        bool const unavailable = detail::is_unavailable(value);
        if (!unavailable && (value.size() > most || !detail::is_forwarded_text(value)))
            return std::optional{protocol_errc::bad_parameter_value};
        kept = unavailable ? std::string{} : std::move(value);
        return std::optional<protocol_errc>{};
    };
    auto const take = [&](std::size_t which, std::string value) -> std::optional<protocol_errc> {
        switch (which) {
            case 0: return text(value, found.name);
            case 1: {
                // Anything may stand here; what is an address gets its one form.
                auto const address = detail::peer_address(value);
                if (address && !address->is_none()) value = address->to_string();
                return text(value, found.address);
            }
            case 2: {
                auto const port = detail::peer_port(value);
                if (!port) return protocol_errc::bad_parameter_value;
                found.port = *port;
                return std::nullopt;
            }
            case 3: return text(value, found.protocol, most_protocol_octets);
            case 4: return text(value, found.hello_name);
            case 5: return text(value, found.ident);
            default:
                found.source = iequals(value, "LOCAL")    ? origin::local
                               : iequals(value, "REMOTE") ? origin::remote
                                                          : origin::unknown;
                if (found.source == origin::unknown && !detail::is_unavailable(value)) return protocol_errc::bad_parameter_value;
                return std::nullopt;
        }
    };
    if (auto const wrong = detail::read_peer_attributes(argument, names, take)) return *wrong;
    into = std::move(found);
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI
