#include <mailquay/sasl/client_mechanisms.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sasl_client.hpp"

#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>

#include <stdexcept>
#include <string>
#include <vector>

/// The client's side of SASL: against the examples of the RFCs, and against the server's side.
namespace test_client_mechanisms {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::string_literals;
using names = std::vector<std::string>;

std::string text_of(std::optional<secret> const& given) { return given ? std::string{given->reveal()} : "(nothing)"; }

std::unique_ptr<client_exchange> begin(std::string_view mechanism, std::string nonce = {}, sasl_channel const& over = {},
                                       std::string_view user = "user", std::string_view password = "pencil") {
    return sasl::begin_client_exchange(mechanism, user, secret_view{password}, {}, over, std::move(nonce));
}

TEST_CASE("SCRAM-SHA-1 does what RFC 5802 §5 shows", "[sasl][client]") {
    auto const exchange = begin("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL");
    REQUIRE(exchange);
    CHECK(text_of(exchange->first()) == "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    CHECK(text_of(exchange->next("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")) ==
          "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    CHECK_FALSE(exchange->satisfied());
    CHECK(text_of(exchange->next("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")).empty());
    CHECK(exchange->satisfied());
}

TEST_CASE("SCRAM-SHA-256 does what RFC 7677 §3 shows", "[sasl][client]") {
    auto const exchange = begin("SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO");
    REQUIRE(exchange);
    CHECK(text_of(exchange->first()) == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(text_of(exchange->next("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")) ==
          "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    CHECK(text_of(exchange->next("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")).empty());
    CHECK(exchange->satisfied());
}

TEST_CASE("a SCRAM server that is not what it should be gets no proof, or is not believed", "[sasl][client]") {
    std::string const good = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
    for (std::string const& first :
         {"r=other,s=QSXCR+Q6sek8bf92,i=4096"s, "r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096"s, "m=x,"s + good, "e=other-error"s,
          "r=fyko+d2lbbFgONRv9qkxdawLx,s=%%%,i=4096"s, "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=1"s,
          "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4294967295"s, "r=fyko+d2lbbFgONRv9qkxdawLx,s=,i=4096"s, "x"s,
          "r=fyko+d2lbbFgONRv9qkxdawLx"s}) {
        INFO(first);
        auto const exchange = begin("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL");
        CHECK(text_of(exchange->next(first)) == "(nothing)");
        CHECK(text_of(exchange->next(good)) == "(nothing)");
        CHECK_FALSE(exchange->satisfied());
    }
    for (std::string const& last : {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="s, "e=invalid-proof"s, "v=%"s, ""s}) {
        auto const exchange = begin("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL");
        REQUIRE(exchange->next(good));
        CHECK(text_of(exchange->next(last)) == "(nothing)");
        CHECK_FALSE(exchange->satisfied());
    }
}

TEST_CASE("PLAIN, LOGIN and tokens are as their papers have them", "[sasl][client]") {
    CHECK(text_of(begin("PLAIN")->first()) == "\0user\0pencil"s);
    CHECK(text_of(begin("PLAIN")->next("")) == "\0user\0pencil"s);
    CHECK(text_of(begin("PLAIN")->next("x")) == "(nothing)");
    auto const login = begin("LOGIN");
    CHECK_FALSE(login->first());
    CHECK(text_of(login->next("User Name")) == "user");
    CHECK_FALSE(login->satisfied());
    CHECK(text_of(login->next("")) == "pencil");
    CHECK(login->satisfied());
    CHECK_FALSE(login->next("more"));

    auto const xoauth2 = begin("XOAUTH2");
    CHECK(text_of(xoauth2->first()) == "user=user\1auth=Bearer pencil\1\1");
    CHECK(text_of(xoauth2->next("{\"status\":\"401\"}")).empty());
    CHECK_FALSE(xoauth2->satisfied());
    sasl_channel over;
    over.host = "mx.example";
    over.port = 587;
    auto const bearer = begin("OAUTHBEARER", {}, over, "a,b");
    CHECK(text_of(bearer->first()) == "n,a=a=2Cb,\1host=mx.example\1port=587\1auth=Bearer pencil\1\1");
    CHECK(text_of(bearer->next("{}")) == "\1");
    CHECK_FALSE(bearer->next("{}"));
    CHECK_FALSE(begin("CRAM-MD5"));
    CHECK_FALSE(begin("SCRAM-SHA-256-PLUS"));
}

/// Lets the two sides talk until one of them has done. @return the server's last word
answer talk(client_exchange& client, auth_exchange& server) {
    auto initial = client.first();
    auto got = initial ? say(server, std::string{initial->reveal()}) : say_nothing(server);
    for (int i = 0; i < 5 && got.kind == answer::challenge; ++i) {
        auto const next = client.next(got.text);
        if (!next) return denied;
        got = say(server, std::string{next->reveal()});
    }
    if (got.kind == answer::success && !got.last.empty()) client.next(got.last);
    return got;
}

TEST_CASE("client and server understand each other in every mechanism", "[sasl][client]") {
    sasl::mechanisms server{sasl::user_table{{"alice", "wonderland"}}};
    tls_info facts;
    facts.protocol = "TLSv1.3";
    facts.channel_binding_exporter = std::string(32, 'e');
    auto const peer = mailquay_test::tls_client(facts);
    sasl_channel over;
    over.tls = &facts;
    unsigned tried = 0;
    for (std::string const& name : server.offered(peer)) {
        auto const ours = sasl::begin_client_exchange(name, "alice", secret_view{std::string_view{"wonderland"}}, {}, over);
        if (!ours) continue;
        INFO(name);
        ++tried;
        auto const theirs = server.begin(name, peer);
        CHECK(talk(*ours, *theirs).kind == answer::success);
        CHECK(ours->satisfied());

        auto const wrong = sasl::begin_client_exchange(name, "alice", secret_view{std::string_view{"looking-glass"}}, {}, over);
        auto const again = server.begin(name, peer);
        CHECK(talk(*wrong, *again).kind == answer::denied);
    }
    CHECK(tried >= 7);  // PLAIN, LOGIN and SCRAM by two or three hashes, each with and without -PLUS
}

TEST_CASE("the best of what is offered is taken", "[sasl][client]") {
    sasl::client_login login{"alice", secret{std::string_view{"wonderland"}}};
    tls_info facts;
    facts.protocol = "TLSv1.3";
    facts.channel_binding_exporter = std::string(32, 'e');
    sasl_channel bound, clear;
    bound.tls = &facts;
    auto const chosen = [&](names const& offered, sasl_channel const& over) {
        auto const made = login.begin(offered, over);
        return made ? std::string{made->mechanism()} : std::string{};
    };
    CHECK(chosen({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, bound) == "SCRAM-SHA-256-PLUS");
    CHECK(chosen({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, clear) == "SCRAM-SHA-256");
    CHECK(chosen({"LOGIN", "PLAIN"}, bound) == "PLAIN");
    CHECK(chosen({"GSSAPI", "EXTERNAL"}, bound).empty());

    // A server whose -PLUS somebody took away sees that we could have bound.
    CHECK(text_of(login.begin(names{"SCRAM-SHA-256"}, bound)->first()).starts_with("y,,"));
    CHECK(text_of(login.begin(names{"SCRAM-SHA-256"}, clear)->first()).starts_with("n,,"));

    auto const token = sasl::client_login::by_token("alice", secret{std::string_view{"abc"}});
    CHECK(token->begin(names{"PLAIN", "XOAUTH2"}, bound)->mechanism() == "XOAUTH2");
    CHECK_FALSE(token->begin(names{"PLAIN"}, bound));
    CHECK_THROWS_AS(sasl::client_login("", secret{}), std::invalid_argument);
}

}  // namespace test_client_mechanisms
