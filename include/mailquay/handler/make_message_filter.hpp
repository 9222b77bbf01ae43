#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/message_filter.hpp>

#include <optional>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

template <class T>
concept sees_headers = requires(T& t, std::string_view header) { { t.on_headers(header) } -> answers_verdict; };
template <class T>
concept sees_chunks = requires(T& t, std::span<char const> octets) { { t.on_chunk(octets) } -> answers_verdict; };
template <class T>
concept edits_at_end = requires(T& t, message_edit& message) { { t.on_end(message) } -> answers_verdict; };
template <class T>
concept sees_end = requires(T& t) { { t.on_end() } -> answers_verdict; };
/// A class whose members are those of a `filter_run`; `on_end()` may do without its argument.
template <class T>
concept filter_run_like =
    std::move_constructible<T> && (sees_headers<T> || sees_chunks<T> || edits_at_end<T> || sees_end<T>);

template <class T>
concept filters_in_one = requires(T& t, transaction const& mail, message_edit& message) {
    { t(mail, message) } -> answers_verdict;
};
template <class T>
concept filters_edit_alone = requires(T& t, message_edit& message) { { t(message) } -> answers_verdict; };
template <class T>
concept begins_run_pointer = requires(T& t, transaction const& mail) {
    { t.begin(mail) } -> std::convertible_to<std::unique_ptr<filter_run>>;
};
template <class T>
concept begins_run = requires(T& t, transaction const& mail) { { t.begin(mail) } -> filter_run_like; };
template <class T>
concept tells_needs = requires(T const& t) { { t.needs() } -> std::convertible_to<message_needs>; };

}  // namespace detail

/// What can filter messages: a `message_filter`; a callable `(transaction const&, message_edit&)` or `(message_edit&)`, called at
/// the end of each message, which is buffered for it; a class with `begin(transaction const&)` that returns either a
/// `unique_ptr` of a `filter_run` (with `needs()` beside it, else edits are assumed) or an object with some of `on_headers`,
/// `on_chunk`, `on_end(message_edit&)` (needs edits) or `on_end()`, whose members tell the needs.
template <class T>
concept message_filter_like =
    detail::implements<detail::held_type<T>, message_filter> || detail::begins_run_pointer<detail::held_type<T>> ||
    detail::begins_run<detail::held_type<T>> || detail::filters_in_one<detail::held_type<T>> ||
    detail::filters_edit_alone<detail::held_type<T>>;

namespace detail {

template <class T>
class adapted_run final : public filter_run {
public:
    explicit adapted_run(T held) : held_(std::move(held)) {}

    static constexpr message_needs needs = edits_at_end<T>   ? message_needs::edits
                                           : sees_chunks<T>  ? message_needs::body
                                           : sees_headers<T> ? message_needs::headers
                                                             : message_needs::none;

    eventual<verdict> on_headers(std::string_view header) override {
        if constexpr (sees_headers<T>) {
            return held_.on_headers(header);
        } else {
            return filter_run::on_headers(header);
        }
    }
    eventual<verdict> on_chunk(std::span<char const> octets) override {
        if constexpr (sees_chunks<T>) {
            return held_.on_chunk(octets);
        } else {
            return filter_run::on_chunk(octets);
        }
    }
    eventual<verdict> on_end(message_edit& message) override {
        if constexpr (edits_at_end<T>) {
            return held_.on_end(message);
        } else if constexpr (sees_end<T>) {
            return held_.on_end();
        } else {
            return filter_run::on_end(message);
        }
    }

private:
    T held_;
};

/// Calls the host's callable at the end of a message.
template <class T>
class end_run final : public filter_run {
public:
    end_run(std::shared_ptr<T> held, transaction const& mail) : held_(std::move(held)), mail_(&mail) {}
    eventual<verdict> on_end(message_edit& message) override {
        if constexpr (filters_in_one<T>) {
            return (*held_)(*mail_, message);
        } else {
            return (*held_)(message);
        }
    }

private:
    std::shared_ptr<T> held_;
    transaction const* mail_;
};

template <class T>
class adapted_filter final : public message_filter {
public:
    explicit adapted_filter(std::shared_ptr<T> held) : held_(std::move(held)) {}

    message_needs needs() const override {
        if constexpr (tells_needs<T>) {
            return held_->needs();
        } else if constexpr (begins_run<T> && !begins_run_pointer<T>) {
            return adapted_run<run_type<T>>::needs;
        } else {
            return message_needs::edits;
        }
    }
    std::unique_ptr<filter_run> begin(transaction const& mail) override {
        if constexpr (begins_run_pointer<T>) {
            return held_->begin(mail);
        } else if constexpr (begins_run<T>) {
            return std::make_unique<adapted_run<run_type<T>>>(held_->begin(mail));
        } else {
            return std::make_unique<end_run<T>>(held_, mail);
        }
    }

private:
    template <class U>
    using run_type = std::remove_cvref_t<decltype(std::declval<U&>().begin(std::declval<transaction const&>()))>;

    std::shared_ptr<T> held_;
};

struct filter_per_shard final : message_filter, made_per_shard_of<message_filter> {
    using made_per_shard_of::made_per_shard_of;
    message_needs needs() const override { misused(); }
    std::unique_ptr<filter_run> begin(transaction const&) override { misused(); }
};

}  // namespace detail

/// Makes a `message_filter` of what a host has. See `adapt.hpp` for the forms it may come in.
template <class T>
std::shared_ptr<message_filter> make_message_filter(T&& given) {
    if constexpr (detail::is_per_shard<std::remove_cvref_t<T>>) {
        return std::make_shared<detail::filter_per_shard>(
            [made_by = std::forward<T>(given)](unsigned shard) mutable { return make_message_filter(made_by(shard)); });
    } else {
        static_assert(message_filter_like<T>,
                      "not a message filter: give a message_filter, a callable (transaction const&, message_edit&) or "
                      "(message_edit&) that returns a verdict, or a class with begin(transaction const&) that returns a "
                      "std::unique_ptr<filter_run> or an object with some of on_headers, on_chunk, on_end");
        if constexpr (message_filter_like<T>) {
            using held = detail::held_type<T>;
            if constexpr (detail::implements<held, message_filter>) {
                return detail::hold(std::forward<T>(given));
            } else {
                return std::make_shared<detail::adapted_filter<held>>(detail::hold(std::forward<T>(given)));
            }
        }
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
