#include <mailquay/base/network_set.hpp>

#include "support/catch.hpp"

#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using mailquay::ip_address;
using mailquay::ip_network;
using mailquay::network_set;

TEST_CASE("a set contains the addresses of its networks and no others", "[base][network_set]") {
    network_set const set{"192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32", "::1"};

    for (char const* text : {"192.0.2.0", "192.0.2.255", "10.0.0.0", "10.255.255.255", "::1",
                             "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.1.2.3"}) {
        INFO("address " << text);
        CHECK(set.contains(*ip_address::parse(text)));
    }
    for (char const* text : {"192.0.1.255", "192.0.3.0", "9.255.255.255", "11.0.0.0", "0.0.0.0", "255.255.255.255",
                             "::", "::2", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "::10.1.2.3"}) {
        INFO("address " << text);
        CHECK_FALSE(set.contains(*ip_address::parse(text)));
    }
    CHECK_FALSE(set.contains(ip_address{}));
}

TEST_CASE("an empty set contains nothing", "[base][network_set]") {
    network_set const set;

    CHECK(set.empty());
    CHECK_FALSE(set.contains(ip_address{}));
    CHECK_FALSE(set.contains(*ip_address::parse("127.0.0.1")));
    CHECK_FALSE(set.intersects(set));
    CHECK(network_set{std::vector<ip_network>{ip_network{}}}.empty());
}

TEST_CASE("overlapping and nested networks change nothing", "[base][network_set]") {
    network_set const set{"10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "10.200.0.0/30", "0.0.0.0/32"};

    CHECK(set.contains(*ip_address::parse("10.0.0.1")));
    CHECK(set.contains(*ip_address::parse("10.1.255.255")));
    CHECK(set.contains(*ip_address::parse("10.255.255.255")));
    CHECK(set.contains(*ip_address::parse("0.0.0.0")));
    CHECK_FALSE(set.contains(*ip_address::parse("0.0.0.1")));
    CHECK_FALSE(set.contains(*ip_address::parse("11.0.0.0")));
}

TEST_CASE("everything of one family can be in a set without the other", "[base][network_set]") {
    network_set const v4{"0.0.0.0/0"};
    network_set const v6{"::/0"};

    CHECK(v4.contains(*ip_address::parse("255.255.255.255")));
    CHECK_FALSE(v4.contains(*ip_address::parse("::")));
    CHECK(v6.contains(*ip_address::parse("ffff::")));
    CHECK_FALSE(v6.contains(*ip_address::parse("0.0.0.0")));
    CHECK_FALSE(v4.intersects(v6));
}

TEST_CASE("a text that is no network is named together with the cure", "[base][network_set]") {
    try {
        network_set const set{"10.0.0.0/8", "192.0.2.1/24"};
        FAIL("no exception");
    } catch (std::invalid_argument const& thrown) {
        std::string const message = thrown.what();
        CHECK(message.find("\"192.0.2.1/24\"") != std::string::npos);
        CHECK(message.find("192.0.2.0/24") != std::string::npos);
    }
}

TEST_CASE("networks can be added one by one, a bad one is refused", "[base][network_set]") {
    network_set set;

    REQUIRE(set.add("192.0.2.0/24"));
    set.add(*ip_network::parse("10.0.0.0/8"));
    auto const refused = set.add("192.0.2.0/99");

    REQUIRE_FALSE(refused);
    CHECK(refused.error() == mailquay::address_errc::bad_prefix);
    CHECK(set.contains(*ip_address::parse("192.0.2.1")));
    CHECK(set.contains(*ip_address::parse("10.0.0.1")));
    CHECK_FALSE(set.contains(*ip_address::parse("9.0.0.1")));
}

TEST_CASE("sets intersect when they share an address", "[base][network_set]") {
    network_set const a{"10.0.0.0/8", "2001:db8::/32"};

    CHECK(a.intersects(network_set{"10.20.30.40"}));
    CHECK(network_set{"10.20.30.40"}.intersects(a));
    CHECK(a.intersects(network_set{"0.0.0.0/0"}));
    CHECK(a.intersects(network_set{"192.0.2.1", "2001:db8:1::/48"}));
    CHECK_FALSE(a.intersects(network_set{"11.0.0.0/8", "9.0.0.0/8", "2001:db9::/32"}));
    CHECK_FALSE(a.intersects(network_set{}));
}

TEST_CASE("a set answers as asking each network would", "[base][network_set]") {
    std::mt19937 random{1519};
    auto random_address = [&random] {
        // Few distinct octets, so that networks overlap and addresses hit.
        auto octet = [&random] { return static_cast<std::uint8_t>(random() % 4 * 85); };
        if (random() % 2 == 0) return ip_address::from_v4({octet(), octet(), octet(), octet()});
        ip_address::v6_octets octets{};
        for (auto& o : octets) o = octet();
        return ip_address::from_v6(octets);
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<ip_network> networks;
        for (auto count = random() % 12; count > 0; --count) {
            ip_address const address = random_address();
            unsigned const prefix = static_cast<unsigned>(random()) % (address.bits() + 1);
            networks.push_back({address.masked(prefix), static_cast<std::uint8_t>(prefix)});
        }
        network_set const set{networks};
        network_set grown;
        for (ip_network const& network : networks) grown.add(network);
        for (int i = 0; i < 100; ++i) {
            ip_address const address = random_address();
            bool expected = false;
            for (ip_network const& network : networks) expected = expected || network.contains(address);
            if (set.contains(address) != expected || grown.contains(address) != expected) {
                FAIL("address " << address.to_string());
            }
        }
    }
}
