#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/unique_function.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// How much a log line matters. `off` is a threshold, not a level of a line.
enum class log_level : unsigned char { trace, debug, info, warning, error, off };

/// The level's name as spelled in the enum. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(log_level level) noexcept;
/// The level of that name, in any case; nothing if there is none.
MAILQUAY_DECL std::optional<log_level> parse_log_level(std::string_view name) noexcept;

/// Takes finished log lines (one line, without a line end).
using log_sink = unique_function<void(log_level, std::string_view line)>;

/// Where log lines go, and from which level on. A cheap copy of one handle; without a sink (the default) nothing is
/// logged.
///
/// A line is built only when its level is enabled: pass a callable that returns something convertible to
/// `std::string_view` (`std::string`, `log_line`), or a ready string. A disabled line costs one compare. Logging never
/// throws: what the callable or the sink throws is dropped together with the line.
///
/// Thread safety: safe, also when copies share a sink, if the sink may be called from several threads at once (the one
/// of `to_stderr()` may).
///
/// @code
/// log.debug([&] { return fmt::format("[{}] MAIL {}", id, path); });
/// @endcode
class MAILQUAY_API logger {
public:
    /// Logs nothing.
    logger() noexcept = default;
    /// Hands lines of `threshold` and above to `sink`.
    MAILQUAY_DECL logger(log_level threshold, log_sink sink);
    /// One write(2) to standard error per line: `2026-01-31T23:59:59.123Z info <line>`, UTC. Control characters in a
    /// line become "?".
    MAILQUAY_DECL static logger to_stderr(log_level threshold);

    /// The same sink with another threshold.
    [[nodiscard]] logger with_level(log_level threshold) const {
        logger copy = *this;
        if (sink_) copy.threshold_ = threshold;
        return copy;
    }
    log_level level() const noexcept { return threshold_; }
    bool enabled(log_level level) const noexcept { return level >= threshold_; }

    template <class Line>
    void log(log_level level, Line&& line) const noexcept {
        if (enabled(level)) [[unlikely]]
            build(level, line);
    }
    template <class Line>
    void trace(Line&& line) const noexcept {
        log(log_level::trace, line);
    }
    template <class Line>
    void debug(Line&& line) const noexcept {
        log(log_level::debug, line);
    }
    template <class Line>
    void info(Line&& line) const noexcept {
        log(log_level::info, line);
    }
    template <class Line>
    void warning(Line&& line) const noexcept {
        log(log_level::warning, line);
    }
    template <class Line>
    void error(Line&& line) const noexcept {
        log(log_level::error, line);
    }

private:
    template <class Line>
    void build(log_level level, Line& line) const noexcept {
        try {
            if constexpr (std::invocable<Line&>) {
                auto const& built = line();
                write(level, std::string_view{built});
            } else {
                write(level, std::string_view{line});
            }
        } catch (...) {  // a lost line must not become a lost message
        }
    }
    MAILQUAY_DECL void write(log_level level, std::string_view line) const;

    std::shared_ptr<log_sink> sink_;
    log_level threshold_ = log_level::off;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/log.ipp>
#endif
