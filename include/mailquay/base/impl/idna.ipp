#pragma once

#include <mailquay/base/idna.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>

#include <cstddef>
#include <memory>
#include <optional>

#if MAILQUAY_IDNA
#include <idn2.h>
#endif

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 1035 §2.3.4: 255 octets in wire form are 253 in text.
inline constexpr std::size_t idna_max_name_octets = 253;
/// No name of 253 octets in ASCII is longer than this in UTF-8; bounds the work on what a peer sends.
inline constexpr std::size_t idna_max_input_octets = 1024;

/// Whether a label of the lower-case `domain` begins with the ACE prefix.
inline bool has_a_label(std::string_view domain) noexcept {
    return domain.starts_with("xn--") || domain.find(".xn--") != std::string_view::npos;
}

/// STD 3 (RFC 1123 §2.1): letters, digits and inner hyphens, within the length limits of the DNS. One dot may end it.
inline std::optional<idna_errc> idna_shape_error(std::string_view ascii) noexcept {
    if (ascii.ends_with('.')) ascii.remove_suffix(1);
    if (ascii.size() > idna_max_name_octets) return idna_errc::too_long;
    for (;;) {
        std::size_t const dot = ascii.find('.');
        std::string_view const label = ascii.substr(0, dot);
        if (label.empty()) return idna_errc::empty_label;
        if (label.size() > 63) return idna_errc::too_long;
        if (label.starts_with('-') || label.ends_with('-')) return idna_errc::disallowed;
        for (char c : label) {
            if (!is_let_dig(c) && c != '-') return idna_errc::disallowed;
        }
        if (dot == std::string_view::npos) return std::nullopt;
        ascii.remove_prefix(dot + 1);
    }
}

#if MAILQUAY_IDNA

struct idn2_deleter {
    void operator()(void* text) const noexcept { ::idn2_free(text); }
};
using idn2_text = std::unique_ptr<char, idn2_deleter>;

inline idna_errc idna_error_of(int code) noexcept {
    switch (code) {
        case IDN2_ENCODING_ERROR: return idna_errc::bad_utf8;
        case IDN2_TOO_BIG_DOMAIN:
        case IDN2_TOO_BIG_LABEL:
        case IDN2_PUNYCODE_BIG_OUTPUT: return idna_errc::too_long;
        case IDN2_PUNYCODE_BAD_INPUT:
        case IDN2_PUNYCODE_OVERFLOW:
        case IDN2_INVALID_ALABEL:
        case IDN2_UALABEL_MISMATCH:
        case IDN2_ALABEL_ROUNDTRIP_FAILED: return idna_errc::bad_a_label;
        case IDN2_MALLOC:
        case IDN2_NO_CODESET:
        case IDN2_ICONV_FAIL:
        case IDN2_INVALID_FLAGS: return idna_errc::failed;
        default: return idna_errc::disallowed;
    }
}

/// The lower-case ASCII form of `domain`, valid UTF-8 without NUL, by idn2_to_ascii_8z() with `flags`.
inline result<std::string, idna_errc> encode_a_labels(std::string_view domain, int flags) {
    std::string const terminated{domain};
    char* raw = nullptr;
    int const code = ::idn2_to_ascii_8z(terminated.c_str(), &raw, flags);
    idn2_text const text{raw};
    if (code == IDN2_OK) return to_lower_copy(text.get());
    // libidn2 tells of labels that do not survive its round trip also when they were not sent as A-labels.
    idna_errc const wrong = idna_error_of(code);
    if (wrong != idna_errc::bad_a_label || has_a_label(to_lower_copy(domain))) return wrong;
    return idna_errc::disallowed;
}

/// The U-label form of a lower-case ASCII name, not checked.
inline result<std::string, idna_errc> decode_a_labels(std::string const& ascii) {
    char* raw = nullptr;
    int const code = ::idn2_to_unicode_8z8z(ascii.c_str(), &raw, 0);
    idn2_text const text{raw};
    if (code != IDN2_OK) return idna_error_of(code) == idna_errc::failed ? idna_errc::failed : idna_errc::bad_a_label;
    return std::string{text.get()};
}

#endif

}  // namespace detail

MAILQUAY_DECL std::string_view to_string(idna_errc error) noexcept {
    switch (error) {
        case idna_errc::not_built: return "built without internationalised domain names (MAILQUAY_IDNA)";
        case idna_errc::bad_utf8: return "domain is not valid UTF-8";
        case idna_errc::empty_label: return "domain with an empty label";
        case idna_errc::too_long: return "domain above 253 octets or with a label above 63";
        case idna_errc::disallowed: return "domain with characters that IDNA 2008 does not allow";
        case idna_errc::bad_a_label: return "domain with \"xn--\" before what is not the A-label of anything";
        case idna_errc::failed: return "domain could not be converted";
    }
    return "unknown IDNA error";
}

MAILQUAY_DECL bool idna_built() noexcept { return MAILQUAY_IDNA != 0; }

MAILQUAY_DECL result<std::string, idna_errc> to_ascii(std::string_view domain) {
    if (is_ascii(domain)) return to_lower_copy(domain);
    if (domain.size() > detail::idna_max_input_octets) return idna_errc::too_long;
    if (!valid_utf8(domain) || domain.find('\0') != std::string_view::npos) return idna_errc::bad_utf8;
#if MAILQUAY_IDNA
    // Not IDN2_USE_STD3_ASCII_RULES: libidn2 2.3 then drops the octets it should refuse, and "ü_" would become "ü".
    // idna_shape_error() has these rules instead.
    auto mapped = detail::encode_a_labels(domain, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (!mapped) return mapped;
    if (auto const wrong = detail::idna_shape_error(*mapped)) return *wrong;
    if (!detail::has_a_label(*mapped)) return mapped;

    // UTS #46 lets some symbols pass that IDNA 2008 does not: what was mapped is judged again without mapping.
    auto const unicode = detail::decode_a_labels(*mapped);
    if (!unicode) return unicode;
    auto const judged = detail::encode_a_labels(*unicode, IDN2_NO_TR46);
    if (!judged) return judged;
    if (*judged != *mapped) return idna_errc::bad_a_label;
    return mapped;
#else
    return idna_errc::not_built;
#endif
}

MAILQUAY_DECL result<std::string, idna_errc> to_unicode(std::string_view domain) {
    auto ascii = to_ascii(domain);
    if (!ascii || !detail::has_a_label(*ascii)) return ascii;
    if (auto const wrong = detail::idna_shape_error(*ascii)) return *wrong;
#if MAILQUAY_IDNA
    auto unicode = detail::decode_a_labels(*ascii);
    if (!unicode) return unicode;
    // Decoding alone lets through what no A-label may hold; only what comes back the same was one.
    auto const again = to_ascii(*unicode);
    if (!again || *again != *ascii) return idna_errc::bad_a_label;
    return unicode;
#else
    return idna_errc::not_built;
#endif
}

MAILQUAY_DECL bool valid_u_label(std::string_view label) {
    bool const may_be = !is_ascii(label) && label.size() <= detail::idna_max_input_octets && valid_utf8(label) &&
                        label.find_first_of(std::string_view{".\0", 2}) == std::string_view::npos;
    if (!may_be) return false;
#if MAILQUAY_IDNA
    std::string const terminated{label};
    unsigned char* raw = nullptr;
    int const code = ::idn2_register_u8(reinterpret_cast<unsigned char const*>(terminated.c_str()), nullptr, &raw, 0);
    detail::idn2_text const text{reinterpret_cast<char*>(raw)};
    if (code != IDN2_OK) return false;
    auto const back = detail::decode_a_labels(text.get());
    return back && *back == label;
#else
    return false;
#endif
}

}  // namespace mailquay::inline MAILQUAY_ABI
