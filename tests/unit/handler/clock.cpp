#include <mailquay/handler/clock.hpp>

#include "support/catch.hpp"

TEST_CASE("the machine's clock goes on", "[clock]") {
    auto const time = mailquay::machine_clock();
    REQUIRE(time);
    auto const before = std::chrono::steady_clock::now();
    auto const told = time->steady();
    CHECK(told >= before);
    CHECK(told <= time->steady());
    CHECK(time->wall() > std::chrono::system_clock::time_point{});
    CHECK(time == mailquay::machine_clock());
}
