#include <mailquay/sasl/scram_verifier.hpp>

#include <mailquay/base/base64.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/sasl/detail/hashing.hpp>

namespace mailquay::inline MAILQUAY_ABI::sasl {

MAILQUAY_DECL scram_verifier make_scram_verifier(scram_hash hash, secret_view password, std::string salt, unsigned iterations) {
    scram_verifier made;
    made.hash = hash;
    made.iterations = iterations;
    made.salt = std::move(salt);
    secret const salted = detail::salted_password(hash, password, made.salt, iterations);
    secret const client_key = detail::hmac(hash, salted.reveal(), "Client Key");
    made.stored_key = detail::digest(hash, client_key.reveal());
    made.server_key = detail::hmac(hash, salted.reveal(), "Server Key");
    return made;
}

namespace detail {

// Cuts what stands before `end` off `rest`.
inline std::optional<std::string_view> cut_before(std::string_view& rest, char end) {
    auto const at = rest.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view const before = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    return before;
}

inline std::optional<secret> decode_key(std::string_view text, scram_hash hash) {
    auto decoded = base64_decode(text);
    if (!decoded) return std::nullopt;
    secret key = secret::take(*decoded);
    if (key.size() != digest_octets(hash)) return std::nullopt;
    return key;
}

}  // namespace detail

MAILQUAY_DECL std::optional<scram_verifier> parse_scram_verifier(std::string_view text) {
    scram_verifier read;
    bool const braces = text.starts_with('{');
    if (braces) text.remove_prefix(1);
    auto const name = detail::cut_before(text, braces ? '}' : '$');
    if (!name) return std::nullopt;
    bool known = false;
    for (scram_hash hash : scram_hashes)
        if (*name == scram_name(hash)) read.hash = hash, known = true;
    auto const count = detail::cut_before(text, braces ? ',' : ':');
    auto const salt = detail::cut_before(text, braces ? ',' : '$');
    auto const stored = detail::cut_before(text, braces ? ',' : ':');
    if (!known || !count || !salt || !stored) return std::nullopt;

    auto const iterations = parse_decimal<unsigned>(*count);
    auto decoded = base64_decode(*salt);
    auto stored_key = detail::decode_key(*stored, read.hash);
    auto server_key = detail::decode_key(text, read.hash);
    if (!iterations || *iterations < least_scram_iterations || *iterations > most_scram_iterations) return std::nullopt;
    if (!decoded || decoded->empty() || decoded->size() > 1024 || !stored_key || !server_key) return std::nullopt;
    read.iterations = *iterations;
    read.salt = *std::move(decoded);
    read.stored_key = *std::move(stored_key);
    read.server_key = *std::move(server_key);
    return read;
}

MAILQUAY_DECL std::string to_string(scram_verifier const& kept) {
    return std::string{scram_name(kept.hash)} + '$' + std::to_string(kept.iterations) + ':' + base64_encode(kept.salt) + '$' +
           base64_encode(kept.stored_key.reveal()) + ':' + base64_encode(kept.server_key.reveal());
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
