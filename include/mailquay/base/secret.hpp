#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Octets that must not reach a log: a password, an AUTH response, a token.
///
/// It cannot be printed, formatted or compared by accident; `reveal()` is the one way in, easily found in a review.
///
/// Lifetime: borrows the octets.
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class secret_view {
public:
    constexpr secret_view() noexcept = default;
    constexpr explicit secret_view(std::string_view octets) noexcept : octets_(octets) {}

    constexpr std::string_view reveal() const noexcept { return octets_; }
    constexpr std::size_t size() const noexcept { return octets_.size(); }
    constexpr bool empty() const noexcept { return octets_.empty(); }

private:
    std::string_view octets_;
};

/// Overwrites `octets` with zeros by a store that no optimiser may drop.
MAILQUAY_DECL void wipe(std::span<char> octets) noexcept;
/// Overwrites all that `text` has room for, then makes it empty.
MAILQUAY_DECL void wipe(std::string& text) noexcept;

/// Whether `a` and `b` hold the same octets; takes a time that depends on their lengths but not on what they hold.
[[nodiscard]] MAILQUAY_DECL bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

/// A secret that owns its octets and overwrites them when it is destroyed, assigned to or moved from.
///
/// Copies are made only explicitly: `secret{other.view()}`.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class MAILQUAY_API secret {
public:
    secret() noexcept = default;
    /// Copies `octets`. Throws std::bad_alloc.
    MAILQUAY_DECL explicit secret(std::string_view octets);
    explicit secret(secret_view octets) : secret(octets.reveal()) {}
    /// Copies what `text` holds and wipes `text`.
    MAILQUAY_DECL static secret take(std::string& text);

    MAILQUAY_DECL secret(secret&& other) noexcept;
    MAILQUAY_DECL secret& operator=(secret&& other) noexcept;
    secret(secret const&) = delete;
    secret& operator=(secret const&) = delete;
    ~secret() { clear(); }

    secret_view view() const noexcept { return secret_view{reveal()}; }
    operator secret_view() const noexcept { return view(); }
    std::string_view reveal() const noexcept { return {octets_.get(), size_}; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /// Overwrites the octets and gives the memory back.
    MAILQUAY_DECL void clear() noexcept;

private:
    std::unique_ptr<char[]> octets_;
    std::size_t size_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/secret.ipp>
#endif
