#include <mailquay/session/extensions/rrvs.hpp>

#include "support/catch.hpp"

namespace test_extension_rrvs {

using namespace mailquay;

TEST_CASE("RRVS reaches the recipient; it is kept where a validator judges it", "[extensions]") {
    extensions::rrvs const offered;
    CHECK(offered.opt_in());
    promises way;
    CHECK_FALSE(offered.kept_by(way));
    way.owner_since = true;
    CHECK(offered.kept_by(way));
    transaction mail;
    recipient to;
    CHECK(offered.recipient_parameter({"RRVS", "never", true}, transaction_editor{mail}, to)->code == 501);
    CHECK_FALSE(offered.recipient_parameter({"RRVS", "2014-04-03T23:01:00Z;C", true}, transaction_editor{mail}, to));
    REQUIRE(to.requests().valid_since);
    CHECK(to.requests().valid_since->action == rrvs_action::go_on);
}

}  // namespace test_extension_rrvs
