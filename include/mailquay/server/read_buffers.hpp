#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The read buffers of a shard: one that all its connections read into, and those that went away with a connection because
/// a hook still looks at them.
///
/// The bound is on octets away. Above it a connection inside a message is not read at all; others read into a small buffer,
/// so that what they may take away is small too.
///
/// Thread safety: unsafe; one per shard.
class read_buffers {
public:
    /// 64 KiB: twice the size gains 15 % on large bodies, a quarter of it costs 60 %.
    static constexpr std::size_t octets = 64 * 1024;
    /// What a session can keep itself.
    static constexpr std::size_t small_octets = 4 * 1024;

    struct buffer {
        std::unique_ptr<char[]> room{};
        std::size_t size = 0;

        explicit operator bool() const noexcept { return room != nullptr; }
        std::span<char> span() const noexcept { return {room.get(), size}; }
    };

    explicit read_buffers(std::size_t most_away) noexcept : most_away_(most_away) {}

    /// The shared buffer to read into now; its octets last until the next call for it.
    std::span<char> shared() {
        buffer& one = full() ? small_ : large_;
        if (!one) one = make(full() ? small_octets : octets);
        return one.span();
    }
    /// The shared buffer that holds `octets_read` goes with a connection.
    buffer take(std::span<char const> octets_read) {
        buffer& one = large_ && octets_read.data() == large_.room.get() ? large_ : small_;
        away_ += one.size;
        return std::exchange(one, {});
    }
    /// A buffer comes back.
    void give_back(buffer back) noexcept {
        away_ -= back.size;
        if (back.size == octets && spare_.size() < most_spare) spare_.push_back(std::move(back));
    }
    /// Whether the bound on octets away is reached.
    bool full() const noexcept { return away_ + octets > most_away_; }
    std::size_t away() const noexcept { return away_; }

private:
    static constexpr std::size_t most_spare = 16;

    buffer make(std::size_t size) {
        if (size == octets && !spare_.empty()) {
            buffer one = std::move(spare_.back());
            spare_.pop_back();
            return one;
        }
        return {std::make_unique_for_overwrite<char[]>(size), size};
    }

    buffer large_{};
    buffer small_{};
    std::vector<buffer> spare_{};
    std::size_t away_ = 0;
    std::size_t most_away_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
