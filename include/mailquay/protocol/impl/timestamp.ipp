#pragma once

#include <mailquay/protocol/timestamp.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Just `count` digits.
inline std::optional<int> timestamp_digits(cursor& in, int count) noexcept {
    int number = 0;
    for (; count > 0; --count) {
        if (!is_digit(in.peek())) return std::nullopt;
        number = number * 10 + (in.peek() - '0');
        in.advance();
    }
    return number;
}

/// full-date = 4DIGIT "-" 2DIGIT "-" 2DIGIT
inline std::optional<std::chrono::sys_days> timestamp_date(cursor& in) noexcept {
    auto const year = timestamp_digits(in, 4);
    if (!year || !in.skip('-')) return std::nullopt;
    auto const month = timestamp_digits(in, 2);
    if (!month || !in.skip('-')) return std::nullopt;
    auto const day = timestamp_digits(in, 2);
    if (!day) return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days{date};
}

/// 2DIGIT ":" 2DIGIT as minutes
inline std::optional<int> timestamp_minutes(cursor& in) noexcept {
    auto const hour = timestamp_digits(in, 2);
    if (!hour || *hour > 23 || !in.skip(':')) return std::nullopt;
    auto const minute = timestamp_digits(in, 2);
    if (!minute || *minute > 59) return std::nullopt;
    return *hour * 60 + *minute;
}

/// time-offset = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT, as minutes east of UTC
inline std::optional<int> timestamp_offset(cursor& in) noexcept {
    if (in.iskip("Z")) return 0;
    bool const west = in.peek() == '-';
    if (!west && in.peek() != '+') return std::nullopt;
    in.advance();
    auto const minutes = timestamp_minutes(in);
    if (!minutes) return std::nullopt;
    return west ? -*minutes : *minutes;
}

inline std::optional<std::chrono::sys_seconds> timestamp_grammar(cursor& in) noexcept {
    auto const date = timestamp_date(in);
    if (!date || !in.iskip("T")) return std::nullopt;
    auto const minutes = timestamp_minutes(in);
    if (!minutes || !in.skip(':')) return std::nullopt;
    auto const seconds = timestamp_digits(in, 2);
    if (!seconds || *seconds > 60) return std::nullopt;
    if (in.skip('.') && in.take_while(is_digit).empty()) return std::nullopt;
    auto const offset = timestamp_offset(in);
    if (!offset) return std::nullopt;
    return *date + std::chrono::minutes{*minutes - *offset} + std::chrono::seconds{*seconds};
}

}  // namespace detail

MAILQUAY_DECL std::optional<std::chrono::sys_seconds> timestamp(cursor& in) noexcept {
    std::size_t const start = in.position();
    auto const found = detail::timestamp_grammar(in);
    if (!found) in.seek(start);
    return found;
}

MAILQUAY_DECL void append_timestamp(std::string& out, std::chrono::sys_seconds when) {
    using namespace std::chrono;
    constexpr sys_seconds first = sys_days{year{0} / January / 1};
    constexpr sys_seconds last = sys_days{year{9999} / December / 31} + hours{24} - seconds{1};
    when = std::clamp(when, first, last);
    auto const day = floor<days>(when);
    year_month_day const date{day};
    hh_mm_ss const time{when - day};
    auto const put = [&](long number, int width, char behind) {
        char digits[4];
        for (int i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
        out.append(digits, static_cast<std::size_t>(width)).append(1, behind);
    };
    put(int{date.year()}, 4, '-');
    put(static_cast<long>(unsigned{date.month()}), 2, '-');
    put(static_cast<long>(unsigned{date.day()}), 2, 'T');
    put(time.hours().count(), 2, ':');
    put(time.minutes().count(), 2, ':');
    put(time.seconds().count(), 2, 'Z');
}

}  // namespace mailquay::inline MAILQUAY_ABI
