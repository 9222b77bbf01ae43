#include <mailquay/protocol/params/rrvs.hpp>

#include "support/catch.hpp"

namespace test_params_rrvs {

using namespace mailquay;
using namespace std::chrono;

TEST_CASE("RRVS is a date-time, and what a relay is to do", "[protocol][params]") {
    auto rrvs = [](std::string_view value) { return parse_rrvs({"RRVS", value, true}); };
    sys_seconds const when = sys_days{2014y / April / 3} + 23h + 1min;
    CHECK(*rrvs("2014-04-03T23:01:00Z") == valid_since{when, rrvs_action::unsaid});
    CHECK(*rrvs("2014-04-03T23:01:00Z;c") == valid_since{when, rrvs_action::go_on});
    CHECK(*rrvs("2014-04-03T23:01:00Z;R") == valid_since{when, rrvs_action::refuse});
    for (auto value : {"", ";C", "2014-04-03", "2014-04-03T23:01:00Z;", "2014-04-03T23:01:00Z;X", "2014-04-03T23:01:00Z;CR", "2014-04-03T23:01:00Z,C"}) {
        INFO(value);
        REQUIRE_FALSE(rrvs(value));
        CHECK(rrvs(value).error().code == protocol_errc::bad_rrvs);
    }
    CHECK(parse_rrvs({"RRVS", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

}  // namespace test_params_rrvs
