#pragma once

#include <mailquay/base/config.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Names of SASL mechanisms, in the order they are announced.
using mechanisms = std::vector<std::string>;

/// Why an AUTH exchange failed; decides the reply (RFC 4954 §6) and whether it counts against `error_budgets::auth`.
enum class auth_problem : std::uint8_t {
    credentials,       ///< 535 5.7.8, counted: unknown user, wrong secret, disabled account alike
    unavailable,       ///< 454 4.7.0: the look-up failed, or too many failures of this client lately
    expired,           ///< 432 4.7.12: the password was right, but must be changed
    too_weak,          ///< 534 5.7.9: this user needs a stronger mechanism
    needs_tls,         ///< 538 5.7.11
    unknown_mechanism, ///< 504 5.5.4
    initial_response,  ///< 501 5.7.0: an initial response, though the server speaks first
    malformed,         ///< 501 5.5.2: the response is not of the mechanism's form
};

/// @{ One step of an AUTH exchange (RFC 4954).
struct auth_continue {
    std::string challenge{};  ///< octets; sent base64-encoded behind 334
    /// The secret was wrong, and the challenge only says why (RFC 7628 §3.2.2): it is counted and waits as `auth_failure` does.
    /// The exchange fails whatever the client answers; `next()` is not called again.
    bool refused = false;
    std::chrono::milliseconds after{0};  ///< as in `auth_success`
};
struct auth_success {
    std::string identity{};  ///< the authorised user
    std::string last{};      ///< data that goes with success, sent as a last challenge where the mechanism asks for it
    /// How long the reply waits. A step that waits waits at least as long as the session would let a failure wait, whatever it
    /// is: the time does not tell right from wrong.
    std::chrono::milliseconds after{0};
};
struct auth_failure {
    bool temporary = false;  ///< the same as `auth_problem::unavailable`: 454 4.7.0, not counted
    std::string text{};      ///< in place of the reply's usual text; must not tell a wrong secret from an unknown user
    auth_problem why = auth_problem::credentials;
    std::chrono::milliseconds after{0};  ///< as in `auth_success`
};
using auth_step = std::variant<auth_failure, auth_continue, auth_success>;
inline auth_step continue_with(std::string challenge) { return auth_continue{std::move(challenge), false, {}}; }
inline auth_step refuse_with(std::string challenge) { return auth_continue{std::move(challenge), true, {}}; }
inline auth_step succeed(std::string identity, std::string last = {}) { return auth_success{std::move(identity), std::move(last), {}}; }
inline auth_step fail() { return auth_failure{}; }
inline auth_step fail(auth_problem why) { return auth_failure{why == auth_problem::unavailable, {}, why, {}}; }
/// The step, its reply put off.
inline auth_step put_off(auth_step given, std::chrono::milliseconds delay) {
    std::visit([delay](auto& one) { one.after = delay; }, given);
    return given;
}
inline std::chrono::milliseconds delay_of(auth_step const& given) {
    return std::visit([](auto const& one) { return one.after; }, given);
}
/// @}

/// How an AUTH exchange ended.
enum class auth_outcome : std::uint8_t {
    succeeded,
    failed,       ///< wrong credentials
    unavailable,  ///< it could not be decided now
    refused,      ///< another of `auth_problem`
    cancelled,    ///< by the client's "*"
    malformed,    ///< a response that is no base64, too long, or not of the mechanism's form
    aborted,      ///< the session ended first
};
/// The enumerator's name. Lifetime: static.
constexpr std::string_view to_string(auth_outcome how) noexcept {
    switch (how) {
        case auth_outcome::succeeded: return "succeeded";
        case auth_outcome::failed: return "failed";
        case auth_outcome::unavailable: return "unavailable";
        case auth_outcome::refused: return "refused";
        case auth_outcome::cancelled: return "cancelled";
        case auth_outcome::malformed: return "malformed";
        case auth_outcome::aborted: return "aborted";
    }
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI
