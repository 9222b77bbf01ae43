#pragma once

#include <mailquay/handler/impl/pipeline.ipp>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// To be called in a handler.
inline auth_step auth_threw(logger const& log, session_info const& client) noexcept {
    (void)hook_failed(log, "auth", &client, nullptr);
    return fail(auth_problem::unavailable);
}

inline asio::awaitable<auth_step> auth_later(std::shared_ptr<pipeline const> through, eventual<auth_step> pending,
                                             session_info const* client) {
    auth_step given;
    try {
        auth_step answer = co_await std::move(pending).wait();
        given = std::move(answer);
    } catch (...) {
        given = auth_threw(through->log(), *client);
    }
    co_return given;
}

}  // namespace detail

MAILQUAY_DECL eventual<auth_step> pipeline::begin_auth(std::string_view mechanism, std::optional<secret_view> initial,
                                                       session_info const& client, std::unique_ptr<auth_exchange>& begun) const {
    begun.reset();
    try {
        if (plugged().authenticator) begun = plugged().authenticator->begin(mechanism, client);
    } catch (...) {
        return detail::auth_threw(log(), client);
    }
    if (!begun) return fail(auth_problem::unknown_mechanism);
    return go_on_with_auth(*begun, initial.value_or(secret_view{}), client);
}

MAILQUAY_DECL eventual<auth_step> pipeline::go_on_with_auth(auth_exchange& under_way, secret_view response,
                                                            session_info const& client) const {
    try {
        eventual<auth_step> answer = under_way.next(response);
        if (answer.ready()) return answer;
        return detail::auth_later(shared_from_this(), std::move(answer), &client);
    } catch (...) {
        return detail::auth_threw(log(), client);
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
