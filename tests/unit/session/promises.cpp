#include <mailquay/session/promises.hpp>

#include "support/catch.hpp"

TEST_CASE("a sink that says nothing keeps 8-bit and UTF-8, and nothing else", "[promises]") {
    mailquay::promises const usual;
    CHECK(usual.eight_bit);
    CHECK(usual.utf8);
    CHECK_FALSE(usual.binary);
    CHECK_FALSE(usual.dsn);
    CHECK_FALSE(usual.requiretls);
    CHECK_FALSE(usual.per_recipient);
    CHECK_FALSE(usual.hold);
    CHECK_FALSE(usual.deliver_by);
    CHECK_FALSE(usual.priority);
    CHECK_FALSE(usual.max_size.has_value());
}
