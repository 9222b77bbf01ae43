#include <mailquay/protocol/params/deliver_by.hpp>

#include "support/catch.hpp"

namespace test_params_deliver_by {

using namespace mailquay;

parsed<deliver_by> by(std::string_view value) { return parse_deliver_by({"BY", value, true}); }

TEST_CASE("BY is seconds, mode and trace", "[protocol][params]") {
    CHECK(*by("120;R") == deliver_by{120, by_mode::return_to_sender, false});
    CHECK(*by("+000000120;nt") == deliver_by{120, by_mode::notify, true});
    CHECK(*by("-999999999;N") == deliver_by{-999'999'999, by_mode::notify, false});
    CHECK(*by("0;NT") == deliver_by{0, by_mode::notify, true});
    for (auto value : {"", ";", "120", "120;", ";R", "0;R", "-1;R", "120;X", "120;RX", "120;RTT", "1000000000;R", "+-1;N", "1.5;N", "120 ;R"}) {
        INFO(value);
        REQUIRE_FALSE(by(value));
        CHECK(by(value).error().code == protocol_errc::bad_deliver_by);
    }
    CHECK(parse_deliver_by({"BY", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

}  // namespace test_params_deliver_by
