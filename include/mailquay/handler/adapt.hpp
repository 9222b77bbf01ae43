#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/per_shard.hpp>
#include <mailquay/session/verdict.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

/// How whatever a host has becomes a handler; shared by the `make_...` headers.
///
/// Each takes an object that implements the interface, a plain class with the right members, or (most of them) a
/// callable, in one of these forms:
/// - a value: moved in;
/// - a `shared_ptr` or `unique_ptr`: shared, taken over; null throws `std::invalid_argument`;
/// - `std::ref(x)`: borrowed, must outlive the server;
/// - `per_shard(factory)`: one for each shard.
namespace mailquay::inline MAILQUAY_ABI {

/// What a hook that says yes or no may return: `verdict`, `eventual<verdict>` or `asio::awaitable<verdict>`.
template <class T>
concept answers_verdict = std::convertible_to<T, eventual<verdict>>;

namespace detail {

template <class T>
struct held_as {
    using type = T;
    template <class U>
    static std::shared_ptr<T> hold(U&& value) {
        return std::make_shared<T>(std::forward<U>(value));
    }
};
template <class T>
struct held_as<std::shared_ptr<T>> {
    using type = T;
    static std::shared_ptr<T> hold(std::shared_ptr<T> shared) {
        if (!shared) throw std::invalid_argument("a handler is a null shared_ptr");
        return shared;
    }
};
template <class T, class Deleter>
struct held_as<std::unique_ptr<T, Deleter>> {
    using type = T;
    static std::shared_ptr<T> hold(std::unique_ptr<T, Deleter> owned) {
        return held_as<std::shared_ptr<T>>::hold(std::shared_ptr<T>{std::move(owned)});
    }
};
template <class T>
struct held_as<std::reference_wrapper<T>> {
    using type = T;
    static std::shared_ptr<T> hold(std::reference_wrapper<T> borrowed) {
        return std::shared_ptr<T>{std::shared_ptr<void>{}, &borrowed.get()};  // owns nothing
    }
};

/// The class behind a value, a pointer or a reference wrapper.
template <class T>
using held_type = typename held_as<std::decay_t<T>>::type;

template <class T>
std::shared_ptr<held_type<T>> hold(T&& given) {
    return held_as<std::decay_t<T>>::hold(std::forward<T>(given));
}

/// True for a class that implements the interface, and can be called as such.
template <class T, class Interface>
concept implements = std::derived_from<T, Interface> && !std::is_const_v<T>;

}  // namespace detail

}  // namespace mailquay::inline MAILQUAY_ABI
