#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// A reading position in a text: what every grammar function works on.
///
/// No operation can leave the text: what would go past the end stops there, and reading at the end yields `'\0'` (which
/// may also stand in the text: `at_end()` tells the two apart).
///
/// Lifetime: borrows the text; the views it returns point into that text, not into the cursor.
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// cursor in{"SIZE=1000"};
/// if (in.iskip("size=")) digits = in.take_while(is_digit);
/// @endcode
class cursor {
public:
    constexpr explicit cursor(std::string_view text) noexcept : text_(text) {}

    constexpr bool at_end() const noexcept { return position_ == text_.size(); }
    /// Octets read so far.
    constexpr std::size_t position() const noexcept { return position_; }
    /// The next octet, `'\0'` at the end.
    constexpr char peek() const noexcept { return peek(0); }
    /// The octet `ahead` places behind the next one, `'\0'` past the end. `peek(0)` is `peek()`.
    constexpr char peek(std::size_t ahead) const noexcept {
        return ahead < text_.size() - position_ ? text_[position_ + ahead] : '\0';
    }

    /// Moves past `expected` if it is next. Says whether it was.
    constexpr bool skip(char expected) noexcept {
        if (at_end() || text_[position_] != expected) return false;
        ++position_;
        return true;
    }
    /// Moves past `keyword` if it is next, in any case of ASCII letters. Says whether it was.
    constexpr bool iskip(std::string_view keyword) noexcept {
        if (!istarts_with(rest(), keyword)) return false;
        position_ += keyword.size();
        return true;
    }
    /// Moves on by `octets`, at most to the end.
    constexpr void advance(std::size_t octets = 1) noexcept { position_ += std::min(octets, text_.size() - position_); }
    /// Moves past all octets for which `wanted(char)` holds and returns them; empty if there are none.
    template <class Predicate>
    constexpr std::string_view take_while(Predicate wanted) {
        // Local pointers: the compiler cannot know that `wanted` leaves the members alone.
        char const* const start = text_.data() + position_;
        char const* const end = text_.data() + text_.size();
        char const* at = start;
        while (at != end && wanted(*at)) ++at;
        position_ += static_cast<std::size_t>(at - start);
        return {start, static_cast<std::size_t>(at - start)};
    }

    /// What was read since `position()` was `start`; empty if `start` lies ahead.
    constexpr std::string_view since(std::size_t start) const noexcept {
        start = std::min(start, position_);
        return std::string_view{text_.data() + start, position_ - start};
    }
    /// What is still to be read.
    constexpr std::string_view rest() const noexcept {
        return std::string_view{text_.data() + position_, text_.size() - position_};
    }
    /// Goes to `position`, back or forth, at most to the end.
    constexpr void seek(std::size_t position) noexcept { position_ = std::min(position, text_.size()); }

private:
    std::string_view text_;
    std::size_t position_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI
