#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/secret.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// Builds one log line: the name of the event, then `key=value` fields in the order they were added.
///
/// Text values are quoted when they are empty or hold a space, "=", or anything that is escaped. Escaped as `\xHH`,
/// octet by octet, are: control characters, quotes, backslashes, what is not valid UTF-8, and code points that are
/// invisible or change direction. So a quote in a line always begins or ends a value, and no value can end the line or
/// begin another field. Numbers and addresses are not quoted.
///
/// Event names and keys are the program's own words and taken as they are.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// log.info([&] { return log_line{"accepted"}.add("from", sender).add("size", octets); });
/// @endcode
class MAILQUAY_API log_line {
public:
    explicit log_line(std::string_view event_name) : text_(event_name) {}

    log_line& add(std::string_view key, std::string_view value) & { return add_text(key, value); }
    log_line& add(std::string_view key, ip_address const& value) & { return add_address(key, value); }
    log_line& add(std::string_view key, ip_endpoint const& value) & { return add_endpoint(key, value); }
    /// Seconds with three decimals: `delay=1.250`
    log_line& add(std::string_view key, std::chrono::milliseconds value) & { return add_seconds(key, value); }
    template <std::integral Number>
    log_line& add(std::string_view key, Number value) & {
        static_assert(!std::same_as<Number, char>, "a character is text");
        if constexpr (std::same_as<Number, bool>) {
            return add_text(key, value ? "yes" : "no");
        } else if constexpr (std::signed_integral<Number>) {
            return add_signed(key, value);
        } else {
            return add_unsigned(key, value);
        }
    }
    template <class Value>
        requires(!std::convertible_to<Value const&, secret_view>)
    log_line&& add(std::string_view key, Value const& value) && {
        add(key, value);
        return std::move(*this);
    }
    log_line& add(std::string_view key, secret_view value) & = delete;
    log_line& add(std::string_view key, secret const& value) & = delete;

    /// Lifetime: until the next `add()`.
    std::string_view view() const noexcept { return text_; }
    operator std::string_view() const noexcept { return text_; }

private:
    MAILQUAY_DECL void add_key(std::string_view key);
    MAILQUAY_DECL log_line& add_text(std::string_view key, std::string_view value);
    MAILQUAY_DECL log_line& add_address(std::string_view key, ip_address const& value);
    MAILQUAY_DECL log_line& add_endpoint(std::string_view key, ip_endpoint const& value);
    MAILQUAY_DECL log_line& add_seconds(std::string_view key, std::chrono::milliseconds value);
    MAILQUAY_DECL log_line& add_signed(std::string_view key, std::int64_t value);
    MAILQUAY_DECL log_line& add_unsigned(std::string_view key, std::uint64_t value);

    std::string text_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/log_fields.ipp>
#endif
