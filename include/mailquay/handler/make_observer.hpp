#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/observer.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

template <class T>
concept has_on_event = requires(T& t, observation const& what) { t.on_event(what); };
template <class T>
concept observes_as_call = requires(T& t, observation const& what) { t(what); };

}  // namespace detail

/// What can be told: an `observer`, a class with `on_event(observation const&)` (and perhaps `wants()`), or a callable with that
/// argument. A pointer or reference wrapper counts as what it points to.
template <class T>
concept observer_like = detail::implements<detail::held_type<T>, observer> || detail::has_on_event<detail::held_type<T>> ||
                        detail::observes_as_call<detail::held_type<T>>;

namespace detail {

template <class T>
class adapted_observer final : public observer {
public:
    explicit adapted_observer(std::shared_ptr<T> held) : held_(std::move(held)) {}

    observation_kind wants() const noexcept override {
        if constexpr (requires(T const& t) { { t.wants() } noexcept -> std::convertible_to<observation_kind>; }) {
            return held_->wants();
        } else {
            return observer::wants();
        }
    }
    void on_event(observation const& what) noexcept override {
        try {
            if constexpr (has_on_event<T>) {
                held_->on_event(what);
            } else {
                (*held_)(what);
            }
        } catch (...) {
            // Whoever only watches must not disturb the mail.
        }
    }

private:
    std::shared_ptr<T> held_;
};

struct observer_per_shard final : observer, made_per_shard_of<observer> {
    using made_per_shard_of::made_per_shard_of;
    void on_event(observation const&) noexcept override {}
};

}  // namespace detail

/// Makes an `observer` of what a host has. What a callable throws is dropped. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<observer> make_observer(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::observer_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_observer(made_by(shard)); });
    } else {
        static_assert(observer_like<T>,
                      "not an observer: give an observer, or a class with on_event(observation const&), or a callable "
                      "(observation const&)");
        if constexpr (observer_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, observer>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_observer<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
