#include <mailquay/sasl/credentials.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"

#include <mailquay/sasl/detail/hashing.hpp>

#include <string>

namespace test_credentials {
using namespace mailquay;
using namespace mailquay::sasl;

// crypt(3) of "secret", at the lowest cost of each method.
std::string const yescrypt = "$y$j75$saltsaltsaltsalt$DsMjm5uqUiFBUYLB9CLnX8E/M0k0mOVJBUWdpCrUik9";
std::string const sha512 =
    "$6$rounds=1000$saltstring$2BkAo106CG84raQcWpAlhyy6TSSkAsL1nfvBCoezLYyerUzY2l8axTvq6NynEt7SQAx3/cdop9ds0po8uaeHq0";
std::string const bcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

struct one_user final : credential_store {
    std::shared_ptr<credentials> kept = std::make_shared<credentials>();
    credential_forms all{};
    bool away = false;
    eventual<result<std::shared_ptr<credentials const>>> find(std::string user) override {
        using answer = result<std::shared_ptr<credentials const>>;
        if (away) return answer{std::make_error_code(std::errc::connection_refused)};
        return answer{user == "alice" ? std::shared_ptr<credentials const>{kept} : nullptr};
    }
    credential_forms forms() const override { return all; }
    result<bool> ask(std::string user, std::string_view password, workers* pool = nullptr) {
        return mailquay_test::waited(check(std::move(user), secret{password}, pool));
    }
};


TEST_CASE("each form of a credential is read, and no form twice", "[sasl][credentials]") {
    credentials user;
    CHECK_FALSE(add_credential(user, "{PLAIN}secret"));
    CHECK_FALSE(add_credential(user, "{CRYPT}$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"));
    CHECK_FALSE(add_credential(user, to_string(make_scram_verifier(scram_hash::sha1, secret_view{"x"}, "salt", 4096))));
    CHECK(user.password->reveal() == "secret");
    CHECK(user.hash.starts_with("$2b$04$"));
    REQUIRE(user.verifier(scram_hash::sha1));
    CHECK_FALSE(user.verifier(scram_hash::sha256));

    CHECK(add_credential(user, "{PLAIN}again"));
    CHECK(add_credential(user, "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"));
    CHECK(add_credential(user, to_string(*user.verifier(scram_hash::sha1))));
}

TEST_CASE("what no password can fit is said to be wrong, unless it says so itself", "[sasl][credentials]") {
    credentials user;
    for (char const* bad : {"", "secret", "$1$salt$aaaaaaaaaaaaaaaaaaaaaa", "{PLAIN}", "{MD5}x", "$6$", "$6$salt$short", "$2b$04$short", "$y$j9T$",
                            "{SHA512-CRYPT}", "SCRAM-SHA-256$1:x$y:z", "aaVPfdvCkPFBw"}) {
        INFO(bad);
        CHECK(add_credential(user, bad).has_value());
    }
    CHECK_FALSE(add_credential(user, "!"));
    CHECK_FALSE(add_credential(user, "*LK*"));
    CHECK((!user.password && user.hash.empty() && user.verifiers.empty()));
}

TEST_CASE("a hash says what it costs", "[sasl][credentials]") {
    std::string const digest(86, 'x');
    CHECK(hash_cost("$6$saltsalt$" + digest) == "$6$");
    CHECK(hash_cost("$6$rounds=9000$saltsalt$" + digest) == "$6$rounds=9000$");
    CHECK(hash_cost("$y$j9T$saltsalt$" + std::string(43, 'x')) == "$y$j9T$");
    CHECK(hash_cost("$2b$12$" + std::string(53, 'x')) == "$2b$12$");
    CHECK(hash_cost("$6$salt:salt$" + digest).empty());
    CHECK(hash_cost("").empty());
}

TEST_CASE("a password is held against what is there, on the workers if that takes time", "[sasl][credentials]") {
    one_user users;
    mailquay_test::inline_workers pool;
    SECTION("in clear") {
        users.kept->password = secret{std::string_view{"secret"}};
        users.all.passwords = true;
        CHECK(*users.ask("alice", "secret", &pool));
        CHECK_FALSE(*users.ask("alice", "secre", &pool));
        CHECK_FALSE(*users.ask("bob", "secret", &pool));
        CHECK_FALSE(*users.ask("bob", "nobody", &pool));
        CHECK(pool.jobs == 0);
    }
    SECTION("hashes of crypt(3)") {
        for (std::string const& hash : {yescrypt, sha512, bcrypt}) {
            INFO(hash);
            *users.kept = {};
            REQUIRE_FALSE(add_credential(*users.kept, hash));
            users.all.hash = hash;
            pool.jobs = 0;
            CHECK(*users.ask("alice", "secret", &pool));
            CHECK_FALSE(*users.ask("alice", "Secret", &pool));
            CHECK_FALSE(*users.ask("alice", std::string_view{"secret\0x", 8}, &pool));
            CHECK_FALSE(*users.ask("bob", "secret", &pool));  // though it fits the example
            CHECK(pool.jobs == 4);
        }
    }
    SECTION("a verifier") {
        users.kept->verifiers.push_back(make_scram_verifier(scram_hash::sha256, secret_view{"secret"}, "salt", 4096));
        users.all.scram[1] = true;
        CHECK(*users.ask("alice", "secret", &pool));
        CHECK_FALSE(*users.ask("alice", "Secret", &pool));
        CHECK_FALSE(*users.ask("bob", "secret", &pool));
        CHECK(pool.jobs == 3);
        pool.busy = true;
        CHECK_THROWS_AS(users.ask("alice", "secret", &pool), workers_busy);
    }
    SECTION("could not be asked") {
        users.away = true;
        CHECK_FALSE(users.ask("alice", "secret", &pool));
    }
}

TEST_CASE("a user who does not exist costs what a wrong password costs", "[sasl][credentials][timing]") {
    one_user users;
    auto const cost = [&](std::string user) {
        auto const before = sasl::detail::hash_work_done();
        CHECK_FALSE(*users.ask(std::move(user), "wrong"));
        auto const after = sasl::detail::hash_work_done();
        return std::pair{after.iterations - before.iterations, after.crypts - before.crypts};
    };
    SECTION("hashes") {
        users.kept->hash = "$6$rounds=1000$saltstring$" + std::string(86, 'x');
        users.all.hash = users.kept->hash;
        CHECK(cost("alice") == std::pair<std::uint64_t, std::uint64_t>{0, 1});
    }
    SECTION("verifiers") {
        users.kept->verifiers.push_back(make_scram_verifier(scram_hash::sha512, secret_view{"secret"}, "salt", 5000));
        users.all.scram[2] = true;
        users.all.scram_iterations[2] = 5000;
        CHECK(cost("alice") == std::pair<std::uint64_t, std::uint64_t>{5000, 0});
    }
    SECTION("passwords") {
        users.kept->password = secret{std::string_view{"secret"}};
        users.all.passwords = true;
        CHECK(cost("alice") == std::pair<std::uint64_t, std::uint64_t>{0, 0});
    }
    CHECK(cost("bob") == cost("alice"));
    users.kept = std::make_shared<credentials>();  // lets nobody in
    CHECK(cost("bob") == cost("alice"));
}

}  // namespace test_credentials
