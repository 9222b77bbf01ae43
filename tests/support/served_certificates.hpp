#pragma once

#include <mailquay/tls/context.hpp>

#include "support/certificates.hpp"
#include "support/tls_client.hpp"

#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mailquay_test {

inline tls::certificate as_pem(made_certificate const& one) { return {.chain_pem = one.chain, .key_pem = one.key}; }

/// What the constructor throws; empty if nothing.
inline std::string complaint(tls::context_config config) {
    try {
        tls::context const made{std::move(config)};
        return {};
    } catch (std::invalid_argument const& wrong) {
        return wrong.what();
    }
}

inline bool says(std::string const& text, std::initializer_list<std::string_view> parts) {
    for (std::string_view const part : parts)
        if (text.find(part) == text.npos) return false;
    return true;
}

/// The common name of the certificate that a client gets who asks for `name`.
inline std::string served_to(tls_provider& provider, char const* name, std::function<void(SSL*)> const& set_up = {}) {
    auto server = provider.accept(session_info{});
    tls_client client{[&](SSL* ssl) {
        if (name != nullptr) SSL_set_tlsext_host_name(ssl, name);
        if (set_up) set_up(ssl);
    }};
    auto const ended = shake_hands(*server, client);
    if (!ended || *ended != tls_stream::state::established) return "no handshake";
    X509* const shown = SSL_get1_peer_certificate(client.ssl());
    char common_name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, common_name, sizeof common_name);
    X509_free(shown);
    return common_name;
}

}  // namespace mailquay_test
