#include <mailquay/tls/client_context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/tls_client.hpp"

#include <mailquay/tls/context.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

/// A client stream against a server stream, in memory.
namespace test_client_context {

using namespace mailquay;
using namespace mailquay_test;

struct meeting {
    tls_stream::state client_state = tls_stream::state::handshake;
    std::string failure{};
    tls_server_facts facts{};
    tls_info info{};
    tls_info server_info{};
    std::string echoed{};
};

inline void carry(tls_stream& from, tls_stream& to, std::size_t piece) {
    std::string const octets = output_of(from);
    for (std::string_view rest{octets}; !rest.empty();) {
        auto const part = rest.substr(0, piece);
        rest.remove_prefix(part.size());
        to.lend(part);
        (void)to.handshake();
        if (!to.wants_input()) to.keep_rest();
    }
}

/// Shakes hands; sends a word there and back.
inline meeting meet(tls::client_context& client, tls::context& server, tls_target const& target, std::size_t piece = ~std::size_t{0}) {
    meeting seen;
    auto ours = client.connect(target);
    REQUIRE(ours);
    session_info const peer;
    auto theirs = server.accept(peer);
    REQUIRE(theirs);
    for (int i = 0; i < 20; ++i) {
        auto const state = ours->handshake();
        if (!state) {
            seen.failure = state.error().message();
            break;
        }
        carry(*ours, *theirs, piece);
        carry(*theirs, *ours, piece);
    }
    seen.client_state = ours->current();
    seen.facts = ours->server();
    if (seen.client_state != tls_stream::state::established) return seen;
    seen.info = ours->info();
    seen.server_info = theirs->info();
    std::string_view const word = "hello";
    REQUIRE(*ours->write(std::span<char const>{word.data(), word.size()}) == word.size());
    auto const got = read_all(*theirs, output_of(*ours), piece);
    REQUIRE(got);
    seen.echoed = *got;
    return seen;
}

inline tls::context server_with(made_certificate const& one) {
    tls::context_config config;
    config.certificates.push_back({.chain_pem = one.chain, .key_pem = one.key});
    return tls::context{config};
}
inline tls::client_context client_that_trusts(made_certificate const& one) {
    tls::client_context_config config;
    config.ca_pem = one.chain;
    return tls::client_context{config};
}
inline tls_target target_for(std::string name, tls_verification verify) {
    tls_target made;
    made.server_name = std::move(name);
    made.verify = verify;
    return made;
}
/// SHA-256 of the certificate (selector 0) or its key (selector 1).
inline std::string digest_of(made_certificate const& one, std::uint8_t selector) {
    using namespace certificates_detail;
    bio_ptr const in{BIO_new_mem_buf(one.chain.data(), static_cast<int>(one.chain.size()))};
    x509_ptr const certificate{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    unsigned char* der = nullptr;
    int const size = selector == 0 ? i2d_X509(certificate.get(), &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    std::array<unsigned char, 32> digest{};
    EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}

made_certificate const& authority() {
    static auto const made = make_certificate({.names = {"Test CA"}, .alternative_names = false, .authority = true});
    return made;
}
made_certificate issued(std::vector<std::string> names = {"mx.example.org"}, long to_seconds = 86'400) {
    return make_certificate({.names = std::move(names), .to_seconds = to_seconds, .issuer = &authority()});
}

TEST_CASE("a trusted certificate for the name is verified, in pieces of any size", "[tls][client]") {
    auto server = server_with(issued());
    auto client = client_that_trusts(authority());
    for (std::size_t const piece : {~std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
        auto const seen = meet(client, server, target_for("mx.example.org", tls_verification::certificate), piece);
        CHECK(seen.client_state == tls_stream::state::established);
        CHECK(seen.facts.verified);
        CHECK(seen.facts.matched == "mx.example.org");
        CHECK(seen.facts.identity == "CN=mx.example.org");
        CHECK(seen.facts.problem.empty());
        CHECK(seen.info.protocol == "TLSv1.3");
        CHECK(seen.server_info.server_name == "mx.example.org");
        CHECK_FALSE(seen.info.client_verified);
        CHECK(seen.echoed == "hello");
    }
}

TEST_CASE("both ends name the same channel", "[tls][client]") {
    auto server = server_with(issued());
    auto client = client_that_trusts(authority());
    auto const seen = meet(client, server, target_for("mx.example.org", tls_verification::certificate));
    CHECK(seen.info.channel_binding_exporter.size() == 32);
    CHECK(seen.info.channel_binding_exporter == seen.server_info.channel_binding_exporter);
    CHECK(seen.info.channel_binding_endpoint == seen.server_info.channel_binding_endpoint);
}

TEST_CASE("the wrong certificate ends the handshake where it is demanded, and is told where it is not", "[tls][client]") {
    struct row {
        char const* what;
        made_certificate certificate;
        char const* problem;
    };
    row const rows[] = {
        {"another name", issued({"other.example.org"}), "hostname mismatch"},
        {"expired", make_certificate({.from_seconds = -10, .to_seconds = 2, .issuer = &authority()}), "certificate has expired"},
        {"nobody we know", make_certificate(), "self-signed certificate"},
        {"a wildcard in the midst of a label", issued({"m*.example.org"}), "hostname mismatch"},
    };
    auto client = client_that_trusts(authority());
    for (row const& one : rows) {
        INFO(one.what);
        auto server = server_with(one.certificate);
        if (std::string_view{one.what} == "expired") std::this_thread::sleep_for(std::chrono::milliseconds{3100});
        auto const strict = meet(client, server, target_for("mx.example.org", tls_verification::certificate));
        CHECK(strict.client_state == tls_stream::state::failed);
        CHECK(strict.facts.problem == one.problem);
        CHECK_FALSE(strict.facts.verified);
        auto const lenient = meet(client, server, target_for("mx.example.org", tls_verification::none));
        CHECK(lenient.client_state == tls_stream::state::established);
        CHECK_FALSE(lenient.facts.verified);
        CHECK(lenient.facts.problem == one.problem);
    }
}

TEST_CASE("further names and wildcards will do", "[tls][client]") {
    auto client = client_that_trusts(authority());
    auto server = server_with(issued({"*.example.org"}));
    CHECK(meet(client, server, target_for("mx.example.org", tls_verification::certificate)).facts.verified);
    auto target = target_for("mx.example.net", tls_verification::certificate);
    target.names = {"mail.example.org"};
    CHECK(meet(client, server, target).facts.verified);
}

TEST_CASE("without a name nothing is verified", "[tls][client]") {
    auto client = client_that_trusts(authority());
    auto server = server_with(issued());
    CHECK_FALSE(client.connect(target_for("", tls_verification::certificate)));
    auto const seen = meet(client, server, target_for("", tls_verification::none));
    CHECK(seen.client_state == tls_stream::state::established);
    CHECK_FALSE(seen.facts.verified);
}

TEST_CASE("DANE: the records decide, whoever signed and whenever it expires", "[tls][client][dane]") {
    auto const certificate = make_certificate({.names = {"other.example.net"}, .from_seconds = -10, .to_seconds = 3600});
    auto server = server_with(certificate);
    auto client = client_that_trusts(authority());
    auto target = target_for("mx.example.org", tls_verification::dane);
    SECTION("3 1 1 and 3 0 1 fit") {
        for (std::uint8_t const selector : {std::uint8_t{0}, std::uint8_t{1}}) {
            target.tlsa = {{3, selector, 1, digest_of(certificate, selector)}};
            auto const seen = meet(client, server, target);
            CHECK(seen.client_state == tls_stream::state::established);
            CHECK(seen.facts.verified);
            CHECK(seen.facts.matched == "dane-ee");
        }
    }
    SECTION("one of several fits") {
        target.tlsa = {{3, 1, 1, std::string(32, 'x')}, {3, 1, 1, digest_of(certificate, 1)}};
        CHECK(meet(client, server, target).facts.verified);
    }
    SECTION("none fits") {
        target.tlsa = {{3, 1, 1, std::string(32, 'x')}};
        auto const seen = meet(client, server, target);
        CHECK(seen.client_state == tls_stream::state::failed);
        CHECK_FALSE(seen.facts.problem.empty());
    }
    SECTION("none is usable: encryption without verification") {
        target.tlsa = {{1, 1, 1, std::string(32, 'x')}, {3, 1, 1, "short"}, {3, 9, 1, std::string(32, 'x')}};
        auto const seen = meet(client, server, target);
        CHECK(seen.client_state == tls_stream::state::established);
        CHECK_FALSE(seen.facts.verified);
    }
}

TEST_CASE("DANE-TA: the authority of the record signs, and the name counts", "[tls][client][dane]") {
    auto const one = issued();
    made_certificate const with_chain{one.chain + authority().chain, one.key};
    auto server = server_with(with_chain);
    tls::client_context client{{.ca_pem = make_certificate({.names = {"Other CA"}, .authority = true}).chain}};
    auto target = target_for("mx.example.org", tls_verification::dane);
    target.tlsa = {{2, 0, 1, digest_of(authority(), 0)}};
    auto const seen = meet(client, server, target);
    CHECK(seen.client_state == tls_stream::state::established);
    CHECK(seen.facts.verified);
    CHECK(seen.facts.matched == "dane-ta");

    target.server_name = "mx.example.net";
    CHECK(meet(client, server, target).client_state == tls_stream::state::failed);
}

TEST_CASE("what a client context cannot use is named with its cure", "[tls][client]") {
    CHECK_THROWS_WITH(tls::client_context({.ca_file = "/nonexistent/ca.pem"}), Catch::Matchers::Contains("/nonexistent/ca.pem"));
    CHECK_THROWS_WITH(tls::client_context({.ca_pem = "no PEM"}), Catch::Matchers::Contains("holds no certificate"));
    CHECK_THROWS_AS(tls::client_context({.own = {.chain_pem = "x", .key_pem = "y"}}), std::invalid_argument);
}

}  // namespace test_client_context
