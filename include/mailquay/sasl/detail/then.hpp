#pragma once

#include <mailquay/base/unique_function.hpp>
#include <mailquay/handler/eventual.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

// The function comes erased, so that a frame has no member of a type that only one file knows.
template <class R, class T>
asio::awaitable<R> then_later(eventual<T> first, unique_function<eventual<R>(T)> next) {
    T value = co_await std::move(first).wait();
    eventual<R> second = next(std::move(value));
    R answer = co_await std::move(second).wait();
    co_return answer;
}

/// What `next` makes of the value of `first`: at once if that is there, else once it comes.
/// @param next  `(T) -> eventual<R>`; what it refers to outlives the answer
template <class R, class T, class F>
eventual<R> then(eventual<T> first, F next) {
    if (first.ready()) return next(std::move(first).value());
    unique_function<eventual<R>(T)> erased{std::move(next)};
    return then_later<R, T>(std::move(first), std::move(erased));
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
