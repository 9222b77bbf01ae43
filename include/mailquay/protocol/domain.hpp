#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 5321 §4.5.3.1.2, in octets.
inline constexpr std::size_t max_domain_octets = 255;
/// RFC 1035 §2.3.4, in octets.
inline constexpr std::size_t max_label_octets = 63;

/// RFC 5321 §4.1.2  Domain = sub-domain *("." sub-domain)
///
/// Takes the longest run of letters, digits, "-", "." and (RFC 6531 §3.3) UTF-8, which must be a domain: labels of 1-63
/// octets without "-" at either end, 255 octets in all, no dot at the end. Labels that are not ASCII must be U-labels,
/// but
/// for the case of their ASCII letters. That the labels behind "xn--" are A-labels is not checked.
///
/// @return the domain as it stands; else `empty_domain`, `empty_label`, `misplaced_hyphen`, `label_too_long`,
///         `domain_too_long`, `bad_utf8`, `bad_u_label` or, well-formed but with `options.utf8` off, `utf8_not_allowed`
MAILQUAY_DECL parsed<std::string_view> domain(cursor& in, address_options options = {});

/// Whether `name` is a domain in the form in which domains are compared: ASCII, no upper case.
MAILQUAY_DECL bool is_normalised_domain(std::string_view name) noexcept;

/// Appends a domain in the form in which domains are compared: lower case, A-labels.
///
/// @param name  what `domain()` returned. A name with UTF-8 that has no such form is appended as it is.
MAILQUAY_DECL void append_normalised_domain(std::string& out, std::string_view name);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/domain.ipp>
#endif
