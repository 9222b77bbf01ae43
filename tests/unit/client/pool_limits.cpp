#include <mailquay/client/pool_limits.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("every count of a pool has a bound", "[client][pool]") {
    pool_limits const limits;
    CHECK((limits.per_destination > 0 && limits.per_destination <= limits.total));
    CHECK(limits.waiting > 0);
    CHECK((limits.leaving > 0 && limits.leaving <= limits.total));
    CHECK(limits.idle < std::chrono::minutes{5});
    CHECK(limits.messages_per_connection > 0);
}
