#pragma once

#include <mailquay/protocol/verb.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/detail/folded_quad.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::array<std::string_view, verb_count> verb_names = {
    "unknown", "HELO",     "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT",    "VRFY",    "EXPN",
    "HELP",    "STARTTLS", "AUTH", "BURL", "ETRN", "ATRN", "TURN", "SEND", "SOML", "SAML", "XCLIENT", "XFORWARD"};

constexpr bool is_verb_octet(char c) noexcept { return is_alnum(c) || c == '-'; }

}  // namespace detail

namespace detail {

/// The verb of four letters.
inline verb verb_of_quad(std::uint32_t folded) noexcept {
    switch (folded) {
        case folded_quad("rcpt"): return verb::rcpt;
        case folded_quad("mail"): return verb::mail;
        case folded_quad("data"): return verb::data;
        case folded_quad("bdat"): return verb::bdat;
        case folded_quad("ehlo"): return verb::ehlo;
        case folded_quad("helo"): return verb::helo;
        case folded_quad("lhlo"): return verb::lhlo;
        case folded_quad("quit"): return verb::quit;
        case folded_quad("rset"): return verb::rset;
        case folded_quad("noop"): return verb::noop;
        case folded_quad("vrfy"): return verb::vrfy;
        case folded_quad("expn"): return verb::expn;
        case folded_quad("help"): return verb::help;
        case folded_quad("auth"): return verb::auth;
        case folded_quad("burl"): return verb::burl;
        case folded_quad("etrn"): return verb::etrn;
        case folded_quad("atrn"): return verb::atrn;
        case folded_quad("turn"): return verb::turn;
        case folded_quad("send"): return verb::send;
        case folded_quad("soml"): return verb::soml;
        case folded_quad("saml"): return verb::saml;
        default: return verb::unknown;
    }
}

}  // namespace detail

MAILQUAY_DECL verb parse_verb(std::string_view name) noexcept {
    using detail::folded_quad;
    if (name.size() < 4) return verb::unknown;
    std::uint32_t const folded = folded_quad(name);
    if (name.size() == 4) return detail::verb_of_quad(folded);
    auto longer = [&](verb which) { return iequals(name, to_string(which)) ? which : verb::unknown; };
    switch (folded) {
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
