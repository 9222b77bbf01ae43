#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

/// Dates of the message format (RFC 5322 §3.3, obsolete forms §4.3): `Tue, 01 Jul 2003 10:52:37 +0200`.
///
/// Written and read by hand: no locale, no allocation but the text itself.
namespace mailquay::inline MAILQUAY_ABI {

/// Octets in each date that `append_date` writes.
inline constexpr std::size_t date_octets = 31;

/// Appends `when` as a date-time with the numeric zone `utc_offset`; always `date_octets` long.
///
/// An offset beyond the zone's range of ±99:59 is cut to it. Years outside 0-9999 do not occur in a `system_clock` of
/// nanoseconds; a clock with a wider range is cut to them.
///
/// Cost: no system call; about 400 instructions. A server formats once per second and keeps the text.
MAILQUAY_DECL void append_date(std::string& out, std::chrono::system_clock::time_point when,
                               std::chrono::minutes utc_offset);

/// Returns what `append_date` appends.
MAILQUAY_DECL std::string format_date(std::chrono::system_clock::time_point when, std::chrono::minutes utc_offset);

/// The offset of the process' time zone from UTC at `when`, east of Greenwich positive; 0 where it cannot be told.
///
/// Asks `localtime_r`, hence may read the zone file at its first call: ask once per second, not once per message.
/// Thread safety: safe, as long as no thread changes the variable TZ.
MAILQUAY_DECL std::chrono::minutes local_utc_offset(std::chrono::system_clock::time_point when);

/// Why a text is not a date-time.
enum class date_errc : unsigned char {
    bad_weekday,       ///< the text begins with letters that are no day of the week, or the comma behind it is missing
    bad_day,           ///< no day of one or two digits, or one that its month does not have
    bad_month,         ///< no English month name of three letters
    bad_year,          ///< no year of two to four digits, or one before 1900
    bad_time,          ///< no HH:MM[:SS], or a number out of its range
    bad_zone,          ///< no ±HHMM and no name of a zone
    unclosed_comment,  ///< a "(" without its ")", or a fold without white space behind it inside a comment
    trailing_text,     ///< something other than comments and white space behind the zone
};

/// A sentence for people about `why`. Static text.
MAILQUAY_DECL std::string_view describe(date_errc why) noexcept;

/// A date-time, read.
struct parsed_date {
    /// The instant, in UTC. A leap second (:60) is the first second of the next minute.
    std::chrono::sys_seconds time{};
    /// East of Greenwich positive.
    std::chrono::minutes utc_offset{0};
    /// False for `-0000` and for zone names without a sure meaning, military letters among them (RFC 5322 §4.3): then
    /// the time is in UTC and nothing is known of the writer's zone.
    bool zone_known = true;

    friend bool operator==(parsed_date const&, parsed_date const&) = default;
};

/// Reads a date-time (RFC 5322 §3.3), obsolete forms included (§4.3): years of two and three digits, zones by name,
/// comments and folds between any two words, missing seconds. Folds may be CRLF or LF. A day of the week that does not
/// fit the date is ignored, as is one line end at the end of `text`.
///
/// @param text  the value of a Date field, or of a Received field what follows its last ";"
MAILQUAY_DECL result<parsed_date, date_errc> parse_date(std::string_view text);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/date.ipp>
#endif
