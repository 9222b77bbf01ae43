#include <mailquay/server/message_under_way.hpp>

#include <mailquay/sink/discard.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"
#include "support/server_plugins.hpp"

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a message under way begins without octets, refusal or a last word asked for", "[server][connection]") {
    made_transaction made;
    auto const setup = make_test_setup(plugins{}.sink(sinks::discard{}));
    message_under_way one{*setup->asks, made.mail};
    CHECK(one.mail == &made.mail);
    CHECK(one.octets == 0);
    CHECK_FALSE(one.refused);
    CHECK(one.finishing == std::chrono::steady_clock::time_point{});
    CHECK(std::move(one.path.start()).value().accepts());
}
