#pragma once

#include <mailquay/base/config.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// One share of an object that counts its owners itself, by `retain()` and `release()`: one pointer wide, and as cheap as
/// the object's counter. The server uses it for what lives on one shard.
///
/// Thread safety: distinct objects: as safe as the counter they share. Shared objects: unsafe.
template <class T>
class ref {
public:
    constexpr ref() noexcept = default;
    /// Takes a share of its own.
    explicit ref(T* shared) noexcept : shared_(shared) {
        if (shared_) shared_->retain();
    }
    ref(ref const& other) noexcept : ref(other.shared_) {}
    ref(ref&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    ref& operator=(ref other) noexcept {
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~ref() {
        if (shared_) shared_->release();
    }

    T* get() const noexcept { return shared_; }
    T* operator->() const noexcept { return shared_; }
    T& operator*() const noexcept { return *shared_; }
    explicit operator bool() const noexcept { return shared_ != nullptr; }

private:
    T* shared_ = nullptr;
};

}  // namespace mailquay::inline MAILQUAY_ABI
