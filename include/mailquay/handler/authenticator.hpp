#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/session_info.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Names of SASL mechanisms, in the order they are announced.
using mechanisms = std::vector<std::string>;

/// @{ One step of an AUTH exchange (RFC 4954).
struct auth_continue {
    std::string challenge{};  ///< octets; sent base64-encoded behind 334
};
struct auth_success {
    std::string identity{};  ///< the authorised user
    std::string last{};      ///< data that goes with success, sent as a last challenge where the mechanism asks for it
};
struct auth_failure {
    bool temporary = false;  ///< the look-up failed: 454 4.7.0, not counted
    std::string text{};
};
using auth_step = std::variant<auth_failure, auth_continue, auth_success>;
inline auth_step continue_with(std::string challenge) { return auth_continue{std::move(challenge)}; }
inline auth_step succeed(std::string identity, std::string last = {}) { return auth_success{std::move(identity), std::move(last)}; }
inline auth_step fail() { return auth_failure{}; }
/// @}

/// One AUTH exchange under way. Called with each decoded response of the client; the first may be an initial response.
struct MAILQUAY_API auth_exchange {
    virtual ~auth_exchange();
    virtual eventual<auth_step> next(secret_view response) = 0;
};

/// Who may send.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API authenticator {
    virtual ~authenticator();
    /// The mechanisms for this client; asked at each EHLO. Empty: AUTH is not announced.
    virtual mechanisms offered(session_info const& client) const = 0;
    /// Begins an exchange; null if the mechanism is not known.
    virtual std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
