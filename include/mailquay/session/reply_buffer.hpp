#pragma once

#include <mailquay/protocol/reply_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Replies that are owed to a client, in a row. Grows as needed; what bounds it is the session's (`session_limits::output_octets`).
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class reply_buffer {
public:
    /// @param octets  room before the first growth
    explicit reply_buffer(std::size_t octets) : octets_(std::make_unique_for_overwrite<char[]>(octets)), room_(octets) {}

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return room_; }
    /// Valid until the next call of a member that is not const.
    std::string_view view() const noexcept { return {octets_.get(), size_}; }

    /// What stands behind the first `octets`, of which there are not fewer.
    std::string_view behind(std::size_t octets) const noexcept { return {octets_.get() + octets, size_ - octets}; }

    void append(std::string_view text) {
        if (text.empty()) return;  // its octets may be nowhere
        if (text.size() > room_ - size_) grow(text.size());
        std::memcpy(octets_.get() + size_, text.data(), text.size());
        size_ += text.size();
    }
    void append(reply_text const& named) {
        make_room();
        append_in_room(named);
    }
    /// @{ The same in two steps.
    bool has_room() const noexcept { return room_ - size_ >= reply_text::max_octets; }
    void make_room() {
        if (!has_room()) grow(reply_text::max_octets);
    }
    void append_in_room(reply_text const& named) noexcept {
        // More than the line, of a size that is known: most are short, and cost no call.
        constexpr std::size_t most = 64;
        std::string_view const line = named.line();
        char* const to = octets_.get() + size_;
        if (line.size() <= most)
            std::memcpy(to, line.data(), most);
        else
            std::memcpy(to, line.data(), reply_text::max_octets);
        size_ += line.size();
    }
    /// Room for a reply of at most `reply_text::max_octets`, to be written whole. Precondition: `has_room()`.
    char* take_in_room(std::size_t octets) noexcept {
        char* const to = octets_.get() + size_;
        size_ += octets;
        return to;
    }
    /// @}

    void clear() noexcept { size_ = 0; }
    /// Makes the line that begins at `place` the last of its reply: "250-" becomes "250 ".
    void end_lines(std::size_t place) noexcept { octets_[place + 3] = ' '; }
    /// Drops what stands behind the first `octets`.
    void cut(std::size_t octets) noexcept { size_ = std::min(size_, octets); }
    /// Drops the first `octets`, of which there are not fewer.
    void drop_front(std::size_t octets) noexcept {
        std::memmove(octets_.get(), octets_.get() + octets, size_ - octets);
        size_ -= octets;
    }

private:
    MAILQUAY_RARE void grow(std::size_t more) {
        std::size_t const room = std::max(size_ + more, 2 * room_);
        auto larger = std::make_unique_for_overwrite<char[]>(room);
        std::memcpy(larger.get(), octets_.get(), size_);
        octets_ = std::move(larger);
        room_ = room;
    }

    friend class session_memory;

    std::unique_ptr<reply_buffer> next_;  // of those that are kept for others
    std::unique_ptr<char[]> octets_;
    std::size_t size_ = 0;
    std::size_t room_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
