#pragma once

#include <mailquay/protocol/verb.hpp>

#include <mailquay/base/ascii.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The first four octets of `name`, which must have them, in lower case. Setting the bit of lower case maps no two
/// octets to
/// a letter but its two cases, so that a comparison with letters is exact.
constexpr std::uint32_t folded_quad(std::string_view name) noexcept {
    std::array<char, 4> const octets{name[0], name[1], name[2], name[3]};
    return std::bit_cast<std::uint32_t>(octets) | 0x20202020u;
}

inline constexpr std::array<std::string_view, verb_count> verb_names = {
    "unknown", "HELO",     "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT",    "VRFY",    "EXPN",
    "HELP",    "STARTTLS", "AUTH", "BURL", "ETRN", "ATRN", "TURN", "SEND", "SOML", "SAML", "XCLIENT", "XFORWARD"};

constexpr bool is_verb_octet(char c) noexcept { return is_alnum(c) || c == '-'; }

}  // namespace detail

MAILQUAY_DECL verb parse_verb(std::string_view name) noexcept {
    using detail::folded_quad;
    if (name.size() < 4) return verb::unknown;
    auto whole = [&](verb which) { return name.size() == 4 ? which : verb::unknown; };
    auto longer = [&](verb which) { return iequals(name, to_string(which)) ? which : verb::unknown; };
    switch (folded_quad(name)) {
        case folded_quad("rcpt"): return whole(verb::rcpt);
        case folded_quad("mail"): return whole(verb::mail);
        case folded_quad("data"): return whole(verb::data);
        case folded_quad("bdat"): return whole(verb::bdat);
        case folded_quad("ehlo"): return whole(verb::ehlo);
        case folded_quad("helo"): return whole(verb::helo);
        case folded_quad("lhlo"): return whole(verb::lhlo);
        case folded_quad("quit"): return whole(verb::quit);
        case folded_quad("rset"): return whole(verb::rset);
        case folded_quad("noop"): return whole(verb::noop);
        case folded_quad("vrfy"): return whole(verb::vrfy);
        case folded_quad("expn"): return whole(verb::expn);
        case folded_quad("help"): return whole(verb::help);
        case folded_quad("auth"): return whole(verb::auth);
        case folded_quad("burl"): return whole(verb::burl);
        case folded_quad("etrn"): return whole(verb::etrn);
        case folded_quad("atrn"): return whole(verb::atrn);
        case folded_quad("turn"): return whole(verb::turn);
        case folded_quad("send"): return whole(verb::send);
        case folded_quad("soml"): return whole(verb::soml);
        case folded_quad("saml"): return whole(verb::saml);
        case folded_quad("star"): return longer(verb::starttls);
        case folded_quad("xcli"): return longer(verb::xclient);
        case folded_quad("xfor"): return longer(verb::xforward);
        default: return verb::unknown;
    }
}

MAILQUAY_DECL std::string_view to_string(verb which) noexcept {
    auto const index = static_cast<std::size_t>(which);
    return detail::verb_names[index < verb_count ? index : 0];
}

MAILQUAY_DECL bool is_http_method(std::string_view name) noexcept {
    for (std::string_view method : {"GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS"}) {
        if (iequals(name, method)) return true;
    }
    return false;
}

MAILQUAY_DECL parsed<command_line> parse_command_line(std::string_view line) noexcept {
    while (!line.empty() && is_wsp(line.back())) line.remove_suffix(1);
    if (line.empty()) return refusal{protocol_errc::empty_line};

    command_line found;
    std::size_t end = 4;  // what most verbs have
    if (line.size() == end || (line.size() > end && line[end] == ' ')) found.verb = parse_verb({line.data(), end});
    if (found.verb == verb::unknown) {
        end = 0;
        while (end < line.size() && detail::is_verb_octet(line[end])) ++end;
        bool const ends_well = end != 0 && (end == line.size() || line[end] == ' ');
        if (!ends_well) return refusal{protocol_errc::bad_verb, end};
        found.verb = parse_verb({line.data(), end});
    }
    found.name = {line.data(), end};
    while (end < line.size() && line[end] == ' ') ++end;
    found.argument = {line.data() + end, line.size() - end};
    found.has_argument = !found.argument.empty();
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
