#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/handler/authenticator.hpp>

#include "common/flags.hpp"
#include "common/settings.hpp"

#include <memory>
#include <string>
#include <vector>

namespace programs {

/// What the flags say of who may log in, and how.
struct users {
    std::vector<mailquay::secret> named{};   ///< NAME:PASSWORD each
    std::string password_file{};
    std::string auth_socket{};               ///< of Dovecot
    std::string store{};                     ///< where failures and known networks are kept; empty: in memory
    std::vector<mailquay::secret> tokens{};  ///< NAME:TOKEN each
    bool certificates = false;               ///< by client certificate (EXTERNAL)
    bool cram_md5 = false;
    bool in_clear = false;                   ///< also without TLS

    bool any() const noexcept {
        return certificates || !named.empty() || !password_file.empty() || !auth_socket.empty() || !tokens.empty();
    }
};

/// Adds `--user` and its like. Both must outlive the parsing.
void add_user_flags(flags& all, users& into);

/// Whether nobody could ever log in by these flags, or only unsafely.
/// @throws usage_error
void check_users(users const& chosen, tls_settings const& tls);

/// Who logs in by these flags; failures are counted over time. Secrets among the flags are overwritten once they are taken over.
/// @param log  told of a bad new password file, and of a Dovecot that is away
/// @throws usage_error
std::shared_ptr<mailquay::authenticator> authenticator_of(users& from, mailquay::logger log);

}  // namespace programs
