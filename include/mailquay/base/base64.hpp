#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/hex.hpp>
#include <mailquay/base/result.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Why a text is not base64.
enum class base64_errc {
    /// An octet that is neither of the alphabet nor padding, be it space or line end.
    bad_character = 1,
    /// The length is no multiple of four: cut short, or padding left out.
    bad_length,
    /// "=" anywhere but in the last one or two places.
    bad_padding,
    /// The bits behind the last octet are not zero: another encoding of the same octets, hence refused (RFC 4648 §3.5).
    not_canonical,
};

/// What is wrong, for a log. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(base64_errc error) noexcept;

/// Encodes octets in base64 (RFC 4648 §4): with padding, without line ends.
[[nodiscard]] MAILQUAY_DECL std::string base64_encode(std::string_view octets);

/// Decodes base64 (RFC 4648 §4) strictly: padding is required, nothing outside the alphabet is passed over, each octet
/// sequence has one encoding only. The empty text decodes to no octets.
///
/// What is decoded may be a secret: hand the string to `secret::take()` where it is.
MAILQUAY_DECL result<std::string, base64_errc> base64_decode(std::string_view text);

/// The same where it lies, so that no copy of a secret is made: the octets replace the begin of `text`.
/// @return their number; on an error `text` is as it was, or decoded in part
MAILQUAY_DECL result<std::size_t, base64_errc> base64_decode_in_place(std::span<char> text) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/base64.ipp>
#endif
