#pragma once

#include <mailquay/sasl/credentials.hpp>

#include <functional>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// A host's function as a store: it says whether a password is right (LDAP, PAM, a database that hashes by itself). Only PLAIN
/// and LOGIN can work with it.
///
/// The function must cost the same for a user who does not exist.
///
/// Thread safety: the function is called by all shards at once.
///
/// @code
/// sasl::mechanisms{sasl::checked_by([&](std::string user, secret password) { return directory.bind(user, password); })}
/// @endcode
class MAILQUAY_API checked_by final : public credential_store {
public:
    /// @return whether it is right; an error when that cannot be told now (454 4.7.0). At once, or as a coroutine
    using function = std::function<eventual<result<bool>>(std::string user, secret password)>;

    explicit checked_by(function check) : check_(std::move(check)) {}
    MAILQUAY_DECL ~checked_by() override;

    /// Finds nobody: the function does not tell what it compares with.
    MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> find(std::string user) override;
    MAILQUAY_DECL eventual<result<bool>> check(std::string user, secret password, workers* pool) override;

private:
    function check_;
};

/// A host's function as a store: it gives what is kept of a user, so that SCRAM can work too.
///
/// Thread safety: the function is called by all shards at once.
class MAILQUAY_API looked_up_by final : public credential_store {
public:
    using function = std::function<eventual<result<std::shared_ptr<credentials const>>>(std::string user)>;

    /// @param all  what every user has, and what one who does not exist looks like
    looked_up_by(credential_forms all, function look_up) : forms_(std::move(all)), look_up_(std::move(look_up)) {}
    MAILQUAY_DECL ~looked_up_by() override;

    MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> find(std::string user) override;
    MAILQUAY_DECL credential_forms forms() const override;

private:
    credential_forms forms_;
    function look_up_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/host_credentials.ipp>
#endif
