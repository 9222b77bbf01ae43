#include <mailquay/protocol/address_options.hpp>

#include "support/catch.hpp"

TEST_CASE("By default addresses are read by the grammar, without leniency", "[protocol][path]") {
    mailquay::address_options const options;
    CHECK_FALSE(options.utf8);
    CHECK_FALSE(options.strict_lengths);
    CHECK_FALSE(options.space_after_colon);
    CHECK_FALSE(options.missing_brackets);
}
