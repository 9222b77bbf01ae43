#include <mailquay/base/ip_address.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <arpa/inet.h>

using mailquay::address_errc;
using mailquay::ip_address;
using mailquay::ip_endpoint;
using mailquay::ip_network;

namespace test_ip_address {

ip_address at(std::string_view text) {
    auto const parsed = ip_address::parse(text);
    INFO("address " << text);
    REQUIRE(parsed);
    return *parsed;
}

/// What the C library makes of `text`.
std::optional<ip_address> by_inet_pton(std::string const& text) {
    std::array<std::uint8_t, 16> octets{};
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) {
        return ip_address::from_v4({octets[0], octets[1], octets[2], octets[3]});
    }
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return ip_address::from_v6(octets);
    return std::nullopt;
}

}  // namespace test_ip_address

using test_ip_address::at;

TEST_CASE("an address is written in its canonical form", "[base][ip_address]") {
    struct {
        std::string_view text, canonical;
    } const cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.10", "192.0.2.10"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:0db8::0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one zero group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equal runs
        {"1:0:0:4:5:0:0:0", "1:0:0:4:5::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::FFFF:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"fe80:0:0:0:0:0:0:0", "fe80::"},
    };
    for (auto const& [text, canonical] : cases) {
        CHECK(at(text).to_string() == canonical);
        CHECK(at(at(text).to_string()) == at(text));
    }
    CHECK(ip_address{}.to_string() == "none");
}

TEST_CASE("each octet of a dotted quad is written in decimal", "[ip_address]") {
    for (unsigned i = 0; i < 256; ++i) {
        auto const octet = static_cast<std::uint8_t>(i), other = static_cast<std::uint8_t>(255 - i);
        auto const expected = std::to_string(i) + '.' + std::to_string(255 - i) + ".0." + std::to_string(i);
        CHECK(ip_address::from_v4({octet, other, 0, octet}).to_string() == expected);
    }
}

TEST_CASE("what is no address is not read as one", "[base][ip_address]") {
    for (char const* text : {"",
                             " ",
                             "1",
                             "1.2.3",
                             "1.2.3.",
                             ".1.2.3.4",
                             "1.2.3.4.",
                             "1.2.3.4.5",
                             "1..2.3",
                             "256.1.1.1",
                             "1.2.3.256",
                             "01.2.3.4",
                             "1.2.3.00",
                             "0x1.2.3.4",
                             "1.2.3.4 ",
                             " 1.2.3.4",
                             "1.2.3.-4",
                             "+1.2.3.4",
                             "1.2.3.0004",
                             ":",
                             ":::",
                             "1:",
                             ":1",
                             "1:2",
                             "1:2:3:4:5:6:7",
                             "1:2:3:4:5:6:7:",
                             ":1:2:3:4:5:6:7:8",
                             "1:2:3:4:5:6:7:8:",
                             "1:2:3:4:5:6:7:8:9",
                             "1::2::3",
                             "1:2:3:4:5:6:7:8::",
                             "::1:2:3:4:5:6:7:8",
                             "12345::",
                             "::12345",
                             "::g",
                             "fe80::1%eth0",
                             "[::1]",
                             "::1 ",
                             " ::1",
                             "::1/64",
                             "1.2.3.4::",
                             "::1.2.3",
                             "::1.2.3.4.5",
                             "::1.2.3.4:5",
                             "::01.2.3.4",
                             "::256.1.1.1",
                             "1:2:3:4:5:6:7:1.2.3.4",
                             "::ffff:1.2.3.4:",
                             "IPv6:::1",
                             "localhost",
                             "1:2:3:4:5:6:7.8.9.10.11",
                             "::1:",
                             "::0x1"}) {
        INFO("text \"" << text << '"');
        CHECK_FALSE(ip_address::parse(text));
    }
    CHECK_FALSE(ip_address::parse(std::string_view{"1.2.3.4\0", 8}));
    CHECK_FALSE(ip_address::parse(std::string_view{"::1\0", 4}));
}

TEST_CASE("reading and writing agree with the C library on texts mutated at random", "[base][ip_address]") {
    std::vector<std::string> const seeds{"192.0.2.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "2001:db8::1:0:0:1",
                                         "1:2:3:4:5:6:7:8",
                                         "::ffff:1.2.3.4",
                                         "fe80::1:2:3:4",
                                         "1:2:3:4:5:6:10.20.30.40"};
    std::string_view const alphabet = "0123456789abcdefABF::::...  x%/";
    std::mt19937 random{4291};
    std::size_t valid = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text = seeds[random() % seeds.size()];
        for (auto edits = random() % 4; edits > 0; --edits) {
            char const c = alphabet[random() % alphabet.size()];
            auto const where = static_cast<std::ptrdiff_t>(random() % (text.size() + 1));
            switch (random() % 3) {
                case 0: text.insert(text.begin() + where, c); break;
                case 1:
                    if (!text.empty()) text.erase(static_cast<std::size_t>(where) % text.size(), 1);
                    break;
                default:
                    if (!text.empty()) text[static_cast<std::size_t>(where) % text.size()] = c;
            }
        }
        auto const ours = ip_address::parse(text);
        auto const theirs = test_ip_address::by_inet_pton(text);
        if (ours != theirs) FAIL("text \"" << text << '"');
        if (!ours) continue;
        ++valid;
        if (ip_address::parse(ours->to_string()) != ours) FAIL("does not come back: " << text);
    }
    CHECK(valid > 10'000);
}

TEST_CASE("the octets of an address are in network order", "[base][ip_address]") {
    auto const v4 = ip_address::from_v4({192, 0, 2, 1});
    auto const v6 = at("2001:db8::1");

    CHECK(v4 == at("192.0.2.1"));
    REQUIRE(v4.bytes().size() == 4);
    CHECK(v4.bytes()[0] == 192);
    CHECK(v4.bytes()[3] == 1);
    REQUIRE(v6.bytes().size() == 16);
    CHECK(v6.bytes()[0] == 0x20);
    CHECK(v6.bytes()[15] == 1);
    CHECK(ip_address{}.bytes().empty());
    CHECK(v4.bits() == 32);
    CHECK(v6.bits() == 128);
    CHECK(ip_address{}.bits() == 0);
}

TEST_CASE("an address knows its kind", "[base][ip_address]") {
    CHECK(ip_address{}.is_none());
    CHECK(at("1.2.3.4").is_v4());
    CHECK_FALSE(at("1.2.3.4").is_v6());
    CHECK(at("::1.2.3.4").is_v6());
    CHECK_FALSE(at("::").is_none());
    CHECK(at("0.0.0.0") != at("::"));
    CHECK(at("0.0.0.0") != ip_address{});
}

TEST_CASE("special addresses are told at the edges of their ranges", "[base][ip_address]") {
    using question = bool (ip_address::*)() const noexcept;
    auto holds = [](question q, std::initializer_list<char const*> in, std::initializer_list<char const*> out) {
        for (char const* text : in) {
            INFO("address " << text);
            CHECK((at(text).*q)());
        }
        for (char const* text : out) {
            INFO("address " << text);
            CHECK_FALSE((at(text).*q)());
        }
        CHECK_FALSE((ip_address{}.*q)());
    };

    holds(&ip_address::is_loopback, {"127.0.0.0", "127.255.255.255", "::1", "::ffff:127.0.0.1"},
          {"126.255.255.255", "128.0.0.0", "::", "::2", "::127.0.0.1", "::ffff:0.0.0.1"});
    holds(&ip_address::is_private,
          {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
           "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.0.0.1"},
          {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.64.0.1",
           "fbff::", "fe00::", "127.0.0.1", "::1", "::a00:1"});
    holds(&ip_address::is_link_local, {"169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::", "::ffff:169.254.1.1"},
          {"169.253.255.255", "169.255.0.0", "fe7f:ffff::", "fec0::"});
    holds(&ip_address::is_multicast, {"224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "::ffff:224.0.0.1"},
          {"223.255.255.255", "240.0.0.0", "feff::", "255.255.255.255"});
    holds(&ip_address::is_unspecified, {"0.0.0.0", "::", "::ffff:0.0.0.0"}, {"0.0.0.1", "::1", "1::"});
    holds(&ip_address::is_v4_mapped, {"::ffff:0.0.0.0", "::ffff:255.255.255.255"},
          {"::fffe:1.2.3.4", "::1.2.3.4", "1::ffff:1.2.3.4", "1.2.3.4", "64:ff9b::1.2.3.4"});
}

TEST_CASE("an IPv4 address comes out of its mapped form", "[base][ip_address]") {
    CHECK(at("::ffff:192.0.2.1").unmapped() == at("192.0.2.1"));
    CHECK(at("::192.0.2.1").unmapped() == at("::192.0.2.1"));
    CHECK(at("192.0.2.1").unmapped() == at("192.0.2.1"));
    CHECK(ip_address{}.unmapped() == ip_address{});
}

TEST_CASE("masking keeps the prefix and clears the rest", "[base][ip_address]") {
    CHECK(at("255.255.255.255").masked(0) == at("0.0.0.0"));
    CHECK(at("255.255.255.255").masked(1) == at("128.0.0.0"));
    CHECK(at("255.255.255.255").masked(9) == at("255.128.0.0"));
    CHECK(at("192.0.2.129").masked(24) == at("192.0.2.0"));
    CHECK(at("192.0.2.129").masked(25) == at("192.0.2.128"));
    CHECK(at("192.0.2.129").masked(32) == at("192.0.2.129"));
    CHECK(at("192.0.2.129").masked(200) == at("192.0.2.129"));
    CHECK(at("2001:db8:1:2:3:4:5:6").masked(64) == at("2001:db8:1:2::"));
    CHECK(at("ffff::").masked(13) == at("fff8::"));
    CHECK(at("::1").masked(127) == at("::"));
    CHECK(at("::1").masked(128) == at("::1"));
    CHECK(ip_address{}.masked(8) == ip_address{});
}

TEST_CASE("addresses are ordered: none, IPv4, IPv6, each by their octets", "[base][ip_address]") {
    std::vector<ip_address> const ordered{ip_address{},    at("0.0.0.0"), at("9.255.255.255"), at("10.0.0.0"),
                                          at("255.0.0.0"), at("::"),      at("::1"),           at("ff::")};
    CHECK(std::is_sorted(ordered.begin(), ordered.end()));
    CHECK(std::adjacent_find(ordered.begin(), ordered.end()) == ordered.end());
}

TEST_CASE("addresses can be kept in a hash table", "[base][ip_address]") {
    std::unordered_set<ip_address> known;
    std::unordered_set<std::size_t> hashes;
    for (std::uint8_t a = 0; a < 250; ++a) {
        for (std::uint8_t b = 0; b < 8; ++b) {
            auto const address = ip_address::from_v4({10, 0, a, b});
            known.insert(address);
            hashes.insert(std::hash<ip_address>{}(address));
        }
    }

    CHECK(known.size() == 2000);
    CHECK(hashes.size() > 1990);
    CHECK(known.contains(at("10.0.249.7")));
    CHECK_FALSE(known.contains(at("::ffff:10.0.249.7")));
}

TEST_CASE("a network is read with and without a prefix", "[base][ip_address]") {
    CHECK(ip_network::parse("192.0.2.0/24")->to_string() == "192.0.2.0/24");
    CHECK(ip_network::parse("192.0.2.7")->to_string() == "192.0.2.7/32");
    CHECK(ip_network::parse("::1")->to_string() == "::1/128");
    CHECK(ip_network::parse("2001:DB8::/32")->to_string() == "2001:db8::/32");
    CHECK(ip_network::parse("0.0.0.0/0")->to_string() == "0.0.0.0/0");
    CHECK(ip_network::parse("::/0")->to_string() == "::/0");
    CHECK(ip_network::parse("::ffff:10.0.0.0/104")->to_string() == "10.0.0.0/8");
}

TEST_CASE("a text that is no network is refused with a message that names the cure", "[base][ip_address]") {
    struct {
        std::string_view text;
        address_errc error;
    } const cases[] = {
        {"", address_errc::bad_address},
        {"/8", address_errc::bad_address},
        {"10/8", address_errc::bad_address},
        {"mail.example.org", address_errc::bad_address},
        {"10.0.0.0/", address_errc::bad_prefix},
        {"10.0.0.0/33", address_errc::bad_prefix},
        {"10.0.0.0/08", address_errc::bad_prefix},
        {"10.0.0.0/-1", address_errc::bad_prefix},
        {"10.0.0.0/8/8", address_errc::bad_prefix},
        {"10.0.0.0/255.0.0.0", address_errc::bad_prefix},
        {"10.0.0.0/264", address_errc::bad_prefix},
        {"::/129", address_errc::bad_prefix},
        {"192.0.2.1/24", address_errc::host_bits_set},
        {"2001:db8::1/32", address_errc::host_bits_set},
        {"0.0.0.1/0", address_errc::host_bits_set},
    };
    for (auto const& [text, error] : cases) {
        INFO("text \"" << text << '"');
        auto const network = ip_network::parse(text);
        REQUIRE_FALSE(network);
        CHECK(network.error() == error);
    }
    CHECK(ip_network::parse("192.0.2.1/24").error().message().find("192.0.2.0/24") != std::string::npos);
    CHECK(mailquay::address_category().name() == std::string_view{"mailquay.address"});
}

TEST_CASE("a network contains the addresses that share its prefix", "[base][ip_address]") {
    auto const network = *ip_network::parse("192.0.2.64/26");

    CHECK(network.contains(at("192.0.2.64")));
    CHECK(network.contains(at("192.0.2.127")));
    CHECK(network.contains(at("::ffff:192.0.2.100")));
    CHECK_FALSE(network.contains(at("192.0.2.63")));
    CHECK_FALSE(network.contains(at("192.0.2.128")));
    CHECK_FALSE(network.contains(at("c000:240::")));
    CHECK_FALSE(network.contains(ip_address{}));
    CHECK(ip_network::parse("::/0")->contains(at("ffff::")));
    CHECK_FALSE(ip_network::parse("::/0")->contains(at("192.0.2.1")));
    CHECK_FALSE(ip_network::parse("0.0.0.0/0")->contains(at("::")));
    CHECK_FALSE(ip_network{}.contains(ip_address{}));
    CHECK_FALSE(ip_network{}.contains(at("0.0.0.0")));
    CHECK(ip_network{at("::ffff:10.0.0.0"), 104}.contains(at("10.1.2.3")));
}

TEST_CASE("an endpoint is read and written with brackets around IPv6", "[base][ip_address]") {
    for (std::string_view text : {"1.2.3.4:25", "[::1]:25", "0.0.0.0:0", "[2001:db8::1]:65535"}) {
        auto const endpoint = ip_endpoint::parse(text);
        REQUIRE(endpoint);
        CHECK(endpoint->to_string() == text);
    }
    CHECK(ip_endpoint{}.to_string() == "none:0");
    CHECK(ip_endpoint::parse("127.0.0.1:2525")->port == 2525);
    std::string text = "client=";
    ip_endpoint{at("::1"), 25}.append_to(text);
    CHECK(text == "client=[::1]:25");
}

TEST_CASE("a text that is no endpoint is refused with the reason", "[base][ip_address]") {
    struct {
        std::string_view text;
        address_errc error;
    } const cases[] = {
        {"", address_errc::bad_address},
        {":25", address_errc::bad_address},
        {"localhost:25", address_errc::bad_address},
        {"::1:25", address_errc::bad_address},
        {"[::1:25", address_errc::bad_address},
        {"[1.2.3.4]:25", address_errc::bad_address},
        {"[]:25", address_errc::bad_address},
        {"1.2.3.4", address_errc::bad_port},
        {"1.2.3.4:", address_errc::bad_port},
        {"1.2.3.4:65536", address_errc::bad_port},
        {"1.2.3.4:2x", address_errc::bad_port},
        {"[::1]", address_errc::bad_port},
        {"[::1]25", address_errc::bad_port},
        {"[::1]:", address_errc::bad_port},
        {"1.2.3.4:25:25", address_errc::bad_port},
    };
    for (auto const& [text, error] : cases) {
        INFO("text \"" << text << '"');
        auto const endpoint = ip_endpoint::parse(text);
        REQUIRE_FALSE(endpoint);
        CHECK(endpoint.error() == error);
    }
}
