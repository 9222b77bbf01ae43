#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// The message octets of one input, drawn together as dots are taken out from between them.
class data_gatherer {
public:
    explicit data_gatherer(char* octets) noexcept : octets_(octets), begin_(octets), to_(octets), from_(octets) {}

    char* octets() const noexcept { return octets_; }
    /// The octets from the last `skip_to()` up to `end` belong to the message.
    void take_up_to(std::size_t end) noexcept {
        auto const [to, from] = to_and_from();
        auto const size = static_cast<std::size_t>(octets_ + end - from);
        if (to != from) std::memmove(to, from, size);
        move_on(to + size, from + size);
    }
    void skip_to(std::size_t next) noexcept { from_ = octets_ + next; }
    /// @{ For whoever takes some out by himself: where the next octets go, and where they are.
    std::pair<char*, char const*> to_and_from() noexcept {
        if (begin_ == to_) begin_ = to_ = octets_ + (from_ - octets_);  // nothing was taken: they stay in their place
        return {to_, from_};
    }
    void move_on(char* to, char const* from) noexcept {
        to_ = to;
        from_ = from;
    }
    /// @}

    std::span<char> gathered() const noexcept { return {begin_, to_}; }

private:
    char* octets_;
    char* begin_;
    char* to_;
    char const* from_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
