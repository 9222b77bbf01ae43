#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 3339 §5.6  date-time = full-date "T" full-time, as in HOLDUNTIL and RRVS.
///
/// Fractions of a second are read and dropped; a leap second counts as the second behind it. "t" and "z" stand for "T" and "Z".
///
/// @return the time, with `in` behind it; nothing (and `in` where it was) if no valid date-time begins there
MAILQUAY_DECL std::optional<std::chrono::sys_seconds> timestamp(cursor& in) noexcept;

/// Appends `when` as `2026-11-25T22:00:00Z`. Years outside 0-9999 become the nearest that four digits hold.
MAILQUAY_DECL void append_timestamp(std::string& out, std::chrono::sys_seconds when);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/timestamp.ipp>
#endif
