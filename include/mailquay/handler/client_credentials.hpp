#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/session/session_info.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The client's side of one SASL exchange (RFC 4422). Computes, but never waits.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
struct MAILQUAY_API client_exchange {
    virtual ~client_exchange();
    /// As named behind AUTH, in upper case. Lifetime: the exchange's.
    virtual std::string_view mechanism() const noexcept = 0;
    /// The initial response; nothing where the server speaks first.
    virtual std::optional<secret> first() = 0;
    /// Answers a challenge, already decoded. Nothing: the exchange is given up ("*").
    virtual std::optional<secret> next(std::string_view challenge) = 0;
    /// Whether the server's success may be believed: with SCRAM, that it has proved to know the password.
    virtual bool satisfied() const noexcept = 0;
};

/// Over what an exchange will take place.
struct sasl_channel {
    std::string_view host{};         ///< the server's name
    std::uint16_t port = 0;
    tls_info const* tls = nullptr;   ///< null in clear
    bool verified = false;           ///< the server's certificate was
};

/// How a client logs in where it must.
///
/// Thread safety: called by all connections at once.
struct MAILQUAY_API client_credentials {
    virtual ~client_credentials();
    /// Begins an exchange by the best mechanism among those that the server offers (names in upper case); null if none will do.
    virtual std::unique_ptr<client_exchange> begin(std::span<std::string const> offered, sasl_channel const& over) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
