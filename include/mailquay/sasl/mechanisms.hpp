#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sasl/credentials.hpp>
#include <mailquay/sasl/mechanism_settings.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {
struct mechanism_state;
}

/// Those of this session; all empty before AUTH succeeded by `sasl::mechanisms` or `sasl::dovecot`. `session_info::user()` is the
/// one acted as.
MAILQUAY_DECL identities const& identities_of(session_info const& client);

/// The SASL mechanisms, as an `authenticator`.
///
/// Offered is what the credentials of *every* user allow (`credential_store::forms()`), strongest first: EXTERNAL for a
/// verified client certificate, SCRAM-SHA-512/256/1-PLUS and without -PLUS, OAUTHBEARER, XOAUTH2, CRAM-MD5, PLAIN, LOGIN;
/// outside TLS nothing that shows a secret.
///
/// An authorisation identity must be the user himself unless `may_act_as()` says otherwise. A user who does not exist costs
/// and gets the same as a wrong password.
///
/// Password hashing is done on the workers that the server lends. An exchange refers to the session it was begun for, and
/// outlives each answer of its `next()`. In `next()`, a `secret_view` without octets whose pointer is null says that
/// the client gave no initial response; one with a pointer, that it gave an empty one (`=`).
///
/// Thread safety: safe once given to a server. Copies share what they were told.
///
/// @code
/// server.authentication(mailquay::sasl::mechanisms{mailquay::sasl::password_file{"/etc/mail/passwd"}});
/// @endcode
class MAILQUAY_API mechanisms final : public authenticator, public uses_workers {
public:
    /// No passwords: bearer tokens or certificates only.
    MAILQUAY_DECL explicit mechanisms(mechanism_settings settings = {});
    /// @param users  a `credential_store`: as a value, `shared_ptr` or `std::ref`
    template <class Store>
        requires mailquay::detail::implements<mailquay::detail::held_type<Store>, credential_store>
    explicit mechanisms(Store&& users, mechanism_settings settings = {})
        : mechanisms(std::shared_ptr<credential_store>{mailquay::detail::hold(std::forward<Store>(users))}, std::move(settings), 0) {}
    MAILQUAY_DECL ~mechanisms() override;
    mechanisms(mechanisms const&) = default;
    mechanisms& operator=(mechanisms const&) = default;

    /// @{ Before it is given to a server.
    /// Offers OAUTHBEARER and XOAUTH2.
    MAILQUAY_DECL mechanisms& bearer_tokens(token_checker check, bearer_settings settings = {});
    /// Offers EXTERNAL. Without a function the user is `tls_info::client_identity` as it is.
    MAILQUAY_DECL mechanisms& certificates(certificate_user whose = {});
    MAILQUAY_DECL mechanisms& may_act_as(act_as may);
    /// @}

    MAILQUAY_DECL void lend(std::shared_ptr<workers> pool) override;
    MAILQUAY_DECL mailquay::mechanisms offered(session_info const& client) const override;
    MAILQUAY_DECL mailquay::mechanisms too_weak(session_info const& client) const override;
    MAILQUAY_DECL std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) override;

private:
    MAILQUAY_DECL mechanisms(std::shared_ptr<credential_store> users, mechanism_settings settings, int);
    std::shared_ptr<detail::mechanism_state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/mechanisms.ipp>
#endif
