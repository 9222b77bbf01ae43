#pragma once

#include <mailquay/tls/impl/openssl_stream.ipp>

// What both sides of TLS have in common: versions, cipher suites, groups.

namespace mailquay::inline MAILQUAY_ABI::tls::detail {

// Mozilla's "intermediate" configuration, version 5.8, but that the server chooses among what the client offers: a client
// that lists ChaCha20 first is taken to have no AES in hardware.
inline constexpr char const* ciphers_of_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
inline constexpr char const* ciphers_of_1_3 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
inline constexpr char const* groups = "X25519:P-256:P-384";
inline constexpr char const* groups_with_ml_kem = "X25519MLKEM768:X25519:P-256:P-384";  // OpenSSL 3.5

/// @return false if OpenSSL does not take them
inline bool set_common_rules(SSL_CTX* ctx) {
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    ::SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);  // there are passwords in it
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    bool const well = ::SSL_CTX_set_cipher_list(ctx, ciphers_of_1_2) == 1 && ::SSL_CTX_set_ciphersuites(ctx, ciphers_of_1_3) == 1;
    return well && (SSL_CTX_set1_groups_list(ctx, groups_with_ml_kem) == 1 || SSL_CTX_set1_groups_list(ctx, groups) == 1);
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls::detail
