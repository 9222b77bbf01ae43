#pragma once

#include <mailquay/base/config.hpp>

#include <cassert>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace mailquay::inline MAILQUAY_ABI {

/// Thrown by `result::value()` when the result holds an error that is not a `std::error_code`.
class bad_result_access : public std::logic_error {
public:
    bad_result_access() : std::logic_error("mailquay::result holds an error, not a value") {}
};

/// A value or the reason why there is none.
///
/// Test it like a pointer, then read it like one; or call `value()`, which throws (`std::system_error` when `E` is
/// `std::error_code`, else `bad_result_access`). Converts implicitly from a value and from an error, hence the two
/// types must differ.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// result<int> r = parse(text);
/// if (!r) return r.error();
/// use(*r);
/// @endcode
template <class T, class E = std::error_code>
class [[nodiscard]] result {
    static_assert(!std::is_same_v<T, E>, "value and error must be of different types");

public:
    using value_type = T;
    using error_type = E;

    template <class U = T>
        requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, result> &&
                 !std::is_same_v<std::remove_cvref_t<U>, E>)
    constexpr result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
    constexpr result(E error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <class Enum>
        requires(std::is_error_code_enum_v<Enum> && std::is_same_v<E, std::error_code>)
    result(Enum error) : state_(std::in_place_index<1>, make_error_code(error)) {}

    constexpr explicit operator bool() const noexcept { return state_.index() == 0; }
    constexpr bool has_value() const noexcept { return state_.index() == 0; }

    constexpr T& operator*() & noexcept { return *checked(); }
    constexpr T const& operator*() const& noexcept { return *checked(); }
    constexpr T&& operator*() && noexcept { return std::move(*checked()); }
    constexpr T* operator->() noexcept { return checked(); }
    constexpr T const* operator->() const noexcept { return checked(); }

    constexpr E const& error() const& noexcept {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    constexpr E&& error() && noexcept {
        assert(!has_value());
        return std::move(*std::get_if<1>(&state_));
    }

    T& value() & { return has_value() ? *checked() : raise(); }
    T const& value() const& { return has_value() ? *checked() : const_cast<result*>(this)->raise(); }
    T&& value() && { return std::move(has_value() ? *checked() : raise()); }

    template <class U>
    constexpr T value_or(U&& fallback) const& {
        return has_value() ? *checked() : static_cast<T>(std::forward<U>(fallback));
    }
    template <class U>
    constexpr T value_or(U&& fallback) && {
        return has_value() ? std::move(*checked()) : static_cast<T>(std::forward<U>(fallback));
    }

private:
    constexpr T* checked() noexcept {
        assert(has_value());
        return std::get_if<0>(&state_);
    }
    constexpr T const* checked() const noexcept {
        assert(has_value());
        return std::get_if<0>(&state_);
    }
    [[noreturn]] T& raise() {
        if constexpr (std::is_same_v<E, std::error_code>) throw std::system_error(error());
        throw bad_result_access();
    }

    std::variant<T, E> state_;
};

/// Success, or the reason for failure. Any `E` means failure, a `std::error_code` of value 0 too.
template <class E>
class [[nodiscard]] result<void, E> {
public:
    using value_type = void;
    using error_type = E;

    constexpr result() noexcept = default;
    constexpr result(E error) : error_(std::move(error)) {}
    template <class Enum>
        requires(std::is_error_code_enum_v<Enum> && std::is_same_v<E, std::error_code>)
    result(Enum error) : error_(make_error_code(error)) {}

    constexpr explicit operator bool() const noexcept { return has_value(); }
    constexpr bool has_value() const noexcept { return !error_.has_value(); }
    constexpr E const& error() const& noexcept {
        assert(!has_value());
        return *error_;
    }
    constexpr E&& error() && noexcept {
        assert(!has_value());
        return *std::move(error_);
    }
    void value() const {
        if (has_value()) return;
        if constexpr (std::is_same_v<E, std::error_code>) throw std::system_error(*error_);
        throw bad_result_access();
    }

private:
    std::optional<E> error_;  // E need not be made from nothing
};

}  // namespace mailquay::inline MAILQUAY_ABI
