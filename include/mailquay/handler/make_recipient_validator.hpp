#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/recipient_validator.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

template <class T>
concept has_validate = requires(T& t, transaction const& mail, recipient const& to) {
    { t.validate(mail, to) } -> answers_verdict;
};
template <class T>
concept validates_as_call = requires(T& t, transaction const& mail, recipient const& to) {
    { t(mail, to) } -> answers_verdict;
};
template <class T>
concept validates_recipient_alone = requires(T& t, recipient const& to) {
    { t(to) } -> answers_verdict;
};

}  // namespace detail

/// What can be asked who may receive: a `recipient_validator`; a class with `validate(transaction const&, recipient const&)`;
/// a callable with these arguments, or with `(recipient const&)`. Each returns `verdict`, `eventual<verdict>` or
/// `asio::awaitable<verdict>`. A pointer or reference wrapper counts as what it points to. A class may also have
/// `bool judges_owner_since() const`.
template <class T>
concept recipient_validator_like =
    detail::implements<detail::held_type<T>, recipient_validator> || detail::has_validate<detail::held_type<T>> ||
    detail::validates_as_call<detail::held_type<T>> || detail::validates_recipient_alone<detail::held_type<T>>;

namespace detail {

template <class T>
class adapted_validator final : public recipient_validator {
public:
    explicit adapted_validator(std::shared_ptr<T> held) : held_(std::move(held)) {}
    eventual<verdict> validate(transaction const& mail, recipient const& to) override {
        if constexpr (has_validate<T>) {
            return held_->validate(mail, to);
        } else if constexpr (validates_as_call<T>) {
            return (*held_)(mail, to);
        } else {
            return (*held_)(to);
        }
    }
    bool judges_owner_since() const noexcept override {
        if constexpr (requires { { held_->judges_owner_since() } -> std::same_as<bool>; })
            return held_->judges_owner_since();
        else
            return false;
    }

private:
    std::shared_ptr<T> held_;
};

struct validator_per_shard final : recipient_validator, made_per_shard_of<recipient_validator> {
    using made_per_shard_of::made_per_shard_of;
    eventual<verdict> validate(transaction const&, recipient const&) override { misused(); }
};

}  // namespace detail

/// Makes a `recipient_validator` of what a host has. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<recipient_validator> make_recipient_validator(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::validator_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_recipient_validator(made_by(shard)); });
    } else {
        static_assert(recipient_validator_like<T>,
                      "not a recipient validator: give a recipient_validator, a class with validate(transaction const&, "
                      "recipient const&), or a callable (transaction const&, recipient const&) or (recipient const&); it "
                      "returns verdict, eventual<verdict> or asio::awaitable<verdict>");
        if constexpr (recipient_validator_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, recipient_validator>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_validator<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
