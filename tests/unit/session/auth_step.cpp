#include <mailquay/session/auth_step.hpp>

#include "support/catch.hpp"

#include <set>

namespace test_auth_step {

using namespace mailquay;

TEST_CASE("the steps of a mechanism are made by name", "[session][auth]") {
    auto const more = continue_with("Username:");
    REQUIRE(std::holds_alternative<auth_continue>(more));
    CHECK(std::get<auth_continue>(more).challenge == "Username:");

    auto const yes = succeed("alice", "v=proof");
    REQUIRE(std::holds_alternative<auth_success>(yes));
    CHECK(std::get<auth_success>(yes).identity == "alice");
    CHECK(std::get<auth_success>(yes).last == "v=proof");

    CHECK(std::get<auth_failure>(fail()).why == auth_problem::credentials);
    CHECK_FALSE(std::get<auth_failure>(fail()).temporary);
    CHECK(std::get<auth_failure>(fail(auth_problem::unavailable)).temporary);
    CHECK_FALSE(std::get<auth_failure>(fail(auth_problem::expired)).temporary);
}

TEST_CASE("any step can be put off", "[session][auth]") {
    using std::chrono::seconds;
    CHECK(delay_of(succeed("alice")).count() == 0);
    for (auto const& one : {succeed("alice"), fail(), refuse_with("{}")}) CHECK(delay_of(put_off(one, seconds{2})) == seconds{2});
}

TEST_CASE("an answer that nobody gave lets nobody in", "[session][auth]") {
    CHECK(std::holds_alternative<auth_failure>(auth_step{}));
}

TEST_CASE("each outcome of an exchange has a name of its own", "[session][auth]") {
    std::set<std::string_view> names;
    for (auto const one : {auth_outcome::succeeded, auth_outcome::failed, auth_outcome::unavailable, auth_outcome::refused,
                           auth_outcome::cancelled, auth_outcome::malformed, auth_outcome::aborted})
        names.insert(to_string(one));
    CHECK(names.size() == 7);
    CHECK_FALSE(names.contains(""));
}

}  // namespace test_auth_step
