#include <mailquay/session/reception.hpp>

#include "support/catch.hpp"

TEST_CASE("a fresh reception has seen nothing", "[reception]") {
    mailquay::reception const fresh;
    CHECK(fresh.octets == 0);
    CHECK(fresh.drained == 0);
    CHECK_FALSE(fresh.refused);
    CHECK_FALSE(fresh.ended);
    CHECK_FALSE(fresh.header_given);
    CHECK(fresh.held.empty());
    CHECK_FALSE(fresh.decoder.ended());
    CHECK(fresh.header.octets() == 0);
    CHECK(fresh.normaliser.repaired() == 0);
    CHECK(fresh.refusal.passes());
}
