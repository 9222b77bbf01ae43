#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/session_info.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

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

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
