#include <mailquay/relay/runner_settings.hpp>

#include "support/catch.hpp"

namespace test_runner_settings {

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("the defaults are those that the documentation names", "[relay][settings]") {
    runner_settings const how;
    CHECK(how.retry == std::vector<std::chrono::seconds>{5min, 10min, 20min, 40min, 66min});
    CHECK(how.lifetime == 120h);
    CHECK(how.null_sender_lifetime == 24h);
    CHECK(how.delay_notice == 4h);
    CHECK(how.connections_per_destination == 20);
    CHECK(how.messages_in_memory == 20'000);
}

}  // namespace test_runner_settings
