#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/workers.hpp>
#include <mailquay/sasl/scram_verifier.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// What is kept of one user. Each form lets other mechanisms work: a password all, a hash PLAIN and LOGIN, a verifier those
/// and its SCRAM. None: the account exists and lets nobody in.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct credentials {
    std::optional<secret> password{};          ///< as `saslprep()` gave it
    std::string hash{};                        ///< as crypt(3) writes it; empty: none
    std::vector<scram_verifier> verifiers{};

    MAILQUAY_DECL scram_verifier const* verifier(scram_hash hash) const noexcept;
};

/// Reads what stands for a password in a file: a crypt(3) hash (`$y$`, `$6$`, `$2b$` and its kin), a SCRAM verifier, or
/// `{PLAIN}` and the password itself; the names of Dovecot before a hash (`{CRYPT}`, `{SHA512-CRYPT}`, `{BLF-CRYPT}`) are
/// read over. A `!` or `*` in front means: lets nobody in.
///
/// @param into  gets what was read; a form that is there already is an error
/// @return what is wrong, as a phrase without the text itself; nothing when all is well
MAILQUAY_DECL std::optional<std::string> add_credential(credentials& into, std::string_view text);

/// What a crypt(3) hash costs: all of it before the salt, such as `$6$rounds=5000$` or `$2b$12$`. Empty: no such hash.
MAILQUAY_DECL std::string_view hash_cost(std::string_view hash) noexcept;

/// What every user of a store has: the mechanisms offered follow from it; and what the credentials of a user who does not
/// exist look like, so that nobody can tell him from one who does.
struct credential_forms {
    bool passwords = false;                                    ///< of every user: any mechanism works
    std::array<bool, 3> scram{false, false, false};            ///< by `scram_hash`: every user has a verifier
    std::array<unsigned, 3> scram_iterations{4096, 4096, 4096};  ///< as most verifiers have
    std::array<std::size_t, 3> scram_salt_octets{16, 16, 16};
    std::string hash{};                                        ///< one of the most common cost; what fits it counts for nothing
};

/// Who may log in, and with what.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API credential_store {
    virtual ~credential_store();
    /// What is kept of a user; null if there is none. An error: could not be asked, which is answered 454 4.7.0 and counts
    /// for nothing.
    /// @param user  as `saslprep()` gave it
    virtual eventual<result<std::shared_ptr<credentials const>>> find(std::string user) = 0;
    /// Default: none, for which only PLAIN and LOGIN are offered.
    virtual credential_forms forms() const;
    /// Whether the password is the user's. By default `find()` is asked and the form that is there compared, on `pool` where
    /// that takes time; for a user who does not exist a comparison of the same cost is made.
    /// @param pool  null: on the spot. Outlives the answer
    virtual eventual<result<bool>> check(std::string user, secret password, workers* pool);
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/credentials.ipp>
#endif
