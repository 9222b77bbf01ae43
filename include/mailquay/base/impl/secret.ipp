#pragma once

#include <mailquay/base/secret.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void wipe(std::span<char> octets) noexcept {
#if defined(__GNUC__)
    std::fill(octets.begin(), octets.end(), '\0');
    // The zeros are "read" here, so the stores above cannot be dead.
    __asm__ __volatile__("" : : "r"(octets.data()) : "memory");
#else
    for (char& octet : octets) *const_cast<char volatile*>(&octet) = '\0';
#endif
}

MAILQUAY_DECL void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // within the capacity: cannot allocate
    wipe(std::span<char>{text});
    text.clear();
}

MAILQUAY_DECL bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
#if defined(__GNUC__)
        // Keeps the compiler from leaving the loop once the outcome is known.
        __asm__ __volatile__("" : "+r"(difference));
#endif
    }
    return difference == 0;
}

MAILQUAY_DECL secret::secret(std::string_view octets) {
    if (octets.empty()) return;
    octets_.reset(new char[octets.size()]);
    size_ = octets.size();
    std::copy(octets.begin(), octets.end(), octets_.get());
}

MAILQUAY_DECL secret secret::take(std::string& text) {
    secret taken{std::string_view{text}};
    wipe(text);
    return taken;
}

// The octets themselves do not move: ownership does, hence nothing is left behind to overwrite.
MAILQUAY_DECL secret::secret(secret&& other) noexcept
    : octets_(std::move(other.octets_)), size_(std::exchange(other.size_, 0)) {}

MAILQUAY_DECL secret& secret::operator=(secret&& other) noexcept {
    if (this == &other) return *this;
    clear();
    octets_ = std::move(other.octets_);
    size_ = std::exchange(other.size_, 0);
    return *this;
}

MAILQUAY_DECL void secret::clear() noexcept {
    if (octets_) wipe(std::span<char>{octets_.get(), size_});
    octets_.reset();
    size_ = 0;
}

}  // namespace mailquay::inline MAILQUAY_ABI
