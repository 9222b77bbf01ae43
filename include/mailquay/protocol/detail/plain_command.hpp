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
