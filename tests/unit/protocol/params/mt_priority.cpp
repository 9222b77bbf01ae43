#include <mailquay/protocol/params/mt_priority.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_params_mt_priority {

using namespace mailquay;

TEST_CASE("MT-PRIORITY is a number from -9 to 9 in its shortest form", "[protocol][params]") {
    auto priority = [](std::string_view value) { return parse_mt_priority({"MT-PRIORITY", value, true}); };
    for (int value = -9; value <= 9; ++value) CHECK(*priority(std::to_string(value)) == value);
    for (auto value : {"", "-", "-0", "+1", "01", "10", "-10", "1 ", "x"}) {
        INFO(value);
        REQUIRE_FALSE(priority(value));
        CHECK(priority(value).error().code == protocol_errc::bad_priority);
    }
    CHECK(parse_mt_priority({"MT-PRIORITY", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

}  // namespace test_params_mt_priority
