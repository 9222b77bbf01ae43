#pragma once

#include <mailquay/base/log.hpp>

#include <mailquay/base/ascii.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <iterator>

#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::array<std::string_view, 6> log_level_names{"trace", "debug", "info", "warning", "error", "off"};

/// Appends `time` as RFC 3339 §5.6 date-time in UTC with milliseconds.
inline void append_log_timestamp(std::string& out, std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    auto const now = floor<milliseconds>(time);
    auto const today = floor<days>(now);
    year_month_day const date{today};
    hh_mm_ss const clock{now - today};
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                   clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

/// What `logger::to_stderr()` writes for a line.
inline std::string stderr_log_line(log_level level, std::string_view line, std::chrono::system_clock::time_point time) {
    std::string text;
    text.reserve(line.size() + 40);
    append_log_timestamp(text, time);
    text += ' ';
    text += to_string(level);
    text += ' ';
    for (char c : line) text += is_control(c) ? '?' : c;
    text += '\n';
    return text;
}

inline void write_log_to_stderr(log_level level, std::string_view line) {
    std::string const text = stderr_log_line(level, line, std::chrono::system_clock::now());
    std::string_view rest = text;
    while (!rest.empty()) {
        ssize_t const written = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;  // nobody reads: drop the line rather than block the service
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace detail

MAILQUAY_DECL std::string_view to_string(log_level level) noexcept {
    auto const index = static_cast<std::size_t>(level);
    return index < detail::log_level_names.size() ? detail::log_level_names[index] : "?";
}

MAILQUAY_DECL std::optional<log_level> parse_log_level(std::string_view name) noexcept {
    for (std::size_t i = 0; i < detail::log_level_names.size(); ++i) {
        if (iequals(name, detail::log_level_names[i])) return static_cast<log_level>(i);
    }
    return std::nullopt;
}

MAILQUAY_DECL logger::logger(log_level threshold, log_sink sink) {
    if (!sink) return;
    sink_ = std::make_shared<log_sink>(std::move(sink));
    threshold_ = threshold;
}

MAILQUAY_DECL logger logger::to_stderr(log_level threshold) { return {threshold, &detail::write_log_to_stderr}; }

MAILQUAY_DECL void logger::write(log_level level, std::string_view line) const {
    if (sink_) (*sink_)(level, line);
}

}  // namespace mailquay::inline MAILQUAY_ABI
