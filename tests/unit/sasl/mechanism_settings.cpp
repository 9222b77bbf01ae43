#include <mailquay/sasl/mechanism_settings.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("what shows or weakens a password is off unless a host asks for it", "[sasl][settings]") {
    sasl::mechanism_settings const usual;
    CHECK_FALSE(usual.cram_md5);
    CHECK_FALSE(usual.secrets_in_clear);
    CHECK(usual.scram_iterations >= 4096);
}

TEST_CASE("a token travels as a secret", "[sasl][settings]") {
    sasl::token_request asked{"alice", secret{"t0ken"}, "mx.example.org", 587};
    CHECK(asked.token.reveal() == "t0ken");
    sasl::token_request const moved{std::move(asked)};
    CHECK(moved.token.reveal() == "t0ken");
    CHECK(moved.user == "alice");
    CHECK(moved.port == 587);
}
