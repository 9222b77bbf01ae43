#pragma once

#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/tls_client.hpp"

#include <cstddef>
#include <memory>

namespace mailquay_test {

/// One for all tests that do not ask what it is made of.
inline tls::context& shared_context() {
    static tls::context made = [] {
        auto const one = make_certificate();
        return tls::context{{.certificates = {{.chain_pem = one.chain, .key_pem = one.key}}}};
    }();
    return made;
}

/// A stream and a client that have shaken hands.
struct connected_pair {
    std::unique_ptr<tls_stream> server = shared_context().accept(session_info{});
    tls_client client;

    explicit connected_pair(int version = TLS1_3_VERSION, std::size_t piece = ~std::size_t{0})
        : client([&](SSL* ssl) {
              SSL_set_min_proto_version(ssl, version);
              SSL_set_max_proto_version(ssl, version);
          }) {
        auto const ended = shake_hands(*server, client, piece);
        REQUIRE(ended);
        REQUIRE(*ended == tls_stream::state::established);
    }
};

}  // namespace mailquay_test
