#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <optional>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// A parameter of MAIL or RCPT as it stands. Views into the text that was read.
struct parameter {
    /// In the case in which it was sent; compare with `iequals()`.
    std::string_view keyword{};
    std::string_view value{};
    /// Whether there was a "=".
    bool has_value = false;
};

/// RFC 5321 §4.1.2  esmtp-param = esmtp-keyword ["=" esmtp-value]
///
/// Several spaces before a parameter are taken for one.
///
/// @param in  stands behind the path or the parameter before
/// @return the next parameter; nothing at the end of the line; else `junk_after_path`, `bad_parameter`,
///         `bad_parameter_value`, or `utf8_not_allowed` for UTF-8 in a value with `options.utf8` off
MAILQUAY_DECL parsed<std::optional<parameter>> next_parameter(cursor& in, address_options options = {});

/// For a parameter that takes no value: `parameter_value_not_allowed` if there is one.
MAILQUAY_DECL parsed<void> expect_no_value(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/params.ipp>
#endif
