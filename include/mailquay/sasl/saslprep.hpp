#pragma once

#include <mailquay/base/config.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// Whether a text is what a client asks with or what a server keeps: code points that Unicode 3.2 does not know are
/// forbidden in the latter (RFC 3454 §7).
enum class saslprep_use { query, stored };

/// Whether the library was built with ICU (`MAILQUAY_SASLPREP`). Without it `saslprep()` takes ASCII only.
MAILQUAY_DECL bool saslprep_built() noexcept;

/// SASLprep (RFC 4013): the form in which user names and passwords are compared. Printable ASCII stays as it is.
///
/// @return nothing for what RFC 4013 forbids (control characters, mixed directions), for octets that are not UTF-8, for
///         a text that becomes empty, and for any text outside ASCII when `saslprep_built()` is false
///
/// @code  *saslprep("I\u00adX") == "IX"  @endcode
MAILQUAY_DECL std::optional<std::string> saslprep(std::string_view text, saslprep_use use = saslprep_use::query);

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/saslprep.ipp>
#endif
