#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Octets that live as long as a transaction: handed out in a row, given back all at once.
///
/// The first KiB lies inside the object, the rest in blocks of 4 KiB (or one block for a larger piece); `clear()` keeps
/// up to 64 KiB of blocks for the next transaction. Views stay valid until `clear()`.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class arena {
public:
    arena() = default;
    arena(arena const&) = delete;
    arena& operator=(arena const&) = delete;

    /// Room for `octets` octets, not aligned: for text only.
    MAILQUAY_INLINE char* take(std::size_t octets) {
        if (octets > static_cast<std::size_t>(end_ - next_)) grow(octets);
        char* const piece = next_;
        next_ += octets;
        return piece;
    }
    /// Takes back the end of the piece that was taken last: what is not before `end`.
    void keep_up_to(char* end) noexcept { next_ = end; }
    /// A place to go back to.
    struct place {
        std::size_t blocks = 0;
        char* next = nullptr;
        char* end = nullptr;
    };
    place position() const noexcept { return {used_blocks_, next_, end_}; }
    /// Takes back all that was handed out since `then`, which must be of this arena and not older than `clear()`.
    void go_back(place then) noexcept {
        used_blocks_ = then.blocks;
        next_ = then.next;
        end_ = then.end;
    }

    std::string_view copy(std::string_view text) {
        if (text.empty()) return {};
        char* const piece = take(text.size());
        std::memcpy(piece, text.data(), text.size());
        return {piece, text.size()};
    }

    void clear() noexcept {
        if (!blocks_.empty()) trim();
        next_ = first_;
        end_ = first_ + sizeof first_;
        used_blocks_ = 0;
    }

private:
    static constexpr std::size_t block_octets = 4096;
    static constexpr std::size_t kept_octets = 64 * 1024;
    struct block {
        std::unique_ptr<char[]> octets;
        std::size_t size;
    };

    MAILQUAY_RARE void grow(std::size_t octets) {
        while (used_blocks_ < blocks_.size() && blocks_[used_blocks_].size < octets) ++used_blocks_;
        if (used_blocks_ == blocks_.size()) {
            std::size_t const size = octets > block_octets ? octets : block_octets;
            blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
        }
        next_ = blocks_[used_blocks_].octets.get();
        end_ = next_ + blocks_[used_blocks_].size;
        ++used_blocks_;
    }
    MAILQUAY_RARE void trim() noexcept {
        std::size_t kept = 0;
        std::size_t count = 0;
        while (count < blocks_.size() && kept + blocks_[count].size <= kept_octets) kept += blocks_[count++].size;
        blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(count), blocks_.end());
    }

    std::vector<block> blocks_;
    std::size_t used_blocks_ = 0;
    char* next_ = first_;
    char* end_ = first_ + sizeof first_;
    char first_[1024];
};

}  // namespace mailquay::inline MAILQUAY_ABI
