#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/sasl/scram_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What the mechanisms take from libcrypto and libcrypt.
///
/// A function whose algorithm the libraries lack or forbid throws `std::runtime_error`; the client is told 454.
namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

MAILQUAY_DECL secret digest(scram_hash hash, std::string_view octets);
MAILQUAY_DECL secret hmac(scram_hash hash, std::string_view key, std::string_view octets);
/// Hi() of RFC 5802 §2.2, which is PBKDF2 with HMAC. Takes some milliseconds: for workers.
MAILQUAY_DECL secret salted_password(scram_hash hash, secret_view password, std::string_view salt, unsigned iterations);
/// RFC 2195: HMAC-MD5 in lower-case hexadecimal digits.
MAILQUAY_DECL std::string hmac_md5_hex(secret_view key, std::string_view octets);
/// crypt(3): whether `password` gives `hash`. Takes up to a second: for workers.
MAILQUAY_DECL bool crypt_fits(std::string const& hash, secret_view password);

/// What was spent on passwords in this process so far; tests compare it, as times cannot be compared.
struct hash_work {
    std::uint64_t iterations = 0;  ///< of `salted_password()`
    std::uint64_t crypts = 0;      ///< calls of crypt(3)
    friend bool operator==(hash_work const&, hash_work const&) = default;
};
MAILQUAY_DECL hash_work hash_work_done() noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/hashing.ipp>
#endif
