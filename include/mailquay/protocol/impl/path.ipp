#pragma once

#include <mailquay/protocol/path.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/detail/plain_path.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/impl/domain.ipp>
#include <mailquay/protocol/impl/mailbox.ipp>

#include <cstddef>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 5321 §4.1.2  A-d-l ":" with A-d-l = At-domain *( "," At-domain )
inline std::optional<refusal> skip_source_route(cursor& in, bool& any_utf8) {
    for (;;) {
        std::size_t const at = in.position();
        if (!in.skip('@')) return refusal{protocol_errc::bad_source_route, at};
        auto const host = domain_grammar(in, any_utf8);
        if (!host) return refusal{protocol_errc::bad_source_route, host.error().position};
        if (in.skip(':')) return std::nullopt;
        if (in.peek() == '>') return refusal{protocol_errc::empty_local_part, at};
        if (!in.skip(',')) return refusal{protocol_errc::bad_source_route, in.position()};
    }
}

/// "Postmaster" in any case and nothing else, `closed` by ">" or by the end of the word.
inline bool is_bare_postmaster(std::string_view rest, bool closed) noexcept {
    constexpr std::string_view name = "postmaster";
    if (!istarts_with(rest, name)) return false;
    rest.remove_prefix(name.size());
    return closed ? rest.starts_with('>') : rest.empty() || rest.front() == ' ';
}

inline parsed<path> path_grammar(cursor& in, address_options options, path_role role) {
    if (options.space_after_colon) {
        in.take_while([](char c) { return c == ' '; });
    } else if (in.peek() == ' ') {
        return refusal{protocol_errc::space_before_path, in.position()};
    }
    std::size_t const start = in.position();
    bool const closed = in.skip('<');
    if (!closed && (!options.missing_brackets || in.at_end() || in.peek() == ' ')) {
        return refusal{protocol_errc::missing_open_bracket, start};
    }

    path found;
    if (closed && in.peek() == '>') {
        if (role == path_role::forward) return refusal{protocol_errc::null_forward_path, start};
        in.advance();
        found.null = true;
        return found;
    }
    bool route_utf8 = false;
    if (in.peek() == '@') {
        if (auto const fault = skip_source_route(in, route_utf8)) return *fault;
    }
    std::size_t const mailbox_start = in.position();
    if (role == path_role::forward && is_bare_postmaster(in.rest(), closed)) {
        in.take_while(is_alpha);
        found.postmaster = true;
        found.address.local_part = in.since(mailbox_start);
    } else {
        auto const address = mailbox_grammar(in, options);
        if (!address) return address.error();
        found.address = *address;
    }
    found.text = in.since(mailbox_start);

    bool const ended = closed ? in.skip('>') : in.at_end() || in.peek() == ' ';
    if (!ended) {
        bool const within_domain = !in.at_end() && !found.address.literal;
        return refusal{within_domain ? protocol_errc::bad_domain : protocol_errc::missing_close_bracket, in.position()};
    }
    if (options.strict_lengths && in.position() - start > 256) return refusal{protocol_errc::path_too_long, start};
    found.address.utf8 |= route_utf8;
    if (found.address.utf8 && !options.utf8)
        return refusal{protocol_errc::utf8_not_allowed, first_eight_bit(in, start)};
    return found;
}

/// The same, with what is wrong ascribed to `role`.
inline parsed<path> path_of(cursor& in, address_options options, path_role role) {
    parsed<path> found{path{}};
    if (plain_path(in, *found)) return found;
    found = path_grammar(in, options, role);
    if (!found) found = refusal{found.error().code, found.error().position, role};
    return found;
}

}  // namespace detail

MAILQUAY_DECL parsed<path> parse_reverse_path(cursor& in, address_options options) {
    return detail::path_of(in, options, path_role::reverse);
}

MAILQUAY_DECL parsed<path> parse_forward_path(cursor& in, address_options options) {
    return detail::path_of(in, options, path_role::forward);
}

}  // namespace mailquay::inline MAILQUAY_ABI
