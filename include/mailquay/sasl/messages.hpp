#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What clients send in SASL exchanges, taken apart. Nothing where the message breaks its grammar.
///
/// Lifetime: views are into the text given.
/// Thread safety: safe.
namespace mailquay::inline MAILQUAY_ABI::sasl {

/// RFC 4616 §2  message = [authzid] NUL authcid NUL passwd
struct plain_message {
    std::string_view authorisation{};  ///< authzid; empty: not given
    std::string_view user{};           ///< authcid; not empty
    std::string_view password{};       ///< not empty; a secret
};
MAILQUAY_DECL std::optional<plain_message> parse_plain(std::string_view message);

/// RFC 2195 §2  user SP digest, with 32 lower-case hexadecimal digits
struct cram_md5_message {
    std::string_view user{};
    std::string_view digest{};
};
MAILQUAY_DECL std::optional<cram_md5_message> parse_cram_md5(std::string_view message);

/// RFC 5801 §4, RFC 5802 §7  gs2-header
struct gs2_header {
    char flag = 'n';                    ///< 'n', 'y' or 'p'
    std::string_view binding{};         ///< cb-name, if `flag` is 'p'
    std::string authorisation{};        ///< authzid, unescaped; empty: not given
    std::string_view text{};            ///< the whole header with its last comma
};
/// Reads the header at the beginning of `message`.
MAILQUAY_DECL std::optional<gs2_header> parse_gs2_header(std::string_view message);

/// RFC 5802 §7  client-first-message
struct scram_client_first {
    gs2_header gs2{};
    std::string user{};       ///< unescaped; not empty
    std::string_view nonce{};
    std::string_view bare{};  ///< client-first-message-bare
};
/// The reserved extension "m=" is an error, as RFC 5802 §5.1 wants; extensions behind the nonce are passed over.
MAILQUAY_DECL std::optional<scram_client_first> parse_scram_client_first(std::string_view message);

/// RFC 5802 §7  client-final-message
struct scram_client_final {
    std::string channel_binding{};       ///< what "c=" stands for, decoded
    std::string_view nonce{};
    std::string proof{};                 ///< decoded
    std::string_view without_proof{};
};
MAILQUAY_DECL std::optional<scram_client_final> parse_scram_client_final(std::string_view message);

/// RFC 7628 §3.1, and the older form of Google ("user=" in place of the gs2-header).
struct bearer_message {
    std::string user{};          ///< authzid or "user="; may be empty with OAUTHBEARER
    std::string_view token{};    ///< a secret; empty: the client asks what the server wants
    std::string_view host{};     ///< empty: not given
    std::uint16_t port = 0;      ///< 0: not given
};
MAILQUAY_DECL std::optional<bearer_message> parse_oauthbearer(std::string_view message);
MAILQUAY_DECL std::optional<bearer_message> parse_xoauth2(std::string_view message);

/// RFC 5802 §5.1  saslname: "=2C" and "=3D" stand for "," and "="; nothing if it is empty, has another "=" or a NUL, or is
/// no UTF-8.
MAILQUAY_DECL std::optional<std::string> decode_saslname(std::string_view text);

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/messages.ipp>
#endif
