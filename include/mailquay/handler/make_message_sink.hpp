#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/message_sink.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

template <class T>
concept has_open = requires(T& t, transaction const& mail) {
    { t.open(mail) } -> std::convertible_to<eventual<message_sink::opened>>;
};

}  // namespace detail

/// Where mail can go: a `message_sink`, or a class with `open(transaction const&)` that returns a `unique_ptr` of a
/// `message_writer`, a `message_sink::opened`, an `eventual` or an `asio::awaitable` of that; `promised()`, `group()`,
/// `takes_another()`, `takes_any_recipients()` and `has_room()` are taken where it has them. A pointer or reference wrapper counts as what it points to.
template <class T>
concept message_sink_like = detail::implements<detail::held_type<T>, message_sink> || detail::has_open<detail::held_type<T>>;

namespace detail {

template <class T>
class adapted_sink final : public message_sink {
public:
    explicit adapted_sink(std::shared_ptr<T> held) : held_(std::move(held)) {}
    eventual<opened> open(transaction const& mail) override { return held_->open(mail); }
    promises promised() const override {
        if constexpr (requires(T const& t) { { t.promised() } -> std::convertible_to<promises>; }) {
            return held_->promised();
        } else {
            return message_sink::promised();
        }
    }
    recipient_group group(recipient const& to) const override {
        if constexpr (requires(T const& t) { { t.group(to) } -> std::convertible_to<recipient_group>; }) {
            return held_->group(to);
        } else {
            return message_sink::group(to);
        }
    }
    bool takes_another(transaction const& mail, recipient const& next) const override {
        if constexpr (requires(T const& t) { { t.takes_another(mail, next) } -> std::convertible_to<bool>; }) {
            return held_->takes_another(mail, next);
        } else {
            return message_sink::takes_another(mail, next);
        }
    }
    bool takes_any_recipients() const noexcept override {
        if constexpr (requires(T const& t) { { t.takes_any_recipients() } -> std::convertible_to<bool>; })
            return held_->takes_any_recipients();
        else  // it asks for nothing else
            return !requires(T const& t, transaction const& mail, recipient const& to) { t.group(to); } &&
                   !requires(T const& t, transaction const& mail, recipient const& to) { t.takes_another(mail, to); };
    }
    bool has_room(std::uint64_t octets) const override {
        if constexpr (requires(T const& t) { { t.has_room(octets) } -> std::convertible_to<bool>; }) {
            return held_->has_room(octets);
        } else {
            return message_sink::has_room(octets);
        }
    }

private:
    std::shared_ptr<T> held_;
};

struct sink_per_shard final : message_sink, made_per_shard_of<message_sink> {
    using made_per_shard_of::made_per_shard_of;
    eventual<opened> open(transaction const&) override { misused(); }
    promises promised() const override { misused(); }
    recipient_group group(recipient const&) const override { misused(); }
    bool takes_another(transaction const&, recipient const&) const override { misused(); }
    bool takes_any_recipients() const noexcept override { return false; }
    bool has_room(std::uint64_t) const override { misused(); }
};

}  // namespace detail

/// Makes a `message_sink` of what a host has. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<message_sink> make_message_sink(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::sink_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_message_sink(made_by(shard)); });
    } else {
        static_assert(message_sink_like<T>,
                      "not a sink: give a message_sink, or a class with open(transaction const&) that returns a "
                      "std::unique_ptr<message_writer>, a message_sink::opened, or an eventual or asio::awaitable of that; a "
                      "lambda that takes whole messages goes into sinks::collect");
        if constexpr (message_sink_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, message_sink>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_sink<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
