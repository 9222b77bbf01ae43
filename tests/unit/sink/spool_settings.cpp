#include <mailquay/sink/spool_settings.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("a spool has bounds without being told", "[sink][spool][settings]") {
    sinks::spool_settings const usual;
    CHECK(usual.max_octets > 0);
    CHECK(usual.max_messages > 0);
    CHECK(usual.waiting_octets >= usual.memory_octets);
    CHECK(usual.segment_octets > usual.memory_octets);
    CHECK(usual.free_octets >= 64 * 1024 * 1024);
    CHECK_FALSE(usual.known_clients.has_value());
}
