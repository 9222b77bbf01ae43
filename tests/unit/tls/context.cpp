#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/served_certificates.hpp"
#include "support/tls_client.hpp"

#include <openssl/err.h>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace test_tls_context {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a context without a certificate is refused", "[tls][context]") {
    CHECK(says(complaint({}), {"no certificate is given", "give at least one"}));
    CHECK(says(complaint({.certificates = {{}}}), {"no certificate is given", "no key is given"}));
}

TEST_CASE("every fault is told at once", "[tls][context]") {
    auto const told = complaint({.certificates = {{"no-such.crt", "no-such.key"}}, .clients = tls::client_certificates::required});
    CHECK(says(told, {"no-such.crt", "no-such.key", "client CA"}));
}

TEST_CASE("the certificate is chosen by the name that the client asks for", "[tls][context]") {
    auto const first = make_certificate({.names = {"mx.example.org", "alias.example.org"}});
    auto const second = make_certificate({.names = {"mx.example.net"}});
    auto const wild = make_certificate({.names = {"*.example.com", "exact.sub.example.com"}});
    auto const nameless = make_certificate({.names = {"by-common-name.example"}, .alternative_names = false});
    tls::context context{{.certificates = {as_pem(first), as_pem(second), as_pem(wild), as_pem(nameless)}}};

    CHECK(served_to(context, nullptr) == "mx.example.org");
    CHECK(served_to(context, "mx.example.org") == "mx.example.org");
    CHECK(served_to(context, "alias.example.org") == "mx.example.org");
    CHECK(served_to(context, "MX.Example.NET") == "mx.example.net");
    CHECK(served_to(context, "mx.example.net.") == "mx.example.net");
    CHECK(served_to(context, "a.example.com") == "*.example.com");
    CHECK(served_to(context, "exact.sub.example.com") == "*.example.com");
    CHECK(served_to(context, "a.b.example.com") == "mx.example.org");  // a wildcard stands for one label
    CHECK(served_to(context, "example.com") == "mx.example.org");
    CHECK(served_to(context, "by-common-name.example") == "by-common-name.example");
    CHECK(served_to(context, "unknown.example") == "mx.example.org");
}

TEST_CASE("certificates of different kinds for one name serve together", "[tls][context]") {
    auto const elliptic = make_certificate();
    auto const rsa = make_certificate({.rsa = true});
    tls::context context{{.certificates = {as_pem(elliptic), as_pem(rsa)}}};
    auto const kind_for = [&](char const* signatures) {
        auto server = context.accept(session_info{});
        tls_client client{[&](SSL* ssl) { SSL_set1_sigalgs_list(ssl, signatures); }};
        auto const ended = shake_hands(*server, client);
        REQUIRE(ended);
        return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(client.ssl())));
    };
    CHECK(kind_for("ECDSA+SHA256") == EVP_PKEY_EC);
    CHECK(kind_for("rsa_pss_rsae_sha256") == EVP_PKEY_RSA);
}

TEST_CASE("no version before TLS 1.2, and no cipher suite without forward secrecy and authentication", "[tls][context]") {
    tls::context context{{.certificates = {as_pem(make_certificate({.rsa = true}))}}};
    auto const outcome = [&](std::function<void(SSL*)> const& set_up) {
        auto server = context.accept(session_info{});
        tls_client client{set_up};
        auto const ended = shake_hands(*server, client);
        return ended ? std::string(*ended == tls_stream::state::established ? server->info().cipher : "unfinished")
                     : ended.error().message();
    };
    auto const up_to = [](int version) {
        return [version](SSL* ssl) {
            SSL_set_security_level(ssl, 0);
            SSL_set_min_proto_version(ssl, TLS1_VERSION);
            SSL_set_max_proto_version(ssl, version);
            SSL_set_cipher_list(ssl, "ALL");
        };
    };
    CHECK(outcome(up_to(TLS1_VERSION)) == "unsupported protocol");
    CHECK(outcome(up_to(TLS1_1_VERSION)) == "unsupported protocol");
    CHECK(outcome(up_to(TLS1_2_VERSION)) == "ECDHE-RSA-AES128-GCM-SHA256");
    CHECK(outcome(up_to(TLS1_3_VERSION)) == "TLS_AES_128_GCM_SHA256");
    for (char const* const weak : {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "AECDH-AES128-SHA"}) {
        INFO(weak);
        CHECK(outcome([weak](SSL* ssl) {
                  SSL_set_security_level(ssl, 0);
                  SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
                  SSL_set_cipher_list(ssl, weak);
              }) == "no shared cipher");
    }
}

TEST_CASE("reload gives new connections new certificates, and those under way go on", "[tls][context]") {
    certificate_folder const folder;
    auto const before = make_certificate({.names = {"before.example"}}), after = make_certificate({.names = {"after.example"}});
    std::string const chain = folder.write("mx.crt", before.chain), key = folder.write("mx.key", before.key);
    tls::context context{{.certificates = {{chain, key}}}};
    auto old = context.accept(session_info{});
    CHECK(served_to(context, nullptr) == "before.example");
    CHECK_FALSE(context.files_changed());

    folder.write("mx.crt", after.chain);
    CHECK(context.files_changed());
    SECTION("half of a pair is refused and the good pair stays") {
        auto const told = context.reload();
        REQUIRE(told.size() == 1);
        CHECK(says(told[0], {chain, key, "does not belong"}));
        CHECK(served_to(context, nullptr) == "before.example");
        CHECK_FALSE(context.files_changed());  // the same fault is not told again and again
    }
    SECTION("the whole pair serves") {
        folder.write("mx.key", after.key);
        CHECK(context.reload().empty());
        CHECK(served_to(context, nullptr) == "after.example");
        tls_client client;
        auto const ended = shake_hands(*old, client);
        REQUIRE(ended);
        CHECK(*ended == tls_stream::state::established);
        CHECK_FALSE(context.files_changed());
    }
    SECTION("so does another list") {
        CHECK(context.reload({.certificates = {as_pem(after)}}).empty());
        CHECK(served_to(context, nullptr) == "after.example");
    }
    SECTION("a file that is gone is told") {
        std::filesystem::remove(key);
        CHECK(context.files_changed());
        CHECK(says(context.reload().at(0), {key, "cannot be read"}));
        CHECK(served_to(context, nullptr) == "before.example");
    }
}

TEST_CASE("a stream outlives its context", "[tls][context]") {
    auto context = std::make_unique<tls::context>(tls::context_config{.certificates = {as_pem(make_certificate())}});
    auto server = context->accept(session_info{});
    context.reset();
    tls_client client{[](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "mx.example.org"); }};
    CHECK(shake_hands(*server, client));
    CHECK(server->info().server_name == "mx.example.org");
}

TEST_CASE("reload and accept at the same time", "[tls][context][threads]") {
    certificate_folder const folder;
    auto const one = make_certificate();
    tls::context context{{.certificates = {{folder.write("mx.crt", one.chain), folder.write("mx.key", one.key)}}}};
    int reloaded = 0;  // checks are the main thread's
    std::thread reloads{[&] {
        for (int i = 0; i < 20; ++i) reloaded += context.reload().empty() ? 1 : 0;
    }};
    for (int i = 0; i < 20; ++i) CHECK(served_to(context, nullptr) == "mx.example.org");
    reloads.join();
    CHECK(reloaded == 20);
}

TEST_CASE("a reload that is slow to read does not undo a later one", "[tls][context][threads]") {
    certificate_folder const folder;
    auto const first = make_certificate({.names = {"first.example"}}), older = make_certificate({.names = {"older.example"}}),
               newer = make_certificate({.names = {"newer.example"}});
    tls::context context{{.certificates = {as_pem(first)}}};
    std::string const pipe = folder.file("mx.crt"), key = folder.write("mx.key", older.key);
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::vector<std::string> told;
    std::thread slow{[&] { told = context.reload({.certificates = {{pipe, key}}}); }};
    std::ofstream writer{pipe};  // opens once it is being read

    CHECK(context.reload({.certificates = {as_pem(newer)}}).empty());
    writer << older.chain;
    writer.close();
    slow.join();

    CHECK(told.empty());
    CHECK(served_to(context, nullptr) == "newer.example");
    CHECK(context.reload().empty());
    CHECK(served_to(context, nullptr) == "newer.example");
    CHECK_FALSE(context.files_changed());
}

TEST_CASE("a reload that begins while another takes other settings reads by those", "[tls][context][threads]") {
    certificate_folder const folder;
    auto const first = make_certificate({.names = {"first.example"}}), older = make_certificate({.names = {"older.example"}}),
               newer = make_certificate({.names = {"newer.example"}});
    tls::context context{{.certificates = {as_pem(first)}}};
    std::string const pipe = folder.file("mx.crt"), key = folder.write("mx.key", older.key);
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::vector<std::string> told;
    std::thread slow{[&] { told = context.reload({.certificates = {{pipe, key}}}); }};
    std::ofstream writer{pipe};  // opens once it is being read

    std::filesystem::rename(folder.write("new.crt", newer.chain), pipe);
    SECTION("which may find the files renewed") {
        folder.write("mx.key", newer.key);
        CHECK(context.reload().empty());
        CHECK(served_to(context, nullptr) == "newer.example");
        writer << older.chain;
        writer.close();
        slow.join();
        CHECK(served_to(context, nullptr) == "newer.example");
        CHECK(context.reload().empty());
        CHECK(served_to(context, nullptr) == "newer.example");
    }
    SECTION("but by the old ones once it has failed") {
        writer << first.chain;  // not of this key
        writer.close();
        slow.join();
        CHECK(told.size() == 1);
        CHECK(context.reload().empty());
        CHECK(served_to(context, nullptr) == "first.example");
    }
}

TEST_CASE("reloads without settings never undo one with settings", "[tls][context][threads]") {
    auto const old = as_pem(make_certificate({.names = {"old.example"}})), renewed = as_pem(make_certificate({.names = {"new.example"}}));
    int undone = 0;
    for (int i = 0; i < 100; ++i) {
        tls::context context{{.certificates = {old}}};
        std::atomic<bool> stop{false};
        auto const ever_again = [&] {
            while (!stop) (void)context.reload();
        };
        std::thread one{ever_again}, other{ever_again};
        std::this_thread::sleep_for(std::chrono::microseconds{300 + i * 7 % 900});
        (void)context.reload({.certificates = {renewed}});
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
        stop = true;
        one.join();
        other.join();
        if (served_to(context, nullptr) != "new.example") ++undone;
    }
    CHECK(undone == 0);
}

struct with_client_certificate {
    made_certificate authority = make_certificate({.names = {"Test CA"}, .alternative_names = false, .authority = true});
    made_certificate trusted = make_certificate({.names = {"alice"}, .alternative_names = false, .issuer = &authority});
    made_certificate stranger = make_certificate({.names = {"mallory"}, .alternative_names = false});
    made_certificate expired =
        make_certificate({.names = {"alice"}, .alternative_names = false, .from_seconds = -7200, .to_seconds = -3600, .issuer = &authority});
    made_certificate for_servers = make_certificate({.names = {"alice"}, .alternative_names = false, .issuer = &authority, .purpose = "serverAuth"});
    made_certificate for_clients = make_certificate({.names = {"alice"}, .alternative_names = false, .issuer = &authority, .purpose = "clientAuth"});

    struct outcome {
        std::string failure{};
        tls_info facts{};
    };
    outcome shake(tls::client_certificates rule, made_certificate const* shown) const {
        tls::context context{{.certificates = {as_pem(make_certificate())}, .clients = rule, .client_ca_pem = authority.chain}};
        auto server = context.accept(session_info{});
        tls_client client{[&](SSL* ssl) {
            if (shown == nullptr) return;
            BIO* const chain = BIO_new_mem_buf(shown->chain.data(), static_cast<int>(shown->chain.size()));
            BIO* const key = BIO_new_mem_buf(shown->key.data(), static_cast<int>(shown->key.size()));
            X509* const leaf = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
            EVP_PKEY* const owned = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
            SSL_use_certificate(ssl, leaf);
            SSL_use_PrivateKey(ssl, owned);
            X509_free(leaf);
            EVP_PKEY_free(owned);
            BIO_free_all(chain);
            BIO_free_all(key);
        }};
        auto const ended = shake_hands(*server, client);
        if (!ended) return {ended.error().message(), {}};
        return {{}, server->info()};
    }
};

TEST_CASE_METHOD(with_client_certificate, "client certificates: off, requested, required", "[tls][context][client]") {
    using rule = tls::client_certificates;
    SECTION("off: none is asked for") {
        auto const got = shake(rule::off, &trusted);
        CHECK(got.failure.empty());
        CHECK_FALSE(got.facts.client_verified);
        CHECK(got.facts.client_identity.empty());
    }
    SECTION("requested: one that verifies has an identity; none, a stranger's, an expired one or a server's is as good as none") {
        auto const known = shake(rule::requested, &trusted);
        CHECK(known.failure.empty());
        CHECK(known.facts.client_verified);
        CHECK(known.facts.client_identity == "CN=alice");
        for (made_certificate const* const other : std::initializer_list<made_certificate const*>{nullptr, &stranger, &expired, &for_servers}) {
            auto const unknown = shake(rule::requested, other);
            CHECK(unknown.failure.empty());
            CHECK_FALSE(unknown.facts.client_verified);
            CHECK(unknown.facts.client_identity.empty());
        }
    }
    SECTION("required: without one that verifies there is no session") {
        CHECK(shake(rule::required, &trusted).facts.client_identity == "CN=alice");
        CHECK(shake(rule::required, nullptr).failure == "peer did not return a certificate");
        CHECK(shake(rule::required, &for_clients).facts.client_identity == "CN=alice");
        for (made_certificate const* const other : {&stranger, &expired, &for_servers})
            CHECK(shake(rule::required, other).failure == "certificate verify failed");
    }
}

}  // namespace test_tls_context
