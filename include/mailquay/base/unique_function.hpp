#pragma once

#include <mailquay/base/config.hpp>

#include <cassert>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

template <class Signature>
class unique_function;

namespace detail {

template <class F>
inline constexpr bool is_unique_function = false;
template <class Signature>
inline constexpr bool is_unique_function<unique_function<Signature>> = true;

}  // namespace detail

/// Whatever can be called as `R(Args...)`, owned and movable but not copyable: `std::move_only_function` for compilers
/// that lack it.
///
/// A callable of at most three pointers that moves without throwing is kept inside; a larger one costs one allocation.
/// A null function pointer, null member pointer or empty `unique_function` makes an empty one. Calling an empty one is
/// a caller's mistake (assertion). Moved-from is empty.
///
/// Thread safety: distinct objects: safe. Shared objects: calls are as safe as the callable's own.
template <class R, class... Args>
class unique_function<R(Args...)> {
    static constexpr std::size_t capacity = 3 * sizeof(void*);

    template <class F>
    static constexpr bool fits =
        sizeof(F) <= capacity && alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;
    template <class F>
    static constexpr bool accepts =
        !std::is_same_v<std::remove_cvref_t<F>, unique_function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>;

public:
    using result_type = R;

    constexpr unique_function() noexcept = default;
    constexpr unique_function(std::nullptr_t) noexcept {}

    template <class F>
        requires(accepts<F>)
    unique_function(F&& callable) {
        using stored = std::decay_t<F>;
        if constexpr (std::is_pointer_v<stored> || std::is_member_pointer_v<stored>) {
            if (callable == nullptr) return;
        } else if constexpr (detail::is_unique_function<stored>) {
            if (!callable) return;
        }
        if constexpr (fits<stored>) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(callable));
            operations_ = &inside<stored>;
        } else {
            auto owned = std::make_unique<stored>(std::forward<F>(callable));
            ::new (static_cast<void*>(storage_)) stored*(owned.release());
            operations_ = &outside<stored>;
        }
    }

    unique_function(unique_function&& other) noexcept { take(other); }
    unique_function& operator=(unique_function&& other) noexcept {
        if (this == &other) return *this;
        reset();
        take(other);
        return *this;
    }
    unique_function& operator=(std::nullptr_t) noexcept {
        reset();
        return *this;
    }
    unique_function(unique_function const&) = delete;
    unique_function& operator=(unique_function const&) = delete;
    ~unique_function() { reset(); }

    explicit operator bool() const noexcept { return operations_ != nullptr; }
    friend bool operator==(unique_function const& f, std::nullptr_t) noexcept { return !f; }

    /// Calls it. Throws what the callable throws.
    R operator()(Args... args) {
        assert(operations_ != nullptr && "called an empty unique_function");
        return operations_->call(storage_, std::forward<Args>(args)...);
    }

    friend void swap(unique_function& a, unique_function& b) noexcept {
        unique_function held{std::move(a)};
        a = std::move(b);
        b = std::move(held);
    }

private:
    struct operations {
        R (*call)(void*, Args&&...);
        void (*relocate)(void* from, void* to) noexcept;
        void (*destroy)(void*) noexcept;
    };

    template <class F>
    static R invoke(F& callable, Args&&... args) {
        if constexpr (std::is_void_v<R>) {
            std::invoke(callable, std::forward<Args>(args)...);
        } else {
            return std::invoke(callable, std::forward<Args>(args)...);
        }
    }

    template <class F>
    static F& at(void* storage) noexcept {
        return *std::launder(static_cast<F*>(storage));
    }

    template <class F>
    static constexpr operations inside{
        [](void* storage, Args&&... args) -> R { return invoke(at<F>(storage), std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept {
            ::new (to) F(std::move(at<F>(from)));
            at<F>(from).~F();
        },
        [](void* storage) noexcept { at<F>(storage).~F(); },
    };
    template <class F>
    static constexpr operations outside{
        [](void* storage, Args&&... args) -> R { return invoke(*at<F*>(storage), std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept { ::new (to) F*(at<F*>(from)); },
        [](void* storage) noexcept { delete at<F*>(storage); },
    };

    void take(unique_function& other) noexcept {
        operations_ = std::exchange(other.operations_, nullptr);
        if (operations_ != nullptr) operations_->relocate(other.storage_, storage_);
    }
    void reset() noexcept {
        // Empty first: the callable's destructor may look at us.
        if (auto* old = std::exchange(operations_, nullptr)) old->destroy(storage_);
    }

    alignas(void*) std::byte storage_[capacity];
    operations const* operations_ = nullptr;
};

}  // namespace mailquay::inline MAILQUAY_ABI
