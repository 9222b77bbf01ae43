#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>

#include <string>
#include <string_view>

/// 1: internationalised domain names by libidn2. 0: without; SMTPUTF8 is then not offered. Set by the build for the
/// whole program; it changes no declaration.
#ifndef MAILQUAY_IDNA
#define MAILQUAY_IDNA 1
#endif

namespace mailquay::inline MAILQUAY_ABI {

/// Why a domain name has no other form.
enum class idna_errc {
    /// The library was built with MAILQUAY_IDNA=0.
    not_built = 1,
    /// Not valid UTF-8, or with NUL in it.
    bad_utf8,
    /// An empty label within the name, or nothing at all.
    empty_label,
    /// A label above 63 octets or a name above 253 octets in ASCII form.
    too_long,
    /// A code point or a sequence of them that IDNA 2008 does not allow.
    disallowed,
    /// A label that begins with "xn--" but is not the A-label of anything.
    bad_a_label,
    /// Out of memory, or a failure within libidn2.
    failed,
};

/// What is wrong, for a log. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(idna_errc error) noexcept;

/// Whether the library was built with internationalised domain names.
MAILQUAY_DECL bool idna_built() noexcept;

/// The ASCII form of a domain: A-labels, lower case (IDNA 2008, RFC 5891 §5; mapped by UTS #46, non-transitional, with
/// STD 3 rules, so that `Faß.DE` becomes `xn--fa-hia.de`).
///
/// A domain that is ASCII already is only turned to lower case: nothing in it is checked. This works also without
/// libidn2. One dot at the end stays.
MAILQUAY_DECL result<std::string, idna_errc> to_ascii(std::string_view domain);

/// The form of a domain with U-labels in place of A-labels, lower case. A domain without "xn--" in ASCII is only turned
/// to lower case.
MAILQUAY_DECL result<std::string, idna_errc> to_unicode(std::string_view domain);

/// RFC 5890 §2.3.2.1  Whether `label` is a U-label as it stands: not ASCII, in NFC, all of it allowed by IDNA 2008, and
/// the same again after a round trip through its A-label. Always false without libidn2.
[[nodiscard]] MAILQUAY_DECL bool valid_u_label(std::string_view label);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/idna.ipp>
#endif
