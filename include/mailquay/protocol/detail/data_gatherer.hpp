#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/octet_remover.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Three or more: from so many in a block on they are taken out together.
constexpr bool are_many(std::uint64_t dots) noexcept {
    std::uint64_t const others = dots & (dots - 1);
    return (others & (others - 1)) != 0;
}

/// The message octets of one input, drawn together as dots are taken out from between them.
class data_gatherer {
public:
    explicit data_gatherer(char* octets) noexcept : octets_(octets) {}

    char* octets() const noexcept { return octets_; }
    /// The octets from the last `skip_to()` up to `end` belong to the message.
    void take_up_to(std::size_t end) noexcept {
        if (first_ == last_) first_ = last_ = next_;
        if (last_ != next_) std::memmove(octets_ + last_, octets_ + next_, end - next_);
        last_ += end - next_;
    }
    /// @{ For whoever takes out some by himself once anything was taken: where the next octets go, and where they are.
    std::pair<char*, char const*> places() const noexcept { return {octets_ + last_, octets_ + next_}; }
    void move_on(char* last, char const* next) noexcept {
        last_ = static_cast<std::size_t>(last - octets_);
        next_ = static_cast<std::size_t>(next - octets_);
    }
    /// @}
    void skip_to(std::size_t next) noexcept { next_ = next; }
    /// As many moves as dots are dear where there are many: takes `size` octets from `start` on, but for those in `gone`.
    void take_but(std::size_t start, std::size_t size, std::uint64_t gone) noexcept {
        take_up_to(start);
        last_ = static_cast<std::size_t>(remove_octets(octets_ + last_, octets_ + start, size, gone) - octets_);
        next_ = start + size;
    }

    std::span<char> gathered() const noexcept { return {octets_ + first_, last_ - first_}; }

private:
    char* octets_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
    std::size_t next_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
