#include <mailquay/handler/authenticator.hpp>

#include "support/catch.hpp"

TEST_CASE("the steps of an exchange are told apart", "[auth]") {
    using namespace mailquay;
    CHECK(std::get<auth_continue>(continue_with("Password:")).challenge == "Password:");
    CHECK(std::get<auth_success>(succeed("alice", "v=x")).identity == "alice");
    CHECK(std::get<auth_success>(succeed("alice", "v=x")).last == "v=x");
    CHECK_FALSE(std::get<auth_failure>(fail()).temporary);
    CHECK(std::holds_alternative<auth_failure>(auth_step{}));
}
