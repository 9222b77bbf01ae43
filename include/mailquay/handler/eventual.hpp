#pragma once

#include <mailquay/base/config.hpp>

#include <asio/awaitable.hpp>

#include <cassert>
#include <concepts>
#include <memory>
#include <optional>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
template <class T>
asio::awaitable<T> await_value(T value) {
    co_return value;
}
}  // namespace detail

/// What a hook returns: a `T` now, or a coroutine that will give it.
///
/// A ready one allocates nothing. Converts from anything `T` is constructible from, and from `asio::awaitable<T>`, so a
/// hook written as a plain function and one written as a coroutine look the same to the caller. A coroutine is started by
/// whoever waits for it; one that nobody waits for is destroyed unstarted.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// eventual<verdict> now = accept();
/// eventual<verdict> later = look_up(address);     // asio::awaitable<verdict> look_up(std::string)
/// @endcode
template <class T>
class [[nodiscard]] eventual {
public:
    using value_type = T;

    template <class U = T>
        requires(std::is_constructible_v<T, U &&> && !std::same_as<std::remove_cvref_t<U>, eventual> &&
                 !std::same_as<std::remove_cvref_t<U>, asio::awaitable<T>>)
    eventual(U&& value) : value_(std::in_place, std::forward<U>(value)) {}
    eventual(asio::awaitable<T> later) : later_(std::move(later)) {}
    eventual(eventual&&) noexcept = default;
    eventual& operator=(eventual&& other) noexcept {
        // Not member by member: assigning over an unstarted awaitable leaks its frame in Asio 1.22.
        if (this != &other) {
            std::destroy_at(this);
            std::construct_at(this, std::move(other));
        }
        return *this;
    }
    MAILQUAY_INLINE ~eventual() = default;

    bool ready() const noexcept { return value_.has_value(); }
    /// Precondition of both: `ready()`.
    T&& value() && {
        assert(ready());
        return *std::move(value_);
    }
    T const& peek() const noexcept {
        assert(ready());
        return *value_;
    }
    /// For use in a coroutine: `auto v = co_await std::move(e).wait();`
    asio::awaitable<T> wait() && {
        if (value_) return detail::await_value<T>(*std::move(value_));
        return std::move(later_);
    }

private:
    std::optional<T> value_;
    asio::awaitable<T> later_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
