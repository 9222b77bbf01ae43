#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/verb.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

/// Verbs by their first four letters, and the lines that a message begins with as nearly every client sends them.

namespace mailquay::inline MAILQUAY_ABI::detail {

/// The first four octets of `name`, which must have them, in lower case. Setting the bit of lower case maps no two octets to a
/// letter but its two cases, so that a comparison with letters is exact.
constexpr std::uint32_t folded_quad(std::string_view name) noexcept {
    std::array<char, 4> const octets{name[0], name[1], name[2], name[3]};
    return std::bit_cast<std::uint32_t>(octets) | 0x20202020u;
}

/// MAIL or RCPT, one space and an argument, or DATA alone; no white space at the end. Anything else is for
/// `parse_command_line()`.
inline bool plain_command_line(std::string_view line, command_line& found) noexcept {
    if (line.size() < 4 || is_wsp(line.back())) return false;
    std::uint32_t const folded = folded_quad(line);
    if (line.size() == 4) {
        if (folded != folded_quad("data")) return false;
        found.verb = verb::data;
        found.name = line;
        return true;
    }
    bool const recipient = folded == folded_quad("rcpt");
    if (!(recipient || folded == folded_quad("mail")) || line[4] != ' ' || line[5] == ' ') return false;
    found.verb = recipient ? verb::rcpt : verb::mail;
    found.name = {line.data(), 4};
    found.argument = {line.data() + 5, line.size() - 5};
    found.has_argument = true;
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
