#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/detail/folded_quad.hpp>
#include <mailquay/protocol/verb.hpp>

#include <cstdint>
#include <string_view>

/// The lines that a message begins with, as nearly every client sends them.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// MAIL or RCPT, one space and an argument, or DATA alone; no white space at the end. Anything else is for
/// `parse_command_line()`.
/// @return the verb, or `unknown`. An argument begins behind five octets.
MAILQUAY_INLINE inline verb plain_verb(std::string_view line) noexcept {
    if (line.size() < 4) return verb::unknown;
    std::uint32_t const folded = folded_quad(line);
    if (line.size() == 4) return folded == folded_quad("data") ? verb::data : verb::unknown;
    verb const found = folded == folded_quad("rcpt") ? verb::rcpt : folded == folded_quad("mail") ? verb::mail : verb::unknown;
    bool const one_space = line.size() > 5 && line[4] == ' ' && line[5] != ' ';
    return one_space && !is_wsp(line.back()) ? found : verb::unknown;
}

/// DATA and its CRLF, and nothing else.
inline bool is_data_line(std::string_view octets) noexcept {
    return octets.size() == 6 && folded_quad(octets) == folded_quad("data") && octets[4] == '\r' && octets[5] == '\n';
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
