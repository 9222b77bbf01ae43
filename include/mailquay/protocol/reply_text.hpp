#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 3463 §2  class "." subject "." detail, without regard to what the class is: a digit, then 1-3 digits each.
constexpr bool is_enhanced_code(std::string_view text) noexcept {
    std::size_t at = 1;
    auto number = [&] {
        std::size_t digits = 0;
        while (at < text.size() && is_digit(text[at])) ++at, ++digits;
        return digits >= 1 && digits <= 3;
    };
    auto dot = [&] { return at < text.size() && text[at++] == '.'; };
    return !text.empty() && is_digit(text[0]) && dot() && number() && dot() && number() && at == text.size();
}

}  // namespace detail

/// A reply of one line that is known when the program is built. It holds the octets of the line, so that sending it is
/// one copy.
///
/// Made as a constant with static storage; a wrong one does not compile:
/// @code
/// inline constexpr reply_text auth_required{530, "5.7.0", "Authentication required"};
/// @endcode
///
/// Thread safety: a constant.
class reply_text {
public:
    /// The line with its CRLF is at most so many octets (RFC 5321 §4.5.3.1.5 allows 512).
    static constexpr std::size_t max_octets = 160;

    /// @param code      200-599 (RFC 5321 §4.2)
    /// @param enhanced  RFC 3463, of the same class as `code`; empty where none belongs (220, 334, 353, 354)
    /// @param text      printable ASCII; may be empty
    /// Throws `std::invalid_argument` on anything else, hence no constant can be made of it.
    constexpr reply_text(int code, std::string_view enhanced, std::string_view text)
        : code_(static_cast<std::uint16_t>(code)) {
        if (code < 200 || code > 599) throw std::invalid_argument("reply_text: code outside 200-599");
        bool const same_class =
            enhanced.empty() || (enhanced[0] - '0' == code / 100 && detail::is_enhanced_code(enhanced));
        if (!same_class) throw std::invalid_argument("reply_text: enhanced code is malformed or of another class");
        for (char c : text) {
            if (!is_printable(c)) throw std::invalid_argument("reply_text: text is not printable ASCII");
        }
        if (sizeof("250 5.123.123 \r\n") + text.size() > max_octets)
            throw std::invalid_argument("reply_text: too long");
        put(static_cast<char>('0' + code / 100));
        put(static_cast<char>('0' + code / 10 % 10));
        put(static_cast<char>('0' + code % 10));
        put(' ');  // also before nothing: "334 " (RFC 4954 §4), and many clients look at the fourth octet
        for (char c : enhanced) put(c);
        if (!enhanced.empty() && !text.empty()) put(' ');
        for (char c : text) put(c);
        enhanced_size_ = static_cast<std::uint8_t>(enhanced.size());
        put('\r');
        put('\n');
    }

    constexpr int code() const noexcept { return code_; }
    /// Empty if there is none.
    constexpr std::string_view enhanced() const noexcept {
        return enhanced_size_ == 0 ? std::string_view{} : std::string_view{octets_ + 4, enhanced_size_};
    }
    /// What follows the codes.
    constexpr std::string_view text() const noexcept {
        std::string_view const whole = wire();
        std::size_t const start = enhanced_size_ == 0 ? 4u : 5u + enhanced_size_;
        return start < whole.size() ? whole.substr(start) : std::string_view{};
    }
    /// The line without CRLF: `530 5.7.0 Authentication required`. A space follows the code even if nothing else does.
    constexpr std::string_view wire() const noexcept { return {octets_, size_ - 2u}; }
    /// The line with CRLF. It begins an array of `max_octets`, all of which may be read.
    constexpr std::string_view line() const noexcept { return {octets_, size_}; }

private:
    constexpr void put(char c) { octets_[size_++] = c; }

    std::uint16_t code_;
    std::uint8_t size_ = 0;
    std::uint8_t enhanced_size_ = 0;
    char octets_[max_octets] = {};
};

}  // namespace mailquay::inline MAILQUAY_ABI
