#pragma once

#include <mailquay/base/scrub.hpp>

#include <mailquay/base/cursor.hpp>
#include <mailquay/base/utf8.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void scrub_append(std::string& out, std::string_view text, std::size_t max_octets, scrub_to what) {
    cursor in{text};
    std::size_t room = max_octets;
    while (!in.at_end() && room > 0) {
        std::size_t const start = in.position();
        auto const code_point = decode_utf8(in);
        if (!code_point) in.advance(1);
        bool const stays =
            code_point && !forbidden_in_address(*code_point) && (what == scrub_to::utf8 || *code_point < 0x80);
        std::string_view const kept = stays ? in.since(start) : std::string_view{"?"};
        if (kept.size() > room) return;
        out += kept;
        room -= kept.size();
    }
}

MAILQUAY_DECL std::string scrub(std::string_view text, std::size_t max_octets, scrub_to what) {
    std::string scrubbed;
    scrub_append(scrubbed, text, max_octets, what);
    return scrubbed;
}

}  // namespace mailquay::inline MAILQUAY_ABI
