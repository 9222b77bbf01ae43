#include <mailquay/sasl/mechanisms.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sasl_client.hpp"

#include <mailquay/sasl/guarded.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/server/memory_store.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace test_mechanisms {
using namespace mailquay;
using namespace mailquay_test;
using names = std::vector<std::string>;

sasl::user_table users() { return {{"alice", "wonderland"}, {"bob", "builder"}}; }

tls_info bound() {
    tls_info facts;
    facts.protocol = "TLSv1.3";
    facts.channel_binding_exporter = std::string(32, 'e');
    return facts;
}
tls_info certified(std::string who) {
    tls_info facts;
    facts.client_verified = true;
    facts.client_identity = std::move(who);
    return facts;
}

/// An exchange begun, that must be offered.
struct begun {
    session_info client;
    std::unique_ptr<auth_exchange> server;
    begun(sasl::mechanisms all, std::string_view name, session_info from = tls_client()) : client(std::move(from)) {
        server = all.begin(name, client);
        REQUIRE(server);
    }
};

/// A store whose answers come later, or never.
struct slow_users final : sasl::credential_store {
    sasl::user_table kept = users();
    bool away = false;
    eventual<result<std::shared_ptr<sasl::credentials const>>> find(std::string user) override {
        using answer = result<std::shared_ptr<sasl::credentials const>>;
        if (away) return answer{std::make_error_code(std::errc::connection_refused)};
        return later<answer>(waited(kept.find(std::move(user))));
    }
    sasl::credential_forms forms() const override { return kept.forms(); }
};

using sasl::scram_hash;

TEST_CASE("what is offered follows from the connection and from what all users have", "[sasl][offered]") {
    sasl::mechanisms all{users()};
    CHECK(all.offered(clear_client()) == names{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"});
    CHECK(all.offered(tls_client()) == names{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"});
    CHECK(all.offered(tls_client(bound())) == names{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512",
                                                    "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"});

    sasl::user_table hashed;
    hashed.add_hashed("alice", "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
    CHECK(sasl::mechanisms{hashed}.offered(clear_client()).empty());
    CHECK(sasl::mechanisms{hashed}.offered(tls_client()) == names{"PLAIN", "LOGIN"});
    CHECK(sasl::mechanisms{}.offered(tls_client()).empty());

    sasl::mechanism_settings wanted;
    wanted.cram_md5 = true;
    wanted.secrets_in_clear = true;
    wanted.login = wanted.scram_sha1 = wanted.scram_sha512 = wanted.channel_binding = false;
    CHECK(sasl::mechanisms(users(), wanted).offered(clear_client()) == names{"SCRAM-SHA-256", "CRAM-MD5", "PLAIN"});
    CHECK(sasl::mechanisms(users(), wanted).offered(tls_client(bound())) == names{"SCRAM-SHA-256", "CRAM-MD5", "PLAIN"});
}

TEST_CASE("a mechanism kept back for its weakness is named as too weak, and passed on by a guard", "[sasl][offered]") {
    auto const client = tls_client();
    CHECK(sasl::mechanisms{users()}.too_weak(client) == names{"CRAM-MD5"});
    CHECK(sasl::mechanisms{}.too_weak(client).empty());
    sasl::mechanism_settings strict;
    strict.scram_sha1 = false;
    sasl::mechanisms const all{users(), strict};
    CHECK(all.too_weak(client) == names{"CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"});
    CHECK(sasl::guarded{all, std::make_shared<memory_store>()}.too_weak(client) == all.too_weak(client));
    strict.scram_sha1 = strict.cram_md5 = true;
    CHECK(sasl::mechanisms(users(), strict).too_weak(client).empty());
}

TEST_CASE("a mechanism that is not offered does not begin; case does not matter", "[sasl][offered]") {
    sasl::mechanisms all{users()};
    auto const clear = clear_client();
    auto const tls = tls_client();
    CHECK_FALSE(all.begin("PLAIN", clear));
    CHECK_FALSE(all.begin("CRAM-MD5", tls));
    CHECK_FALSE(all.begin("SCRAM-SHA-256-PLUS", tls));
    CHECK_FALSE(all.begin("GSSAPI", tls));
    CHECK_FALSE(all.begin("", tls));
    CHECK(all.begin("plain", tls));
}

TEST_CASE("settings that cannot be are refused", "[sasl]") {
    sasl::mechanism_settings few;
    few.scram_iterations = 4095;
    CHECK_THROWS_AS(sasl::mechanisms(users(), few), std::invalid_argument);
    sasl::mechanism_settings guessable;
    guessable.salt_key = "short";
    CHECK_THROWS_AS(sasl::mechanisms(users(), guessable), std::invalid_argument);
    CHECK_THROWS_AS(sasl::mechanisms{}.bearer_tokens(nullptr), std::invalid_argument);
}

TEST_CASE("PLAIN lets in who has the password, with and without initial response", "[sasl][plain]") {
    begun one{sasl::mechanisms{users()}, "PLAIN"};
    SECTION("at once") { CHECK(say(*one.server, plain("alice", "wonderland")) == success("alice")); }
    SECTION("asked") {
        CHECK(say_nothing(*one.server) == challenge(""));
        CHECK(say(*one.server, plain("alice", "wonderland", "alice")) == success("alice"));
    }
    CHECK(sasl::identities_of(one.client).user == "alice");
    CHECK(sasl::identities_of(one.client).mechanism == "PLAIN");
}

TEST_CASE("PLAIN keeps out everybody else", "[sasl][plain]") {
    for (std::string const& wrong : {plain("alice", "Wonderland"), plain("alice", "builder"), plain("carol", "wonderland"),
                                     plain("alice", "wonderland", "bob"), plain("", "wonderland"), plain("alice", ""), std::string{},
                                     std::string{"alice"}, plain("alice", "wonderland") + '\0'}) {
        begun one{sasl::mechanisms{users()}, "PLAIN"};
        CHECK(say(*one.server, wrong) == denied);
        CHECK(sasl::identities_of(one.client).user.empty());
    }
}

TEST_CASE("LOGIN asks for name and password; the name may come first", "[sasl][login]") {
    begun one{sasl::mechanisms{users()}, "LOGIN"};
    SECTION("asked") { CHECK(say_nothing(*one.server) == challenge("Username:")); }
    SECTION("initial response") {}
    CHECK(say(*one.server, "alice") == challenge("Password:"));
    SECTION("right") { CHECK(say(*one.server, "wonderland") == success("alice")); }
    SECTION("wrong") { CHECK(say(*one.server, "builder") == denied); }
    SECTION("empty") { CHECK(say(*one.server, "") == denied); }
}

TEST_CASE("CRAM-MD5 answers its own challenge only", "[sasl][cram-md5]") {
    sasl::mechanism_settings wanted;
    wanted.cram_md5 = true;
    wanted.hostname = "mx.example.org";
    sasl::mechanisms const all{users(), wanted};
    auto const digest = [](std::string const& asked, std::string_view password) {
        return sasl::detail::hmac_md5_hex(secret_view{password}, asked);
    };
    begun one{all, "CRAM-MD5"};
    answer const asked = say_nothing(*one.server);
    REQUIRE(asked.kind == answer::challenge);
    CHECK(asked.text.ends_with("@mx.example.org>"));
    SECTION("right") { CHECK(say(*one.server, "alice " + digest(asked.text, "wonderland")) == success("alice")); }
    SECTION("wrong") { CHECK(say(*one.server, "alice " + digest(asked.text, "builder")) == denied); }
    SECTION("nobody") { CHECK(say(*one.server, "carol " + digest(asked.text, "nobody")) == denied); }
    SECTION("another challenge") {
        begun two{all, "CRAM-MD5"};
        CHECK(say_nothing(*two.server).text != asked.text);
        CHECK(say(*two.server, "alice " + digest(asked.text, "wonderland")) == denied);
    }
    SECTION("initial response") {
        begun two{all, "CRAM-MD5"};
        CHECK(say(*two.server, "alice " + digest("", "wonderland")) == denied);
    }
}

TEST_CASE("each SCRAM lets in who has the password and proves itself to him", "[sasl][scram]") {
    sasl::mechanism_settings quick;
    quick.scram_iterations = 4096;
    sasl::mechanisms const all{users(), quick};
    for (scram_hash hash : sasl::scram_hashes) {
        std::string const name{sasl::scram_name(hash)};
        INFO(name);
        begun one{all, name};
        scram_client client{hash, "alice", "wonderland"};
        answer const done = client.log_in(*one.server);
        CHECK(done == success("alice", client.expected_last()));
        CHECK(client.iterations == 4096);
        CHECK(say(*one.server, "") == denied);  // over is over

        begun two{all, name};
        CHECK(scram_client{hash, "alice", "builder"}.log_in(*two.server) == denied);
        begun three{all, name};
        CHECK(scram_client{hash, "carol", "wonderland"}.log_in(*three.server) == denied);

        std::string const exporter(32, 'e');
        begun plus{all, name + "-PLUS", tls_client(bound())};
        scram_client binds{hash, "alice", "wonderland", "p=tls-exporter,,", exporter};
        answer const bound_done = binds.log_in(*plus.server);
        CHECK(bound_done == success("alice", binds.expected_last()));
        begun other_channel{all, name + "-PLUS", tls_client(bound())};
        scram_client elsewhere{hash, "alice", "wonderland", "p=tls-exporter,,", std::string(32, 'x')};
        CHECK(elsewhere.log_in(*other_channel.server) == denied);
    }
}

TEST_CASE("SCRAM without initial response is asked for one", "[sasl][scram]") {
    begun one{sasl::mechanisms{users()}, "SCRAM-SHA-256"};
    CHECK(say_nothing(*one.server) == challenge(""));
    scram_client client{scram_hash::sha256, "alice", "wonderland"};
    CHECK(client.log_in(*one.server).kind == answer::success);
}

TEST_CASE("a -PLUS that somebody took away is noticed", "[sasl][scram][binding]") {
    sasl::mechanisms const all{users()};
    auto const told_with = [&](std::string header, tls_info facts, std::string name) {
        begun one{all, name, tls_client(std::move(facts))};
        return say(*one.server, std::move(header) + "n=alice,r=abc").kind;
    };
    CHECK(told_with("y,,", bound(), "SCRAM-SHA-256") == answer::denied);
    CHECK(told_with("y,,", {}, "SCRAM-SHA-256") == answer::challenge);
    CHECK(told_with("n,,", bound(), "SCRAM-SHA-256") == answer::challenge);
    CHECK(told_with("p=tls-exporter,,", bound(), "SCRAM-SHA-256") == answer::denied);
    CHECK(told_with("n,,", bound(), "SCRAM-SHA-256-PLUS") == answer::denied);
    CHECK(told_with("y,,", bound(), "SCRAM-SHA-256-PLUS") == answer::denied);
    CHECK(told_with("p=tls-unique,,", bound(), "SCRAM-SHA-256-PLUS") == answer::denied);
    CHECK(told_with("p=tls-foo,,", bound(), "SCRAM-SHA-256-PLUS") == answer::denied);
    CHECK(told_with("p=tls-exporter,,", bound(), "SCRAM-SHA-256-PLUS") == answer::challenge);
}

TEST_CASE("tls-unique binds up to TLS 1.2, tls-server-end-point always", "[sasl][scram][binding]") {
    tls_info facts;
    facts.protocol = "TLSv1.2";
    facts.channel_binding_unique = "twelve octet";
    facts.channel_binding_endpoint = "digest";
    sasl::mechanisms const all{users()};
    for (std::string_view name : {"tls-unique", "tls-server-end-point"}) {
        begun one{all, "SCRAM-SHA-1-PLUS", tls_client(facts)};
        std::string const octets = name == "tls-unique" ? facts.channel_binding_unique : facts.channel_binding_endpoint;
        scram_client client{scram_hash::sha1, "alice", "wonderland", "p=" + std::string{name} + ",,", octets};
        CHECK(client.log_in(*one.server).kind == answer::success);
    }
    facts.protocol = "TLSv1.3";
    begun three{all, "SCRAM-SHA-1-PLUS", tls_client(facts)};
    CHECK(say(*three.server, "p=tls-unique,,n=alice,r=abc") == denied);
}

TEST_CASE("who does not exist looks as who does: salt, iterations and work", "[sasl][scram][timing]") {
    auto const look = [](sasl::mechanisms const& all, std::string user) {
        begun one{all, "SCRAM-SHA-256"};
        scram_client client{scram_hash::sha256, std::move(user), "wrong"};
        auto const before = sasl::detail::hash_work_done();
        answer const first = say(*one.server, client.first());
        auto const spent = sasl::detail::hash_work_done().iterations - before.iterations;
        static_cast<void>(client.final(first.text));
        return std::tuple{client.salt, client.iterations, spent};
    };
    SECTION("passwords in clear") {
        sasl::mechanisms const all{users()};
        auto const [salt, iterations, spent] = look(all, "carol");
        CHECK(look(all, "carol") == std::tuple{salt, iterations, spent});
        auto const [real_salt, real_iterations, real_spent] = look(all, "alice");
        CHECK(salt.size() == real_salt.size());
        CHECK(salt != real_salt);
        CHECK(std::get<0>(look(all, "dave")) != salt);
        CHECK(iterations == real_iterations);
        CHECK(spent == real_spent);
        CHECK(spent == 0);  // who cancels now has cost nothing

        auto const whole = [&](std::string user, std::string proof_by) {
            begun one{all, "SCRAM-SHA-256"};
            scram_client client{scram_hash::sha256, std::move(user), std::move(proof_by)};
            std::string const final = client.final(say(*one.server, client.first()).text);
            auto const before = sasl::detail::hash_work_done().iterations;
            answer const ended = say(*one.server, final);
            return std::pair{ended.kind, sasl::detail::hash_work_done().iterations - before};
        };
        using ends = std::pair<decltype(answer::kind), std::remove_const_t<decltype(spent)>>;
        CHECK(whole("alice", "wonderland") == ends{answer::success, 15'000});
        CHECK(whole("alice", "nobody") == ends{answer::denied, 15'000});
        CHECK(whole("carol", "nobody") == ends{answer::denied, 15'000});
    }
    SECTION("verifiers") {
        sasl::user_table kept;
        for (char const* user : {"alice", "bob"})
            kept.add_hashed(user, to_string(make_scram_verifier(scram_hash::sha256, secret_view{"x"}, "twelve octet", 5000)));
        sasl::mechanisms const all{kept};
        auto const [salt, iterations, spent] = look(all, "carol");
        CHECK(look(all, "carol") == std::tuple{salt, iterations, spent});
        CHECK(salt.size() == 16);  // twelve octets in base64
        CHECK(iterations == 5000);
        CHECK(spent == 0);
        CHECK(std::get<2>(look(all, "alice")) == 0);
    }
}

TEST_CASE("the salt of a user is the same wherever the key is the same", "[sasl][scram]") {
    sasl::mechanism_settings keyed;
    keyed.salt_key = std::string(32, 'k');
    auto const salt = [&] {
        begun one{sasl::mechanisms{users(), keyed}, "SCRAM-SHA-1"};
        scram_client client{scram_hash::sha1, "alice", "wonderland"};
        static_cast<void>(client.final(say(*one.server, client.first()).text));
        return client.salt;
    };
    CHECK(salt() == salt());
}

TEST_CASE("acting as another is for whom the host allows it, by every mechanism that can ask", "[sasl][authorisation]") {
    sasl::mechanisms all{users()};
    begun refused{all, "PLAIN"};
    CHECK(say(*refused.server, plain("alice", "wonderland", "bob")) == denied);

    all.may_act_as([](std::string user, std::string other) -> eventual<bool> { return later(user == "alice" && other == "bob"); });
    begun allowed{all, "PLAIN"};
    CHECK(say(*allowed.server, plain("alice", "wonderland", "bob")) == success("bob"));
    CHECK(sasl::identities_of(allowed.client).user == "alice");
    CHECK(sasl::identities_of(allowed.client).authorisation == "bob");
    begun back{all, "PLAIN"};
    CHECK(say(*back.server, plain("bob", "builder", "alice")) == denied);
    begun by_scram{all, "SCRAM-SHA-256"};
    CHECK(scram_client{scram_hash::sha256, "alice", "wonderland", "n,a=bob,"}.log_in(*by_scram.server).text == "bob");
}

TEST_CASE("a store may answer later; one that cannot be asked is a temporary failure", "[sasl][later]") {
    auto const slow = std::make_shared<slow_users>();
    sasl::mechanism_settings wanted;
    wanted.cram_md5 = true;
    sasl::mechanisms all{slow, wanted};
    auto const pool = std::make_shared<inline_workers>();
    all.lend(pool);

    begun one{all, "PLAIN"};
    CHECK(say(*one.server, plain("alice", "wonderland")) == success("alice"));
    begun two{all, "SCRAM-SHA-512"};
    CHECK(scram_client{scram_hash::sha512, "alice", "wonderland"}.log_in(*two.server).kind == answer::success);
    CHECK(pool->jobs == 1);
    pool->busy = true;
    begun busy{all, "SCRAM-SHA-512"};
    CHECK_THROWS_AS((scram_client{scram_hash::sha512, "alice", "wonderland"}.log_in(*busy.server)), workers_busy);
    pool->busy = false;

    slow->away = true;
    begun three{all, "PLAIN"};
    CHECK(say(*three.server, plain("alice", "wonderland")) == temporary);
    begun four{all, "SCRAM-SHA-512"};
    CHECK(say(*four.server, "n,,n=alice,r=abc") == temporary);
    begun five{all, "CRAM-MD5"};
    say_nothing(*five.server);
    CHECK(say(*five.server, "alice b913a602c7eda7a495b4e6e7334d3890") == temporary);
}

TEST_CASE("a bearer token is judged by the host", "[sasl][oauth]") {
    std::string seen;
    sasl::mechanisms all;
    all.bearer_tokens(
        [&](sasl::token_request asked) -> eventual<result<std::optional<std::string>>> {
            using answer = result<std::optional<std::string>>;
            seen = asked.user + " " + asked.host + " " + std::to_string(asked.port);
            if (asked.token.reveal() == "away") return answer{std::make_error_code(std::errc::timed_out)};
            if (asked.token.reveal() == "good") return later<answer>(std::optional<std::string>{"alice"});
            return answer{std::optional<std::string>{}};
        },
        {.scope = "mail \"x\"", .openid_configuration = "https://example.org/oidc"});
    CHECK(all.offered(tls_client()) == names{"OAUTHBEARER", "XOAUTH2"});
    CHECK(all.offered(clear_client()).empty());

    SECTION("good") {
        begun one{all, "OAUTHBEARER"};
        CHECK(say(*one.server, "n,a=alice,\1host=mx\1port=587\1auth=Bearer good\1\1") == success("alice"));
        CHECK(seen == "alice mx 587");
        begun two{all, "OAUTHBEARER"};
        CHECK(say_nothing(*two.server) == challenge(""));
        CHECK(say(*two.server, "n,,\1auth=Bearer good\1\1") == success("alice"));
        begun three{all, "XOAUTH2"};
        CHECK(say(*three.server, "user=alice\1auth=Bearer good\1\1") == success("alice"));
    }
    SECTION("of another") {
        begun one{all, "XOAUTH2"};
        CHECK(say(*one.server, "user=bob\1auth=Bearer good\1\1") == denied);
    }
    SECTION("refused: the reason, then the end") {
        begun one{all, "OAUTHBEARER"};
        CHECK(say(*one.server, "n,,\1auth=Bearer bad\1\1") ==
              challenge(R"({"status":"invalid_token","schemes":"bearer","scope":"mail \"x\"","openid-configuration":"https://example.org/oidc"})"));
        CHECK(say(*one.server, "\1") == denied);
        begun two{all, "XOAUTH2"};
        CHECK(say(*two.server, "user=alice\1auth=Bearer bad\1\1").text.starts_with(R"({"status":"401",)"));
        CHECK(say(*two.server, "") == denied);
        begun three{all, "OAUTHBEARER"};
        CHECK(say(*three.server, "n,,\1auth=\1\1").kind == answer::challenge);
        CHECK(say(*three.server, "n,,\1auth=Bearer good\1\1") == denied);
        begun four{all, "OAUTHBEARER"};
        CHECK(say(*four.server, "rubbish").text.starts_with(R"({"status":"invalid_request")"));
    }
    SECTION("could not be judged") {
        begun one{all, "OAUTHBEARER"};
        CHECK(say(*one.server, "n,,\1auth=Bearer away\1\1") == temporary);
    }
}

TEST_CASE("neither the certificate nor the channel of who sent XCLIENT is the named client's", "[sasl][external][binding]") {
    sasl::mechanisms all{users()};
    all.certificates();
    tls_info facts = bound();
    facts.client_verified = true;
    facts.client_identity = "filter";
    session_info filter = tls_client(facts);
    REQUIRE(all.offered(filter).front() == "EXTERNAL");

    session_info const named = filter.begun_anew();
    CHECK(all.offered(named) == names{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"});
    CHECK_FALSE(all.begin("EXTERNAL", named));
    CHECK_FALSE(all.begin("SCRAM-SHA-256-PLUS", named));
    auto const server = all.begin("SCRAM-SHA-256", named);
    CHECK(say(*server, "y,,n=alice,r=abc").kind == answer::challenge);  // nothing was taken away from him

    // An exchange that is there already asks as well.
    auto const early = all.begin("EXTERNAL", filter);
    filter = filter.begun_anew();
    CHECK(say(*early, "") == denied);
}

TEST_CASE("EXTERNAL takes the identity of a verified certificate", "[sasl][external]") {
    sasl::mechanisms all;
    CHECK(all.offered(tls_client(certified("alice"))).empty());  // only when asked for
    all.certificates();
    CHECK(all.offered(tls_client()).empty());
    CHECK(all.offered(tls_client(certified("alice"))) == names{"EXTERNAL"});

    begun one{all, "EXTERNAL", tls_client(certified("alice"))};
    CHECK(say(*one.server, "") == success("alice"));
    begun two{all, "EXTERNAL", tls_client(certified("alice"))};
    CHECK(say_nothing(*two.server) == challenge(""));
    CHECK(say(*two.server, "alice") == success("alice"));
    begun three{all, "EXTERNAL", tls_client(certified("alice"))};
    CHECK(say(*three.server, "bob") == denied);

    all.certificates([](tls_info const& tls) -> std::optional<std::string> {
        if (tls.client_identity != "CN=alice") return std::nullopt;
        return "alice@example.org";
    });
    begun four{all, "EXTERNAL", tls_client(certified("CN=alice"))};
    CHECK(say(*four.server, "") == success("alice@example.org"));
    begun five{all, "EXTERNAL", tls_client(certified("CN=mallory"))};
    CHECK(say(*five.server, "") == denied);
}

}  // namespace test_mechanisms
