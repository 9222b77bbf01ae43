#pragma once

#include <mailquay/protocol/xclient.hpp>

#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/detail/peer_attributes.hpp>
#include <mailquay/protocol/hello_name.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// What the DNS has as names of hosts, which are not always domains as RFC 5321 has them.
inline bool is_host_name(std::string_view name) noexcept {
    return std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

/// Keeps a text for which `fits` holds; nothing in place of [UNAVAILABLE].
template <class Fits>
std::optional<protocol_errc> take_peer_text(std::string value, std::optional<std::string>& into, Fits fits) {
    bool const unavailable = is_unavailable(value);
    if (!unavailable && !fits(value)) return protocol_errc::bad_parameter_value;
    into = unavailable ? std::string{} : std::move(value);
    return std::nullopt;
}

template <class T>
std::optional<protocol_errc> take_peer_value(std::optional<T> const& value, std::optional<T>& into) noexcept {
    if (!value) return protocol_errc::bad_parameter_value;
    into = value;
    return std::nullopt;
}

}  // namespace detail

MAILQUAY_DECL parsed<xclient_values> parse_xclient(std::string_view argument) {
    static constexpr std::string_view names[] = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT",
                                                 "REVERSE_NAME"};
    xclient_values found;
    auto const take_name = [](std::string value, std::optional<std::string>& into, bool& for_now) {
        for_now = iequals(value, "[TEMPUNAVAIL]");
        return detail::take_peer_text(for_now ? std::string{"[UNAVAILABLE]"} : std::move(value), into, detail::is_host_name);
    };
    auto const take = [&](std::size_t which, std::string value) -> std::optional<protocol_errc> {
        bool unused = false;
        switch (which) {
            case 0: return take_name(std::move(value), found.name, found.name_unknown_for_now);
            case 1: return detail::take_peer_value(detail::peer_address(value), found.address);
            case 2: return detail::take_peer_value(detail::peer_port(value), found.port);
            case 3:
                found.extended = iequals(value, "ESMTP");
                if (!*found.extended && !iequals(value, "SMTP")) return protocol_errc::bad_parameter_value;
                return std::nullopt;
            case 4:
                return detail::take_peer_text(std::move(value), found.hello_name,
                                              [](std::string_view text) { return parse_hello_name(text).has_value(); });
            case 5: return detail::take_peer_text(std::move(value), found.login, allowed_in_address);
            case 6: return detail::take_peer_value(detail::peer_address(value), found.destination);
            case 7: return detail::take_peer_value(detail::peer_port(value), found.destination_port);
            default: return take_name(std::move(value), found.reverse_name, unused);
        }
    };
    if (auto const wrong = detail::read_peer_attributes(argument, names, take)) return *wrong;
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
