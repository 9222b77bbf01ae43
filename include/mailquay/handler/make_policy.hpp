#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/policy.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// For each stage two concepts: the member is there with the right shape; a member of that name is there at all, so that one
// with a wrong shape is an error instead of a policy that is never asked.
template <class T>
concept has_on_connect = requires(T& t, session_info const& client) { { t.on_connect(client) } -> answers_verdict; };
template <class T>
concept names_on_connect = requires { &T::on_connect; };
template <class T>
concept has_on_early_talk = requires(T& t, session_info const& client) { { t.on_early_talk(client) } -> answers_verdict; };
template <class T>
concept names_on_early_talk = requires { &T::on_early_talk; };
template <class T>
concept has_on_hello = requires(T& t, session_info const& client, std::string_view name) {
    { t.on_hello(client, name) } -> answers_verdict;
};
template <class T>
concept names_on_hello = requires { &T::on_hello; };
template <class T>
concept has_on_mail = requires(T& t, transaction const& mail) { { t.on_mail(mail) } -> answers_verdict; };
template <class T>
concept names_on_mail = requires { &T::on_mail; };
template <class T>
concept has_on_recipient = requires(T& t, transaction const& mail, recipient const& to) {
    { t.on_recipient(mail, to) } -> answers_verdict;
};
template <class T>
concept names_on_recipient = requires { &T::on_recipient; };
template <class T>
concept has_on_recipient_accepted = requires(T& t, transaction const& mail, recipient const& to) {
    { t.on_recipient_accepted(mail, to) } -> answers_verdict;
};
template <class T>
concept names_on_recipient_accepted = requires { &T::on_recipient_accepted; };
template <class T>
concept has_on_data = requires(T& t, transaction const& mail) { { t.on_data(mail) } -> answers_verdict; };
template <class T>
concept names_on_data = requires { &T::on_data; };
template <class T>
concept has_on_headers = requires(T& t, transaction const& mail, std::string_view header) {
    { t.on_headers(mail, header) } -> answers_verdict;
};
template <class T>
concept names_on_headers = requires { &T::on_headers; };
template <class T>
concept has_on_close = requires(T& t, session_info const& client) { t.on_close(client); };
template <class T>
concept names_on_close = requires { &T::on_close; };

template <class T>
concept polices_recipients = requires(T& t, transaction const& mail, recipient const& to) {
    { t(mail, to) } -> answers_verdict;
};
template <class T>
concept polices_clients = requires(T& t, session_info const& client) { { t(client) } -> answers_verdict; };

template <class T>
concept has_some_stage = has_on_connect<T> || has_on_early_talk<T> || has_on_hello<T> || has_on_mail<T> || has_on_recipient<T> ||
                         has_on_recipient_accepted<T> || has_on_data<T> || has_on_headers<T> || has_on_close<T>;

}  // namespace detail

/// What may say no: a `policy`; a class with any of its `on_...` members; a callable `(transaction const&, recipient const&)`,
/// asked at RCPT, or `(session_info const&)`, asked at connect. A pointer or reference wrapper counts as what it points to.
template <class T>
concept policy_like = detail::implements<detail::held_type<T>, policy> || detail::has_some_stage<detail::held_type<T>> ||
                      detail::polices_recipients<detail::held_type<T>> || detail::polices_clients<detail::held_type<T>>;

namespace detail {

/// Asked at the stages whose members the class has; `stages()` and `needs()` of its own win.
template <class T>
class adapted_policy final : public policy {
    static_assert(has_on_connect<T> || !names_on_connect<T>, "on_connect must be (session_info const&) -> verdict");
    static_assert(has_on_early_talk<T> || !names_on_early_talk<T>, "on_early_talk must be (session_info const&) -> verdict");
    static_assert(has_on_hello<T> || !names_on_hello<T>, "on_hello must be (session_info const&, std::string_view) -> verdict");
    static_assert(has_on_mail<T> || !names_on_mail<T>, "on_mail must be (transaction const&) -> verdict");
    static_assert(has_on_recipient<T> || !names_on_recipient<T>,
                  "on_recipient must be (transaction const&, recipient const&) -> verdict");
    static_assert(has_on_recipient_accepted<T> || !names_on_recipient_accepted<T>,
                  "on_recipient_accepted must be (transaction const&, recipient const&) -> verdict");
    static_assert(has_on_data<T> || !names_on_data<T>, "on_data must be (transaction const&) -> verdict");
    static_assert(has_on_headers<T> || !names_on_headers<T>,
                  "on_headers must be (transaction const&, std::string_view) -> verdict");
    static_assert(has_on_close<T> || !names_on_close<T>, "on_close must take (session_info const&)");

    static constexpr bool is_call = !has_some_stage<T>;

public:
    explicit adapted_policy(std::shared_ptr<T> held) : held_(std::move(held)) {}

    policy_stage stages() const override {
        if constexpr (requires(T const& t) { { t.stages() } -> std::convertible_to<policy_stage>; }) {
            return held_->stages();
        } else {
            unsigned found = 0;
            auto const note = [&](bool has_it, policy_stage stage) { found |= has_it ? unsigned(stage) : 0u; };
            note(has_on_connect<T> || (is_call && !polices_recipients<T>), policy_stage::connect);
            note(has_on_early_talk<T>, policy_stage::early_talk);
            note(has_on_hello<T>, policy_stage::hello);
            note(has_on_mail<T>, policy_stage::mail);
            note(has_on_recipient<T> || (is_call && polices_recipients<T>), policy_stage::recipient);
            note(has_on_recipient_accepted<T>, policy_stage::recipient_accepted);
            note(has_on_data<T>, policy_stage::data);
            note(has_on_headers<T>, policy_stage::headers);
            note(has_on_close<T>, policy_stage::close);
            return static_cast<policy_stage>(found);
        }
    }
    message_needs needs() const override {
        if constexpr (requires(T const& t) { { t.needs() } -> std::convertible_to<message_needs>; }) {
            return held_->needs();
        } else {
            return has_on_headers<T> ? message_needs::headers : message_needs::none;
        }
    }

    eventual<verdict> on_connect(session_info const& client) override {
        if constexpr (has_on_connect<T>) {
            return held_->on_connect(client);
        } else if constexpr (is_call && !polices_recipients<T>) {
            return (*held_)(client);
        } else {
            return policy::on_connect(client);
        }
    }
    eventual<verdict> on_early_talk(session_info const& client) override {
        if constexpr (has_on_early_talk<T>) {
            return held_->on_early_talk(client);
        } else {
            return policy::on_early_talk(client);
        }
    }
    eventual<verdict> on_hello(session_info const& client, std::string_view name) override {
        if constexpr (has_on_hello<T>) {
            return held_->on_hello(client, name);
        } else {
            return policy::on_hello(client, name);
        }
    }
    eventual<verdict> on_mail(transaction const& mail) override {
        if constexpr (has_on_mail<T>) {
            return held_->on_mail(mail);
        } else {
            return policy::on_mail(mail);
        }
    }
    eventual<verdict> on_recipient(transaction const& mail, recipient const& to) override {
        if constexpr (has_on_recipient<T>) {
            return held_->on_recipient(mail, to);
        } else if constexpr (is_call && polices_recipients<T>) {
            return (*held_)(mail, to);
        } else {
            return policy::on_recipient(mail, to);
        }
    }
    eventual<verdict> on_recipient_accepted(transaction const& mail, recipient const& to) override {
        if constexpr (has_on_recipient_accepted<T>) {
            return held_->on_recipient_accepted(mail, to);
        } else {
            return policy::on_recipient_accepted(mail, to);
        }
    }
    eventual<verdict> on_data(transaction const& mail) override {
        if constexpr (has_on_data<T>) {
            return held_->on_data(mail);
        } else {
            return policy::on_data(mail);
        }
    }
    eventual<verdict> on_headers(transaction const& mail, std::string_view header) override {
        if constexpr (has_on_headers<T>) {
            return held_->on_headers(mail, header);
        } else {
            return policy::on_headers(mail, header);
        }
    }
    void on_close(session_info const& client) noexcept override {
        if constexpr (has_on_close<T>) {
            try {
                held_->on_close(client);
            } catch (...) {
                // The connection is over: there is nobody to tell.
            }
        }
    }

private:
    std::shared_ptr<T> held_;
};

struct policy_per_shard final : policy, made_per_shard_of<policy> {
    using made_per_shard_of::made_per_shard_of;
    policy_stage stages() const override { misused(); }
    message_needs needs() const override { misused(); }
};

}  // namespace detail

/// Makes a `policy` of what a host has. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<policy> make_policy(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::policy_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_policy(made_by(shard)); });
    } else {
        static_assert(policy_like<T>,
                      "not a policy: give a policy, a class with some of its on_... members, or a callable (transaction const&, "
                      "recipient const&) or (session_info const&); each returns verdict, eventual<verdict> or "
                      "asio::awaitable<verdict>");
        if constexpr (policy_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, policy>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_policy<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
