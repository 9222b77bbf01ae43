#pragma once

#include <mailquay/base/unique_function.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/delivery.hpp>
#include <mailquay/session/envelope.hpp>

#include <asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// A whole message as a value: what collecting sinks hand to the host's function.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
struct received_message {
    received_message() = default;
    received_message(mailquay::envelope from_and_to, std::string text)
        : envelope(std::move(from_and_to)), octets(std::move(text)) {}

    mailquay::envelope envelope{};
    std::string octets{};  ///< our Received field, then the message; CRLF lines
};

namespace detail {

// Each coroutine does one thing with names of its own: GCC 12 miscompiles richer ones.
template <class T>
asio::awaitable<delivery> deliver_later(asio::awaitable<T> answer) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(answer);
        co_return delivery{accept()};
    } else {
        T given = co_await std::move(answer);
        co_return delivery{std::move(given)};
    }
}

template <class T>
concept is_delivery_answer = std::is_void_v<T> || std::convertible_to<T, delivery>;

template <is_delivery_answer T>
eventual<delivery> to_delivery(asio::awaitable<T> answer) {
    if constexpr (std::same_as<T, delivery>)
        return answer;
    else
        return deliver_later<T>(std::move(answer));
}
template <is_delivery_answer T>
eventual<delivery> to_delivery(eventual<T> answer) {
    if (answer.ready()) return delivery{std::move(answer).value()};
    return to_delivery(std::move(answer).wait());
}
template <class T>
    requires std::convertible_to<T, delivery>
eventual<delivery> to_delivery(T answer) {
    return delivery{std::move(answer)};
}

template <class F>
eventual<delivery> deliver_by(F& function, received_message message) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, received_message>>) {
        std::invoke(function, std::move(message));
        return delivery{accept()};
    } else {
        return to_delivery(std::invoke(function, std::move(message)));
    }
}

template <class F>
concept delivers_something =
    std::is_void_v<std::invoke_result_t<F&, received_message>> ||
    requires(std::invoke_result_t<F&, received_message> (*answer)()) { detail::to_delivery(answer()); };

}  // namespace detail

/// Whatever can take a whole message: a callable of `received_message` that returns nothing (accepted, unless it throws),
/// `verdict`, `delivery`, an `eventual` of one of them, or a coroutine of nothing or one of them. A callable that is a
/// class with state is called by all shards at once.
template <class F>
concept message_function = std::is_object_v<F> && std::invocable<F&, received_message> && detail::delivers_something<F>;

/// A `message_function` of unknown type.
using message_handler = unique_function<eventual<delivery>(received_message)>;

/// Makes a `message_handler` of a `message_function`. What it throws passes through.
template <class F>
    requires message_function<std::decay_t<F>>
message_handler make_message_handler(F&& function) {
    return [held = std::forward<F>(function)](received_message message) mutable {
        return detail::deliver_by(held, std::move(message));
    };
}

}  // namespace mailquay::inline MAILQUAY_ABI
