#include <mailquay/session/extensions/xclient.hpp>

#include "support/catch.hpp"

namespace test_extension_xclient {

using namespace mailquay;

inline session_info client(std::string_view address, address_source from) {
    session_info made{ip_endpoint{*ip_address::parse("203.0.113.1"), 1}, {}};
    made.set_client({*ip_address::parse(address), 2}, from);
    return made;
}

TEST_CASE("XCLIENT is offered to trusted addresses, whoever told them, and to nobody unknown", "[extensions][xclient]") {
    extensions::xclient const offered{network_set{"192.0.2.0/24", "2001:db8::1"}};
    CHECK(offered.keyword() == "XCLIENT");
    CHECK(offered.announcement({}, {}) == "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME");
    for (auto const from : {address_source::socket, address_source::proxy, address_source::xclient, address_source::direct}) {
        CHECK(offered.offered(client("192.0.2.7", from)));
        CHECK(offered.offered(client("2001:db8::1", from)));
        CHECK_FALSE(offered.offered(client("198.51.100.7", from)));
    }
    for (auto const from : {address_source::local, address_source::health_check})
        CHECK_FALSE(offered.offered(client("192.0.2.7", from)));
    CHECK_FALSE(offered.offered(session_info{}));
    CHECK_FALSE(extensions::xclient{network_set{}}.offered(client("127.0.0.1", address_source::socket)));
}

}  // namespace test_extension_xclient
