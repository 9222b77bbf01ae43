#include <mailquay/protocol/address_literal.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

namespace test_address_literal {

std::string taken(std::string_view text) {
    cursor in{text};
    auto const address = address_literal(in);
    if (!address) {
        CHECK(in.position() == 0);
        return address.error().code == protocol_errc::unsupported_literal ? "unsupported" : "bad";
    }
    CHECK(in.position() == text.find(']') + 1);
    std::string out;
    append_address_literal(out, *address);
    return out;
}

}  // namespace test_address_literal

namespace test_address_literal {

TEST_CASE("Address literals of IPv4 and IPv6 are read", "[protocol][address-literal]") {
    CHECK(taken("[192.0.2.1]") == "[192.0.2.1]");
    CHECK(taken("[192.0.2.1]>") == "[192.0.2.1]");
    CHECK(taken("[0.0.0.0]") == "[0.0.0.0]");
    CHECK(taken("[IPv6:2001:DB8:0::1]") == "[IPv6:2001:db8::1]");
    CHECK(taken("[ipv6:::]") == "[IPv6:::]");
    CHECK(taken("[IPv6:::ffff:192.0.2.1]") == "[IPv6:::ffff:192.0.2.1]");
    CHECK(taken("[IPv6:1:2:3:4:5:6:7:8]") == "[IPv6:1:2:3:4:5:6:7:8]");
}

TEST_CASE("What is no address literal is refused", "[protocol][address-literal]") {
    for (auto text : {"",
                      "[",
                      "[]",
                      "192.0.2.1",
                      "[192.0.2.256]",
                      "[192.0.2]",
                      "[192.0.2.1",
                      "[192.0.2.1.1]",
                      "[ 192.0.2.1]",
                      "[192.0.2.01]",
                      "[2001:db8::1]",
                      "[::1]",
                      "[IPv6:192.0.2.1]",
                      "[IPv6:]",
                      "[IPv6:1::2::3]",
                      "[IPv6:12345::]",
                      "[IPv6:fe80::1%eth0]",
                      "[IPv6:1:2:3:4:5:6:7:8:9]",
                      "[IPv6:g::]",
                      "[-1.0.0.1]"}) {
        INFO(text);
        CHECK(taken(text) == "bad");
    }
    CHECK(taken("[x-tag:data]") == "unsupported");
    CHECK(taken("[IPv7:1]") == "unsupported");
}

TEST_CASE("A domain or an address literal is taken as it stands", "[protocol][address-literal]") {
    auto both = [](std::string_view text) {
        cursor in{text};
        auto const host = domain_or_literal(in);
        return host ? std::string{*host} : std::string{"refused"};
    };
    CHECK(both("Example.org>") == "Example.org");
    CHECK(both("[IPv6:0:0::1]>") == "[IPv6:0:0::1]");
    CHECK(both("[1.2.3]") == "refused");
    CHECK(both(".") == "refused");
}

}  // namespace test_address_literal
