#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/sasl/mechanism_settings.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// How Dovecot is asked.
struct dovecot_settings {
    /// Names to offer. Empty: those that Dovecot names when the object is made, which it must then be there for.
    mailquay::mechanisms mechanisms{};
    /// PLAIN, LOGIN and others that show the secret, outside TLS. For loopback and tests.
    bool secrets_in_clear = false;
    /// As Dovecot's log and its policies know us.
    std::string service{"smtp"};
    /// To connect and be greeted.
    std::chrono::milliseconds connect_timeout{5000};
    /// For one answer. Dovecot itself waits 2 s before it says no.
    std::chrono::milliseconds answer_timeout{30'000};
    /// Exchanges at a time, each with a connection of its own; above it 454 4.7.0. Dovecot's `client_limit` is 1000.
    unsigned connections = 200;
    /// Whose certificate it is, as Dovecot is to know the user (`cert_username`; it heeds that with `auth_ssl_username_from_cert =
    /// yes`). Nobody's: Dovecot is told of no certificate, and EXTERNAL fails. Empty: `tls_info::client_identity` as it is.
    certificate_user certificate{};
    /// Told why Dovecot could not be asked.
    logger log{};
};

/// Dovecot's authentication service as an `authenticator`, by its socket (`auth-client`; protocol version 1.2). Mechanisms are
/// passed through: what Dovecot can do, its users can use here. Without -PLUS: Dovecot does not see our TLS.
///
/// Each exchange has a connection of its own, opened on the executor of the shard that asks, so nothing is shared and
/// nothing need be joined again: after a restart of Dovecot the next exchange finds the new one. It is opened when the client has
/// said something: in the mechanisms known here where the client speaks first, and in LOGIN, he is asked for his response
/// without Dovecot, so that who stays silent takes none. A Dovecot that is away, silent, or speaks something else is a
/// temporary failure (454 4.7.0), logged.
///
/// After success `identities_of()` tells who logged in.
///
/// Thread safety: safe. Copies share the count of connections.
///
/// @code
/// server.authentication(mailquay::sasl::dovecot{"/run/dovecot/auth-client"});
/// @endcode
class MAILQUAY_API dovecot final : public authenticator {
public:
    /// Asks Dovecot for its mechanisms, waiting for `connect_timeout` at most, unless they are given. Throws
    /// `std::runtime_error` naming the socket and the cure.
    MAILQUAY_DECL explicit dovecot(std::filesystem::path socket, dovecot_settings settings = {});
    MAILQUAY_DECL ~dovecot() override;
    dovecot(dovecot const&) = default;
    dovecot& operator=(dovecot const&) = default;

    MAILQUAY_DECL mailquay::mechanisms offered(session_info const& client) const override;
    MAILQUAY_DECL std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) override;

private:
    struct state;
    class exchange;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/dovecot.ipp>
#endif
