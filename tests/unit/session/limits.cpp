#include <mailquay/session/limits.hpp>

#include "support/catch.hpp"

namespace test_limits {

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("the defaults are those of the mail rules", "[limits]") {
    session_limits const limits;
    CHECK(limits.message_octets == 50u * 1024 * 1024);
    CHECK(limits.recipients == 1000);
    CHECK(limits.command_line_octets == 2048);
    CHECK(limits.auth_line_octets == 12'288);
    CHECK(limits.text_line_octets == 0);
    CHECK(limits.hops == 100);
    CHECK(limits.header_octets == 256u * 1024);
    CHECK(limits.header_fields == 10'000);
    CHECK(limits.messages == 1000);
    CHECK(limits.drain_octets == 64u * 1024 * 1024);
    CHECK(limits.output_octets == 16u * 1024);
    CHECK(limits.recipients_in_flight == 1);
}

TEST_CASE("the default waits", "[limits]") {
    session_timeouts const times;
    CHECK(times.command == 300s);
    CHECK(times.message_silence == 180s);
    CHECK(times.greeting_delay == 0s);
    CHECK(times.hook == 60s);
    CHECK(times.write == 120s);
    CHECK(times.finish == 300s);
    CHECK(times.without_message == 3600s);
    CHECK(times.output_stall == 120s);
    CHECK(times.least_octets_per_second == 500);
    CHECK(times.rate_window == 60s);
}

TEST_CASE("the default budgets", "[limits]") {
    error_budgets const budgets;
    CHECK(budgets.syntax == 10);
    CHECK(budgets.sequence == 20);
    CHECK(budgets.recipients_slow == 20);
    CHECK(budgets.recipients == 100);
    CHECK(budgets.auth == 5);
    CHECK(budgets.junk == 100);
}

}  // namespace test_limits
