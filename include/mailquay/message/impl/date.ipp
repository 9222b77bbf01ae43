#include <mailquay/message/date.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline constexpr std::string_view date_weekdays = "SunMonTueWedThuFriSat";
inline constexpr std::string_view date_months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// Room for exactly one date.
struct date_buffer {
    std::array<char, date_octets> text;
    std::size_t used = 0;

    void put(char c) { text[used++] = c; }
    void put(std::string_view word) {
        for (char const c : word) put(c);
    }
    void put_two(unsigned number) {
        put(static_cast<char>('0' + number / 10));
        put(static_cast<char>('0' + number % 10));
    }
};

inline date_buffer write_date(std::chrono::system_clock::time_point when, std::chrono::minutes utc_offset) {
    using namespace std::chrono;
    auto const offset = std::clamp(utc_offset, minutes{-5999}, minutes{5999});
    auto const local = floor<seconds>(when) + offset;
    auto const midnight = floor<days>(local);
    auto const date = year_month_day{midnight};
    auto const second = static_cast<unsigned>((local - midnight).count());
    auto const year = static_cast<unsigned>(std::clamp(static_cast<int>(date.year()), 0, 9999));
    auto const zone = static_cast<unsigned>(offset < minutes{0} ? -offset.count() : offset.count());

    date_buffer out;
    out.put(date_weekdays.substr(weekday{midnight}.c_encoding() * 3, 3));
    out.put(", ");
    out.put_two(static_cast<unsigned>(date.day()));
    out.put(' ');
    out.put(date_months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
    out.put(' ');
    out.put_two(year / 100);
    out.put_two(year % 100);
    out.put(' ');
    out.put_two(second / 3600);
    out.put(':');
    out.put_two(second / 60 % 60);
    out.put(':');
    out.put_two(second % 60);
    out.put(offset < minutes{0} ? " -" : " +");
    out.put_two(zone / 60);
    out.put_two(zone % 60);
    return out;
}

/// Walks over the words of a date-time. Each `take_…` stands at the beginning of its word and leaves the rest alone
/// when it fails.
class date_reader {
public:
    explicit date_reader(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }
    bool skip(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    /// CFWS (RFC 5322 §3.2.2). False when a comment is not closed.
    bool skip_cfws() {
        unsigned depth = 0;
        while (!rest_.empty()) {
            char const c = rest_.front();
            if (c == '\r' || c == '\n') {
                auto const line_end = c == '\n' ? std::size_t{1} : std::size_t{2};
                if (c == '\r' && !rest_.starts_with("\r\n")) return depth == 0;
                bool const last = rest_.size() == line_end;
                if (!last && rest_[line_end] != ' ' && rest_[line_end] != '\t') return depth == 0;
                rest_.remove_prefix(line_end);
                continue;
            }
            if (depth == 0) {
                if (c == '(') ++depth;
                else if (c != ' ' && c != '\t') return true;
            } else if (c == '(') {
                ++depth;
            } else if (c == ')') {
                --depth;
            } else if (c == '\\' && rest_.size() > 1) {
                rest_.remove_prefix(1);
            }
            rest_.remove_prefix(1);
        }
        return depth == 0;
    }

    /// A number of `least` to `most` digits; digits behind them make it none.
    std::optional<unsigned> take_number(std::size_t least, std::size_t most) {
        std::size_t digits = 0;
        unsigned number = 0;
        while (digits < rest_.size() && is_digit(rest_[digits])) {
            if (digits == most) return std::nullopt;
            number = number * 10 + static_cast<unsigned>(rest_[digits] - '0');
            ++digits;
        }
        if (digits < least) return std::nullopt;
        rest_.remove_prefix(digits);
        return number;
    }

    std::string_view take_letters() { return take_while(is_alpha); }
    /// A zone by name may hold digits, as `EST5EDT` does, but begins with a letter.
    std::string_view take_zone_name() {
        if (rest_.empty() || !is_alpha(rest_.front())) return {};
        return take_while(is_alnum);
    }

private:
    template <class Predicate>
    std::string_view take_while(Predicate wanted) {
        auto const end = std::find_if_not(rest_.begin(), rest_.end(), wanted);
        auto const word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(word.size());
        return word;
    }

    std::string_view rest_;
};

/// The place of `word` in a list of names of three letters each.
inline std::optional<unsigned> date_name(std::string_view names, std::string_view word) {
    for (std::size_t at = 0; at < names.size(); at += 3) {
        if (iequals(names.substr(at, 3), word)) return static_cast<unsigned>(at / 3);
    }
    return std::nullopt;
}

struct date_zone {
    std::chrono::minutes offset{0};
    bool known = true;
};

/// RFC 5322 §4.3  obs-zone. What has no sure meaning counts as -0000.
inline date_zone date_zone_by_name(std::string_view name) {
    struct entry {
        std::string_view name;
        int hours;
    };
    static constexpr entry zones[] = {{"UT", 0},   {"UTC", 0},  {"GMT", 0},  {"EST", -5}, {"EDT", -4}, {"CST", -6},
                                      {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    for (auto const& zone : zones) {
        if (iequals(zone.name, name)) return {std::chrono::hours{zone.hours}, true};
    }
    return {std::chrono::minutes{0}, false};
}

/// RFC 5322 §3.3  zone = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone
inline result<date_zone, date_errc> read_date_zone(date_reader& in) {
    bool const west = in.skip('-');
    if (!west && !in.skip('+')) {
        auto const name = in.take_zone_name();
        if (name.empty()) return date_errc::bad_zone;
        return date_zone_by_name(name);
    }
    auto const number = in.take_number(4, 4);
    if (!number || *number % 100 > 59) return date_errc::bad_zone;
    auto const offset = std::chrono::minutes{*number / 100 * 60 + *number % 100};
    return date_zone{west ? -offset : offset, !(west && *number == 0)};
}

/// RFC 5322 §4.3  obs-year: two digits up to 49 are of this century, other years of two or three digits of the last.
inline std::optional<int> read_date_year(date_reader& in) {
    std::optional<unsigned> year;
    unsigned since = 0;
    if ((year = in.take_number(4, 4))) since = 0;
    else if ((year = in.take_number(3, 3))) since = 1900;
    else if ((year = in.take_number(2, 2))) since = *year < 50 ? 2000 : 1900;
    if (!year || *year + since < 1900) return std::nullopt;
    return static_cast<int>(*year + since);
}

/// RFC 5322 §3.3  time-of-day = hour ":" minute [ ":" second ], with CFWS between (§4.3).
inline result<std::chrono::seconds, date_errc> read_date_time_of_day(date_reader& in) {
    auto const hour = in.take_number(2, 2);
    if (!hour || *hour > 23) return date_errc::bad_time;
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    if (!in.skip(':')) return date_errc::bad_time;
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    auto const minute = in.take_number(2, 2);
    if (!minute || *minute > 59) return date_errc::bad_time;
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    unsigned seconds = 0;
    if (in.skip(':')) {
        if (!in.skip_cfws()) return date_errc::unclosed_comment;
        auto const second = in.take_number(2, 2);
        if (!second || *second > 60) return date_errc::bad_time;
        seconds = *second;
    }
    return std::chrono::seconds{*hour * 3600 + *minute * 60 + seconds};
}

/// RFC 5322 §3.3  date = day month year
inline result<std::chrono::sys_days, date_errc> read_date_day(date_reader& in) {
    auto const day = in.take_number(1, 2);
    if (!day) return date_errc::bad_day;
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    auto const month = date_name(date_months, in.take_letters());
    if (!month) return date_errc::bad_month;
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    auto const year = read_date_year(in);
    if (!year) return date_errc::bad_year;
    auto const date = std::chrono::year{*year} / static_cast<int>(*month + 1) / static_cast<int>(*day);
    if (!date.ok()) return date_errc::bad_day;
    return std::chrono::sys_days{date};
}

}  // namespace detail

MAILQUAY_DECL void append_date(std::string& out, std::chrono::system_clock::time_point when,
                               std::chrono::minutes utc_offset) {
    auto const date = detail::write_date(when, utc_offset);
    out.append(date.text.data(), date.text.size());
}

MAILQUAY_DECL std::string format_date(std::chrono::system_clock::time_point when, std::chrono::minutes utc_offset) {
    std::string text;
    append_date(text, when, utc_offset);
    return text;
}

MAILQUAY_DECL std::chrono::minutes local_utc_offset(std::chrono::system_clock::time_point when) {
    auto const seconds =
        static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count());
    std::tm local{};
    if (::localtime_r(&seconds, &local) == nullptr) return std::chrono::minutes{0};
    return std::chrono::floor<std::chrono::minutes>(std::chrono::seconds{local.tm_gmtoff});
}

MAILQUAY_DECL std::string_view describe(date_errc why) noexcept {
    switch (why) {
        case date_errc::bad_weekday: return "the day of the week is unknown or lacks its comma";
        case date_errc::bad_day: return "the day is missing or not in its month";
        case date_errc::bad_month: return "the month is not one of Jan to Dec";
        case date_errc::bad_year: return "the year is missing or before 1900";
        case date_errc::bad_time: return "the time of day is not HH:MM or HH:MM:SS";
        case date_errc::bad_zone: return "the zone is neither +HHMM nor a name";
        case date_errc::unclosed_comment: return "a comment is not closed";
        case date_errc::trailing_text: return "there is text behind the zone";
    }
    return "unknown reason";
}

MAILQUAY_DECL result<parsed_date, date_errc> parse_date(std::string_view text) {
    detail::date_reader in{text};
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    if (auto const weekday = in.take_letters(); !weekday.empty()) {
        if (!detail::date_name(detail::date_weekdays, weekday)) return date_errc::bad_weekday;
        if (!in.skip_cfws()) return date_errc::unclosed_comment;
        if (!in.skip(',')) return date_errc::bad_weekday;
        if (!in.skip_cfws()) return date_errc::unclosed_comment;
    }
    auto const day = detail::read_date_day(in);
    if (!day) return day.error();
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    auto const time = detail::read_date_time_of_day(in);
    if (!time) return time.error();
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    auto const zone = detail::read_date_zone(in);
    if (!zone) return zone.error();
    if (!in.skip_cfws()) return date_errc::unclosed_comment;
    if (!in.at_end()) return date_errc::trailing_text;
    return parsed_date{*day + *time - zone->offset, zone->offset, zone->known};
}

}  // namespace mailquay::inline MAILQUAY_ABI
