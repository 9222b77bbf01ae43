#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/authenticator.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

template <class T>
concept offers_and_begins = requires(T& t, T const& constant, std::string_view mechanism, session_info const& client) {
    { constant.offered(client) } -> std::convertible_to<mechanisms>;
    { t.begin(mechanism, client) } -> std::convertible_to<std::unique_ptr<auth_exchange>>;
};
template <class T>
concept tells_too_weak = requires(T const& constant, session_info const& client) {
    { constant.too_weak(client) } -> std::convertible_to<mechanisms>;
};

}  // namespace detail

/// What can authenticate: an `authenticator`, or a class with its members `offered` (const) and `begin`, and `too_weak` (const) if
/// it likes. A pointer or reference
/// wrapper counts as what it points to.
template <class T>
concept authenticator_like =
    detail::implements<detail::held_type<T>, authenticator> || detail::offers_and_begins<detail::held_type<T>>;

namespace detail {

template <class T>
class adapted_authenticator final : public authenticator {
public:
    explicit adapted_authenticator(std::shared_ptr<T> held) : held_(std::move(held)) {}
    mechanisms offered(session_info const& client) const override { return std::as_const(*held_).offered(client); }
    mechanisms too_weak(session_info const& client) const override {
        if constexpr (tells_too_weak<T>) return std::as_const(*held_).too_weak(client);
        return authenticator::too_weak(client);
    }
    std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) override {
        return held_->begin(mechanism, client);
    }

private:
    std::shared_ptr<T> held_;
};

struct authenticator_per_shard final : authenticator, made_per_shard_of<authenticator> {
    using made_per_shard_of::made_per_shard_of;
    mechanisms offered(session_info const&) const override { misused(); }
    std::unique_ptr<auth_exchange> begin(std::string_view, session_info const&) override { misused(); }
};

}  // namespace detail

/// Makes an `authenticator` of what a host has. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<authenticator> make_authenticator(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::authenticator_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_authenticator(made_by(shard)); });
    } else {
        static_assert(authenticator_like<T>,
                      "not an authenticator: give an authenticator, or a class with offered(session_info const&) const -> "
                      "mechanisms and begin(std::string_view, session_info const&) -> std::unique_ptr<auth_exchange>");
        if constexpr (authenticator_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, authenticator>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_authenticator<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
