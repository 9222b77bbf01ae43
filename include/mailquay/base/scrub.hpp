#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What may stay of a text that is scrubbed.
enum class scrub_to {
    /// Printable UTF-8.
    utf8,
    /// Printable ASCII: for a peer that did not ask for SMTPUTF8 (RFC 6531 §3.7.4.1).
    ascii,
};

/// Appends what a peer sent so that it can be quoted in a reply: each octet that is not part of valid UTF-8 and each
/// code point that is a control character, invisible or changes direction (`forbidden_in_address()`) becomes "?", under
/// `scrub_to::ascii` each other code point above U+007F too.
///
/// @param max_octets  appends at most so many octets; a code point is never cut in two
MAILQUAY_DECL void scrub_append(std::string& out, std::string_view text, std::size_t max_octets,
                                scrub_to what = scrub_to::utf8);

/// What `scrub_append()` appends. The default bound leaves room for the rest of a reply line (RFC 5321 §4.5.3.1.5).
[[nodiscard]] MAILQUAY_DECL std::string scrub(std::string_view text, std::size_t max_octets = 256,
                                              scrub_to what = scrub_to::utf8);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/scrub.ipp>
#endif
