#pragma once

#include <mailquay/protocol/domain.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/idna.hpp>
#include <mailquay/base/utf8.hpp>

#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// What is wrong with a run of octets that holds some above 127.
inline std::optional<protocol_errc> utf8_fault(std::string_view text) noexcept {
    if (!valid_utf8(text)) return protocol_errc::bad_utf8;
    if (!allowed_in_address(text)) return protocol_errc::forbidden_character;
    return std::nullopt;
}

/// RFC 5321 §4.1.2  sub-domain = Let-dig [Ldh-str]; RFC 6531 §3.3  sub-domain =/ U-label
inline std::optional<protocol_errc> label_fault(std::string_view label, bool is_utf8) {
    if (label.front() == '-' || label.back() == '-') return protocol_errc::misplaced_hyphen;
    if (!is_utf8) {
        if (label.size() > max_label_octets) return protocol_errc::label_too_long;
        return std::nullopt;
    }
    if (auto const fault = utf8_fault(label)) return fault;
    if (!valid_u_label(to_lower_copy(label))) return protocol_errc::bad_u_label;
    return std::nullopt;
}

/// `domain()` with UTF-8 let through; `any_utf8` says whether there was some.
inline parsed<std::string_view> domain_grammar(cursor& in, bool& any_utf8) {
    std::string_view const text = in.rest();
    std::size_t const start = in.position();
    std::size_t end = 0;
    for (;;) {
        std::size_t const label_start = end;
        bool label_utf8 = false;
        for (; end < text.size(); ++end) {
            char const c = text[end];
            if (is_let_dig(c) || c == '-') continue;
            if (static_cast<unsigned char>(c) < 0x80) break;
            label_utf8 = any_utf8 = true;
        }
        bool const dot_follows = end < text.size() && text[end] == '.';
        if (end == label_start) {
            bool const nothing = label_start == 0 && !dot_follows;
            return refusal{nothing ? protocol_errc::empty_domain : protocol_errc::empty_label, start + end};
        }
        auto const fault = label_fault(text.substr(label_start, end - label_start), label_utf8);
        if (fault) return refusal{*fault, start + label_start};
        if (!dot_follows) break;
        ++end;
    }
    std::string_view const name = text.substr(0, end);
    if (any_utf8) {
        auto const ascii = to_ascii(name);
        if (!ascii && ascii.error() != idna_errc::too_long) return refusal{protocol_errc::bad_u_label, start};
        if (!ascii || ascii->size() > max_domain_octets) return refusal{protocol_errc::domain_too_long, start};
    } else if (name.size() > max_domain_octets) {
        return refusal{protocol_errc::domain_too_long, start};
    }
    in.advance(end);
    return name;
}

}  // namespace detail

MAILQUAY_DECL parsed<std::string_view> domain(cursor& in, address_options options) {
    std::size_t const start = in.position();
    bool any_utf8 = false;
    auto name = detail::domain_grammar(in, any_utf8);
    if (!name || !any_utf8 || options.utf8) return name;
    in.seek(start);
    return refusal{protocol_errc::utf8_not_allowed, start};
}

MAILQUAY_DECL bool is_normalised_domain(std::string_view name) noexcept {
    for (char c : name) {
        if (to_lower(c) != c || static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

MAILQUAY_DECL void append_normalised_domain(std::string& out, std::string_view name) {
    if (is_ascii(name)) {
        std::size_t const start = out.size();
        out += name;
        to_lower_in_place({out.data() + start, name.size()});
    } else if (auto const ascii = to_ascii(name)) {
        out += *ascii;
    } else {
        out += name;
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
