#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/sasl/scram_hash.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// What a server keeps of a password for SCRAM (RFC 5802 §3): who has it can play the server, but not log in.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct scram_verifier {
    scram_hash hash = scram_hash::sha256;
    unsigned iterations = 0;
    std::string salt{};  ///< octets
    secret stored_key{};
    secret server_key{};
};

/// Fewer iterations are refused (RFC 5802 §5.1, RFC 7677 §4); more would let one line stop the workers.
inline constexpr unsigned least_scram_iterations = 4096;
inline constexpr unsigned most_scram_iterations = 10'000'000;

/// Makes a verifier. Takes some milliseconds: for workers.
/// @param password  as `saslprep()` gave it
MAILQUAY_DECL scram_verifier make_scram_verifier(scram_hash hash, secret_view password, std::string salt, unsigned iterations);

/// Reads `SCRAM-SHA-256$iterations:salt$stored:server` (RFC 5803 in the form of PostgreSQL) or
/// `{SCRAM-SHA-256}iterations,salt,stored,server` (Dovecot), with base64 for octets.
/// @return nothing for anything else, also for keys of a wrong length and iterations out of bounds
MAILQUAY_DECL std::optional<scram_verifier> parse_scram_verifier(std::string_view text);

/// `SCRAM-SHA-256$iterations:salt$stored:server`: a line for a password file, to be kept from others.
MAILQUAY_DECL std::string to_string(scram_verifier const& kept);

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/scram_verifier.ipp>
#endif
