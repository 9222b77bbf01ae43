#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/handler/client_credentials.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// What a client logs in with, and how.
struct client_mechanism_settings {
    /// Allowed, the best first. What a server offers and is not here is not used.
    std::vector<std::string> allowed{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256",
                                     "SCRAM-SHA-1", "PLAIN", "LOGIN"};
    std::string authorisation{};      ///< act for this user; empty: for oneself
    /// RFC 5802 §5.1: a server that asks for more rounds of the hash gets no answer; it could occupy us for hours.
    unsigned most_iterations = 500'000;
};

/// A user name and a password (PLAIN, LOGIN, SCRAM with and without channel binding), or a token (OAUTHBEARER, XOAUTH2).
///
/// User name and password are prepared by SASLprep where a mechanism wants it.
/// Thread safety: safe.
class MAILQUAY_API client_login final : public client_credentials {
public:
    MAILQUAY_DECL client_login(std::string user, secret password, client_mechanism_settings settings = {});
    /// A bearer token (RFC 6750); sent by OAUTHBEARER where it is offered, else by XOAUTH2.
    MAILQUAY_DECL static std::shared_ptr<client_login> by_token(std::string user, secret token);
    MAILQUAY_DECL ~client_login() override;

    MAILQUAY_DECL std::unique_ptr<client_exchange> begin(std::span<std::string const> offered, sasl_channel const& over) override;

private:
    struct impl;
    std::shared_ptr<impl const> impl_;
};

/// One exchange by name, for tests and hosts with mechanisms of their own; null for a mechanism that is unknown, or that needs what
/// `over` lacks. `nonce` empty: a random one.
MAILQUAY_DECL std::unique_ptr<client_exchange> begin_client_exchange(std::string_view mechanism, std::string_view user, secret_view password,
                                                                     client_mechanism_settings const& settings, sasl_channel const& over,
                                                                     std::string nonce = {});

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/client_mechanisms.ipp>
#endif
