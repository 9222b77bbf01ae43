#include <mailquay/sasl/detail/exchanges.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/sasl_client.hpp"
#include "support/test_data.hpp"

#include <mailquay/sasl/user_table.hpp>

#include <string>

namespace test_scram_exchange {
using namespace mailquay;
using namespace mailquay_test;
using sasl::scram_hash;

/// The vectors' server: one user with the salt and iterations given, and the server's nonce.
struct vector_server {
    session_info client;
    std::shared_ptr<sasl::detail::mechanism_state> all = std::make_shared<sasl::detail::mechanism_state>();
    std::unique_ptr<sasl::detail::scram_exchange> server;

    vector_server(std::string mechanism, std::string user, std::string password, std::string salt, unsigned iterations, std::string nonce,
                  tls_info facts = {})
        : client(tls_client(std::move(facts))) {
        bool const plus = mechanism.ends_with("-PLUS");
        scram_hash hash{};
        for (scram_hash one : sasl::scram_hashes)
            if (mechanism == std::string{sasl::scram_name(one)} + (plus ? "-PLUS" : "")) hash = one;
        sasl::user_table users;
        users.add_hashed(user, to_string(make_scram_verifier(hash, secret_view{password}, std::move(salt), iterations)));
        all->users = std::make_shared<sasl::user_table>(users);
        all->settings.salt_key = std::string(32, 'k');
        all->may = [](std::string, std::string) -> eventual<bool> { return true; };
        server = std::make_unique<sasl::detail::scram_exchange>(all, client, hash, plus, std::move(nonce));
    }
};

std::string const salt7677 = *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");


TEST_CASE("the example of RFC 7677 §3 runs as printed", "[sasl][scram]") {
    vector_server v{"SCRAM-SHA-256", "user", "pencil", salt7677, 4096, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"};
    CHECK(say(*v.server, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO") ==
          challenge("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    CHECK(say(*v.server, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                         "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") ==
          success("user", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

TEST_CASE("the example of RFC 5802 §5 runs as printed", "[sasl][scram]") {
    vector_server v{"SCRAM-SHA-1", "user", "pencil", *base64_decode("QSXCR+Q6sek8bf92"), 4096, "3rfcNHYJY1ZVvWVs7j"};
    CHECK(say(*v.server, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL") ==
          challenge("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
    CHECK(say(*v.server, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=") ==
          success("user", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
}

TEST_CASE("a final message that is wrong in one place fails", "[sasl][scram]") {
    std::string const good = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    auto const changed = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    for (std::string const& wrong :
         {changed("k0,p", "k1,p"), changed("r=rO", "r=sO"), changed("biws", "eSws"), changed("biws", "bixhPXgs"), changed("p=dH", "p=eH"),
          changed("p=dHzb", "p="), changed(",p=", ",x=y,p="), changed("c=biws,", ""), std::string{}, good.substr(0, 20)}) {
        INFO(wrong);
        vector_server v{"SCRAM-SHA-256", "user", "pencil", salt7677, 4096, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"};
        REQUIRE(say(*v.server, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO").kind == answer::challenge);
        CHECK(say(*v.server, wrong) == denied);
        CHECK(say(*v.server, good) == denied);  // no second try
    }
}

TEST_CASE("the vectors of SCRAM run as they say", "[sasl][scram][vectors]") {
    auto const text = read_data("sasl/vectors.json");
    if (!text) {
        WARN("no test data: vectors passed over");
        return;
    }
    int seen = 0;
    for (auto const& one : json_objects(*text, "vectors")) {
        std::string const mechanism = one.string("mechanism");
        if (!mechanism.starts_with("SCRAM-") || !one.has("client_first")) continue;
        INFO(mechanism << ": " << one.string("source"));
        ++seen;
        std::string const first = one.string("client_first");
        if (!one.has("client_final")) {
            vector_server v{mechanism, "user", "pencil", salt7677, 4096, "x"};
            CHECK(say(*v.server, first) == denied);
            continue;
        }
        tls_info facts;
        if (first.starts_with("p=tls-exporter")) facts.channel_binding_exporter = from_hex(one.string("cb_data_hex"));
        if (first.starts_with("p=tls-unique")) facts.channel_binding_unique = from_hex(one.string("cb_data_hex"));
        if (first.starts_with("p=tls-server-end-point")) facts.channel_binding_endpoint = from_hex(one.string("cb_data_hex"));
        std::string const server_first = one.string("server_first");
        std::string const client_nonce = first.substr(first.find(",r=") + 3);
        std::string const nonce = server_first.substr(2 + client_nonce.size(), server_first.find(",s=") - 2 - client_nonce.size());
        vector_server v{mechanism, one.string("user"), one.string("password"), *base64_decode(one.string("salt")),
                        static_cast<unsigned>(std::stoul(one.string("iterations"))), nonce, facts};
        CHECK(say(*v.server, first) == challenge(server_first));
        std::string const who = one.has("authzid") ? one.string("authzid") : one.string("user");
        CHECK(say(*v.server, one.string("client_final")) == success(who, one.string("server_final")));
    }
    CHECK(seen >= 13);
}

}  // namespace test_scram_exchange
