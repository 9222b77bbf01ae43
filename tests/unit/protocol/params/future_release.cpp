#include <mailquay/protocol/params/future_release.hpp>

#include "support/catch.hpp"

namespace test_params_future_release {

using namespace mailquay;
using namespace std::chrono;

TEST_CASE("HOLDFOR is 1 to 9 digits that do not begin with 0", "[protocol][params]") {
    auto hold = [](std::string_view value) { return parse_hold_for({"HOLDFOR", value, true}); };
    CHECK(*hold("1") == 1s);
    CHECK(*hold("999999999") == 999'999'999s);
    for (auto value : {"", "0", "01", "1000000000", "-1", "+1", "1s"}) {
        INFO(value);
        REQUIRE_FALSE(hold(value));
        CHECK(hold(value).error().code == protocol_errc::bad_hold);
    }
    CHECK(parse_hold_for({"HOLDFOR", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

TEST_CASE("HOLDUNTIL is a date-time and nothing else", "[protocol][params]") {
    auto hold = [](std::string_view value) { return parse_hold_until({"HOLDUNTIL", value, true}); };
    CHECK(*hold("2026-11-25T23:00:00+01:00") == sys_days{2026y / November / 25} + 22h);
    for (auto value : {"", "2026-11-25", "2026-11-25T23:00:00", "2026-11-25T23:00:00Z;"}) {
        INFO(value);
        REQUIRE_FALSE(hold(value));
        CHECK(hold(value).error().code == protocol_errc::bad_hold);
    }
    CHECK(parse_hold_until({"HOLDUNTIL", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

}  // namespace test_params_future_release
