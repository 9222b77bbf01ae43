#pragma once

#include <mailquay/handler/adapt.hpp>
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sasl/credentials.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {
struct mechanism_state;
}

/// Which mechanisms are offered where the credentials allow them, and how they behave.
struct mechanism_settings {
    /// Clients without anything better.
    bool plain = true;
    /// Old clients that do not know PLAIN.
    bool login = true;
    /// Needs passwords in clear on the server and is broken by trying: for clients that have nothing else.
    bool cram_md5 = false;
    bool scram_sha1 = true;
    bool scram_sha256 = true;
    bool scram_sha512 = true;
    /// The -PLUS variants, where the TLS layer gives a channel binding.
    bool channel_binding = true;
    /// PLAIN, LOGIN and bearer tokens outside TLS, where they can be read on the wire. For loopback and tests.
    bool secrets_in_clear = false;
    /// Of verifiers made from a password in clear; RFC 7677 §4 asks for 4096 and would like 15,000.
    unsigned scram_iterations = 15'000;
    /// Keys the salt shown for passwords in clear and for users who do not exist. Empty: random, so that salts change when
    /// the program starts anew; give several servers of one name the same 32 octets.
    std::string salt_key{};
    /// Stands in the challenge of CRAM-MD5.
    std::string hostname{"localhost"};
};

/// A bearer token to be judged (RFC 6750, RFC 7628).
class token_request {
public:
    token_request(std::string user_, secret token_, std::string host_, std::uint16_t port_)
        : user(std::move(user_)), token(std::move(token_)), host(std::move(host_)), port(port_) {}
    std::string user;  ///< whom the client says it is or acts for; may be empty with OAUTHBEARER
    secret token;
    std::string host;  ///< as the client gave it; may be empty
    std::uint16_t port;  ///< 0: not given
};

/// @return whose token it is; nothing for one that is not valid; an error when that cannot be told now (454 4.7.0)
using token_checker = std::function<eventual<result<std::optional<std::string>>>(token_request)>;

/// What a client whose token was refused is told (RFC 7628 §3.2.2).
struct bearer_settings {
    std::string scope{};                 ///< empty: left out
    std::string openid_configuration{};  ///< URL; empty: left out
    bool oauthbearer = true;
    bool xoauth2 = true;
};

/// Whose certificate it is; nothing: nobody's.
using certificate_user = std::function<std::optional<std::string>(tls_info const&)>;
/// Whether a user who proved who he is may act as another (authorisation identity, RFC 4422 §3.4.1).
using act_as = std::function<eventual<bool>(std::string user, std::string other)>;

/// Both identities of a successful exchange.
struct identities {
    std::string user{};           ///< who proved who he is (authentication identity)
    std::string authorisation{};  ///< whom he asked to act as; empty: not asked
    std::string mechanism{};
};
/// Those of this session; all empty before AUTH succeeded by a `sasl::mechanisms`. `session_info::user()` is the one acted as.
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
    MAILQUAY_DECL std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) override;

private:
    MAILQUAY_DECL mechanisms(std::shared_ptr<credential_store> users, mechanism_settings settings, int);
    std::shared_ptr<detail::mechanism_state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/mechanisms.ipp>
#endif
