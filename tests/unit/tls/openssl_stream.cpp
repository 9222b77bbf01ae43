// The stream that a context makes: handshake, records, ends, limits.

#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/connected_pair.hpp"
#include "support/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>

namespace test_openssl_stream {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("octets go both ways, however the wire cuts them", "[tls][stream]") {
    int const version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    std::size_t const piece = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{5000});
    connected_pair pair{version, piece};
    CHECK(pair.server->current() == tls_stream::state::established);
    std::string large(40'000, 'x');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);

    std::string cipher = pair.client.encrypt("EHLO c\r\n");
    cipher += pair.client.encrypt(large);
    auto const got = read_all(*pair.server, cipher, piece);
    REQUIRE(got);
    CHECK(*got == "EHLO c\r\n" + large);

    std::string_view left = large;
    std::string came;
    while (!left.empty()) {
        auto const taken = pair.server->write(left);
        REQUIRE(taken);
        REQUIRE(*taken > 0);
        left.remove_prefix(*taken);
        CHECK(pair.server->has_output());
        pair.client.receive(output_of(*pair.server));
        CHECK_FALSE(pair.server->has_output());
        came += pair.client.decrypt();
    }
    CHECK(came == large);
}

TEST_CASE("replies written at once leave as one record", "[tls][stream]") {
    connected_pair pair;
    std::string const replies = "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go on\r\n";
    REQUIRE(*pair.server->write(replies) == replies.size());
    std::string const record = output_of(*pair.server);
    CHECK(record.size() == replies.size() + 22);  // header, content type, tag
}

TEST_CASE("what the lender takes back is kept and read first", "[tls][stream]") {
    connected_pair pair;
    std::string cipher = pair.client.encrypt("first");
    cipher += pair.client.encrypt("second");
    pair.server->lend(cipher);
    std::array<char, 5> room;
    REQUIRE(*pair.server->read(room) == 5);
    CHECK_FALSE(pair.server->wants_input());
    pair.server->keep_rest();
    cipher.assign(cipher.size(), '!');
    CHECK_FALSE(pair.server->wants_input());

    std::array<char, 100> more;
    auto const got = pair.server->read(more);
    REQUIRE(got);
    CHECK(std::string_view(more.data(), *got) == "second");
    CHECK(pair.server->wants_input());
}

TEST_CASE("close_notify ends a stream cleanly, the end of the wire does not", "[tls][stream]") {
    connected_pair pair;
    SECTION("the peer says goodbye") {
        std::string cipher = pair.client.encrypt("bye");
        cipher += pair.client.say_goodbye();
        auto const got = read_all(*pair.server, cipher);
        REQUIRE(got);
        CHECK(*got == "bye");
        CHECK(pair.server->current() == tls_stream::state::closed);
        CHECK(pair.server->closed_cleanly());
    }
    SECTION("the wire ends") {
        pair.server->input_closed();
        CHECK(pair.server->current() == tls_stream::state::closed);
        CHECK_FALSE(pair.server->closed_cleanly());
    }
    SECTION("we say goodbye") {
        REQUIRE(pair.server->write(std::string_view{"221 bye\r\n"}));
        pair.server->close_notify();
        pair.client.receive(output_of(*pair.server));
        CHECK(pair.client.decrypt() == "221 bye\r\n");
        CHECK(pair.client.server_said_goodbye());
    }
}

TEST_CASE("a record that was changed on its way ends the stream", "[tls][stream]") {
    connected_pair pair;
    std::string cipher = pair.client.encrypt("MAIL FROM:<a@b>\r\n");
    cipher.back() = static_cast<char>(cipher.back() ^ 1);
    auto const got = read_all(*pair.server, cipher);
    REQUIRE_FALSE(got);
    CHECK(pair.server->current() == tls_stream::state::failed);
    CHECK(pair.server->has_output());  // the alert
    CHECK_FALSE(pair.server->write(std::string_view{"x"}));
}

TEST_CASE("what is no TLS fails at once, with a reason", "[tls][stream]") {
    std::string_view const junk = GENERATE(std::string_view{"EHLO client.example.org\r\n"}, std::string_view{"GET / HTTP/1.1\r\n\r\n"},
                                           std::string_view{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9});
    auto server = shared_context().accept(session_info{});
    server->lend(junk);
    auto const ended = server->handshake();
    REQUIRE_FALSE(ended);
    CHECK_FALSE(ended.error().message().empty());
    CHECK(server->current() == tls_stream::state::failed);
}

TEST_CASE("no plain text flows before the handshake is complete", "[tls][stream]") {
    auto server = shared_context().accept(session_info{});
    std::array<char, 10> room;
    CHECK(*server->read(room) == 0);
    CHECK(*server->write(std::string_view{"220 too early\r\n"}) == 0);
    CHECK_FALSE(server->has_output());
    server->close_notify();
    CHECK_FALSE(server->has_output());
    server->input_closed();
    CHECK(server->current() == tls_stream::state::failed);
}

TEST_CASE("renegotiation is refused", "[tls][stream]") {
    connected_pair pair{TLS1_2_VERSION};
    SSL_renegotiate(pair.client.ssl());
    pair.client.shake();
    auto const got = read_all(*pair.server, pair.client.sent());
    pair.client.receive(output_of(*pair.server));
    CHECK_FALSE(pair.client.shake());
    CHECK(pair.client.ssl() != nullptr);
    if (got) CHECK(got->empty());
}

TEST_CASE("a peer that asks for ever more key updates and takes nothing is stopped at a bound", "[tls][stream]") {
    connected_pair pair;
    bool stopped = false;
    std::size_t owed = 0;
    for (int i = 0; i < 100'000 && !stopped; ++i) {
        SSL_key_update(pair.client.ssl(), SSL_KEY_UPDATE_REQUESTED);
        stopped = !read_all(*pair.server, pair.client.encrypt("x"));
    }
    owed = output_of(*pair.server).size();
    CHECK(stopped);
    CHECK(owed < 70'000);
}

TEST_CASE("the facts of TLS 1.3 and 1.2, and channel bindings that both ends agree on", "[tls][stream]") {
    auto const exported = [](SSL* ssl) {
        std::string binding(32, '\0');
        SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(binding.data()), 32, "EXPORTER-Channel-Binding", 24,
                                   reinterpret_cast<unsigned char const*>(""), 0, 1);
        return binding;
    };
    SECTION("1.3") {
        connected_pair pair{TLS1_3_VERSION};
        tls_info const facts = pair.server->info();
        CHECK(facts.protocol == "TLSv1.3");
        CHECK(facts.cipher == "TLS_AES_128_GCM_SHA256");
        CHECK_FALSE(facts.group.empty());
        CHECK(facts.channel_binding_exporter == exported(pair.client.ssl()));
        CHECK(facts.channel_binding_unique.empty());
    }
    SECTION("1.2") {
        connected_pair pair{TLS1_2_VERSION};
        tls_info const facts = pair.server->info();
        CHECK(facts.protocol == "TLSv1.2");
        CHECK(facts.channel_binding_exporter == exported(pair.client.ssl()));
        std::string own(64, '\0');
        own.resize(SSL_get_finished(pair.client.ssl(), own.data(), own.size()));
        CHECK(facts.channel_binding_unique == own);
        CHECK(own.size() == 12);
    }
    SECTION("1.2 without extended master secret does not bind") {
        auto server = shared_context().accept(session_info{});
        tls_client client{[](SSL* ssl) {
            SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
            SSL_set_options(ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        }};
        REQUIRE(shake_hands(*server, client));
        CHECK(server->info().channel_binding_unique.empty());
        CHECK(server->info().channel_binding_exporter.empty());
    }
}

TEST_CASE("tls-server-end-point is the digest of the certificate, by the hash of its signature but never SHA-1 (RFC 5929 4.1)",
          "[tls][stream]") {
    struct way {
        char const* signed_by;
        char const* digest;
    };
    auto const [signed_by, digest] = GENERATE(way{"SHA256", "SHA256"}, way{"SHA384", "SHA384"}, way{"SHA512", "SHA512"}, way{"SHA1", "SHA256"});
    INFO(signed_by);
    auto const one = make_certificate({.hash = signed_by});
    namespace made = certificates_detail;
    made::bio_ptr const text{BIO_new_mem_buf(one.chain.data(), static_cast<int>(one.chain.size()))};
    made::x509_ptr const leaf{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)};
    std::string expected(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    REQUIRE(X509_digest(leaf.get(), EVP_get_digestbyname(digest), reinterpret_cast<unsigned char*>(expected.data()), &size) == 1);
    expected.resize(size);

    tls::context made_context{{.certificates = {{.chain_pem = one.chain, .key_pem = one.key}}}};
    auto server = made_context.accept(session_info{});
    tls_client client;
    REQUIRE(shake_hands(*server, client));
    CHECK(server->info().channel_binding_endpoint == expected);
}

TEST_CASE("no ticket is sent unless resumption is on", "[tls][stream]") {
    bool const on = GENERATE(false, true);
    auto const one = make_certificate();
    tls::context made{{.certificates = {{.chain_pem = one.chain, .key_pem = one.key}}, .resumption = on}};
    auto server = made.accept(session_info{});
    tls_client client;
    REQUIRE(shake_hands(*server, client));
    client.receive(output_of(*server));
    client.decrypt();
    SSL_SESSION* const session = SSL_get1_session(client.ssl());
    REQUIRE((SSL_SESSION_is_resumable(session) == 1) == on);
    if (on) {
        auto again = made.accept(session_info{});
        tls_client back{[&](SSL* ssl) { SSL_set_session(ssl, session); }};
        REQUIRE(shake_hands(*again, back));
        CHECK(SSL_session_reused(back.ssl()) == 1);
    }
    SSL_SESSION_free(session);
}

TEST_CASE("errors that others left in the thread's queue are not taken for the stream's", "[tls][stream]") {
    connected_pair pair;
    std::array<char, 100> room;
    std::string const cipher = pair.client.encrypt("hello");
    auto const leave_one = [] { ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); };
    leave_one();
    pair.server->lend(std::string_view{cipher}.substr(0, 9));
    CHECK(*pair.server->read(room) == 0);
    pair.server->lend(std::string_view{cipher}.substr(9));
    CHECK(*pair.server->read(room) == 5);
    leave_one();
    for (int i = 0; i < 100; ++i) REQUIRE(pair.server->write(std::string(2000, 'x')));  // above what waits for the peer, nothing is taken
    CHECK(pair.server->current() == tls_stream::state::established);
    CHECK(pair.client.decrypt().empty());
    ERR_clear_error();
}

}  // namespace test_openssl_stream
