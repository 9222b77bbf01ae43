#include <mailquay/relay/destination.hpp>

#include "support/catch.hpp"

namespace test_destination {

using namespace mailquay;

TEST_CASE("a fixed route takes every address to one place", "[relay][destination]") {
    auto const route = route_to(delivery_way::lmtp, "unix:/run/lmtp");
    CHECK(*route("a@example.org") == destination{delivery_way::lmtp, "unix:/run/lmtp"});
    CHECK(*route("postmaster") == *route("b@example.com"));
}

TEST_CASE("by MX the domain is the destination, in the form in which domains are compared", "[relay][destination]") {
    auto const route = route_by_mx();
    CHECK(*route("a@Example.ORG") == destination{delivery_way::mx, "example.org"});
    CHECK(*route("\"a@b\"@example.org") == destination{delivery_way::mx, "example.org"});
    CHECK(*route("a@[192.0.2.1]") == destination{delivery_way::mx, "[192.0.2.1]"});
    CHECK(*route("a@b\xc3\xbc" "cher.example") == destination{delivery_way::mx, "xn--bcher-kva.example"});

    for (std::string_view const bad : {"postmaster", "", "a@", "@b", "a b@example.org"}) {
        auto const none = route(bad);
        REQUIRE_FALSE(none);
        CHECK(none.error().starts_with("550 5.1.3 "));
    }
}

}  // namespace test_destination
