#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// A text that is made once, of any octets, for objects of which there are many: one word where it is kept, and one allocation of
/// four octets more than it has; none where it is empty. Moving it leaves its octets where they are.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class compact_text {
public:
    compact_text() noexcept = default;
    /// Copies `text`, of less than 4 GiB. Throws std::bad_alloc.
    explicit compact_text(std::string_view text) : compact_text(text, {}) {}
    /// Copies `begin` and, behind it, `rest`.
    compact_text(std::string_view begin, std::string_view rest) {
        if (begin.empty() && rest.empty()) return;
        auto const octets = static_cast<std::uint32_t>(begin.size() + rest.size());
        block_ = std::make_unique_for_overwrite<char[]>(sizeof octets + octets);
        std::memcpy(block_.get(), &octets, sizeof octets);
        if (!begin.empty()) std::memcpy(first(), begin.data(), begin.size());
        if (!rest.empty()) std::memcpy(first() + begin.size(), rest.data(), rest.size());
    }

    bool empty() const noexcept { return !block_; }
    std::size_t size() const noexcept {
        std::uint32_t octets = 0;
        if (block_) std::memcpy(&octets, block_.get(), sizeof octets);
        return octets;
    }
    /// Never null. Valid until this, or what it was moved to, is destroyed, assigned to or cleared.
    std::string_view view() const noexcept { return block_ ? std::string_view{first(), size()} : std::string_view{""}; }
    /// For who overwrites a secret.
    std::span<char> octets() noexcept { return block_ ? std::span<char>{first(), size()} : std::span<char>{}; }
    void clear() noexcept { block_.reset(); }

private:
    char* first() const noexcept { return block_.get() + sizeof(std::uint32_t); }

    std::unique_ptr<char[]> block_;  // how many there are, and the octets
};

}  // namespace mailquay::inline MAILQUAY_ABI
