#include <mailquay/session/extensions/xforward.hpp>

#include "support/catch.hpp"

namespace test_extension_xforward {

using namespace mailquay;

TEST_CASE("XFORWARD is offered to trusted addresses alone", "[extensions][xforward]") {
    extensions::xforward const offered{network_set{"192.0.2.0/24"}};
    CHECK(offered.keyword() == "XFORWARD");
    CHECK(offered.announcement({}, {}) == "NAME ADDR PORT PROTO HELO IDENT SOURCE");
    session_info client{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}};
    CHECK(offered.offered(client));
    client.set_client(client.client(), address_source::local);
    CHECK_FALSE(offered.offered(client));
    client.set_client({*ip_address::parse("198.51.100.7"), 1}, address_source::proxy);
    CHECK_FALSE(offered.offered(client));
}

}  // namespace test_extension_xforward
