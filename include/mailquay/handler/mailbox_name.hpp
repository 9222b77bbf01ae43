#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Octets of the longest name that `safe_mailbox_name()` gives.
inline constexpr std::size_t max_mailbox_name = 128;

/// Whether `id` can be the name of a file or folder as it stands: 1-128 octets of `[a-z0-9._@+=-]`, not starting with a dot.
MAILQUAY_DECL bool is_safe_mailbox_name(std::string_view id) noexcept;

/// The name under which a sink keeps the mailbox `id`, whatever a client or a validator put into it.
///
/// A safe id is its own name. Else each octet outside the set, "%" among them, and a dot at the start become "%XX" (upper-case
/// hex), so `Alice` gives `%41lice`, `../x` gives `%2E.%2Fx`; the empty id gives `%-`. A name that would exceed 128 octets is cut
/// (never within a "%XX") and ends in `%-` and 32 hex digits, the first half of the SHA-256 of the id. Different ids have
/// different names, as far as 128 bits of SHA-256 tell long ones apart.
///
/// The result is never empty, `.` or `..`, has no `/`, and is not to be encoded again: `%` would be.
MAILQUAY_DECL std::string safe_mailbox_name(std::string_view id);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/mailbox_name.ipp>
#endif
