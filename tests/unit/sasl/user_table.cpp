#include <mailquay/sasl/user_table.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"

#include <stdexcept>

namespace test_sasl_user_table {

using namespace mailquay;
using sasl::user_table;

TEST_CASE("users in memory are found by name, and copies share them", "[sasl][users]") {
    user_table users{{"alice", "wonderland"}, {"bob", "builder"}};
    user_table copy = users;

    CHECK(mailquay_test::waited(copy.find("alice")).value()->password->reveal() == "wonderland");
    CHECK_FALSE(mailquay_test::waited(copy.find("carol")).value());
    copy.add("carol", secret_view{"x"});
    CHECK(mailquay_test::waited(users.find("carol")).value());
    CHECK(*mailquay_test::waited(users.check("bob", secret{std::string_view{"builder"}}, nullptr)));
}

TEST_CASE("a table says what all of its users have", "[sasl][users]") {
    user_table users;
    CHECK_FALSE(users.forms().passwords);
    users.add("alice", secret_view{"wonderland"});
    CHECK(users.forms().passwords);
    users.add_hashed("bob", to_string(make_scram_verifier(sasl::scram_hash::sha256, secret_view{"x"}, "saltsaltsalt", 5000)));
    CHECK_FALSE(users.forms().passwords);
    CHECK_FALSE(users.forms().scram[1]);
    CHECK(users.forms().scram_iterations[1] == 5000);
    CHECK(users.forms().scram_salt_octets[1] == 12);
    users.add_hashed("alice", to_string(make_scram_verifier(sasl::scram_hash::sha256, secret_view{"y"}, "saltsaltsalt", 5000)));
    CHECK(users.forms().scram[1]);
    users.add_hashed("gone", "!");
    CHECK(users.forms().scram[1]);
}

TEST_CASE("a user that cannot be is named, his password is not", "[sasl][users]") {
    user_table users{{"alice", "x"}};
    CHECK_THROWS_AS(users.add("", secret_view{"x"}), std::invalid_argument);
    CHECK_THROWS_AS(users.add("bob", secret_view{""}), std::invalid_argument);
    CHECK_THROWS_AS(users.add("alice", secret_view{"twice"}), std::invalid_argument);
    try {
        users.add_hashed("bob", "hunter2");
        FAIL("no hash was taken for one");
    } catch (std::invalid_argument const& wrong) {
        CHECK(std::string{wrong.what()}.find("bob") != std::string::npos);
        CHECK(std::string{wrong.what()}.find("hunter2") == std::string::npos);
    }
}

}  // namespace test_sasl_user_table
