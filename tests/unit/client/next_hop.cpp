#include <mailquay/client/next_hop.hpp>

#include "support/catch.hpp"

namespace test_next_hop {

using namespace mailquay;

TEST_CASE("hops are read from text", "[client][next_hop]") {
    CHECK(next_hop::parse("mx.example.org")->to_string() == "mx.example.org:25");
    CHECK(next_hop::parse("mx.example.org:587")->port == 587);
    CHECK(next_hop::parse("192.0.2.1:2525")->host == "192.0.2.1");
    CHECK(next_hop::parse("[2001:db8::1]:2525")->host == "2001:db8::1");
    CHECK(next_hop::parse("[2001:db8::1]:2525")->to_string() == "[2001:db8::1]:2525");
    CHECK(next_hop::parse("2001:db8::1")->port == 25);
    CHECK(next_hop::parse("unix:/run/lmtp")->unix_path == "/run/lmtp");
    CHECK(next_hop::parse("unix:/run/lmtp")->to_string() == "unix:/run/lmtp");
    for (auto const* const wrong : {"", ":25", "mx:", "mx:0", "mx:65536", "mx:x", "a b", "a@b", "unix:", "[mx]:25", "[::1", "[::1]25", "a:b:c",
                                    "mx\r\n.example"})
        CHECK_FALSE(next_hop::parse(wrong));
    CHECK_FALSE(next_hop::parse("unix:/" + std::string(108, 'x')));
}

TEST_CASE("what makes a connection another one makes another key", "[client][next_hop]") {
    next_hop const first{"mx.example.org", 25};
    CHECK(first.key() == next_hop("MX.example.ORG", 25).key());
    auto const differs = [&](auto change) {
        next_hop other = first;
        change(other);
        CHECK(other.key() != first.key());
    };
    differs([](next_hop& to) { to.port = 26; });
    differs([](next_hop& to) { to.addresses.push_back(*ip_endpoint::parse("192.0.2.1:25")); });
    differs([](next_hop& to) { to.settings.protocol = dialect::lmtp; });
    differs([](next_hop& to) { to.settings.tls = tls_use::required; });
    differs([](next_hop& to) { to.settings.verify = tls_verification::certificate; });
    differs([](next_hop& to) { to.settings.tls_name = "other"; });
    differs([](next_hop& to) { to.settings.tlsa.push_back({3, 1, 1, "x"}); });
    differs([](next_hop& to) { to.settings.name_is_secure = true; });
    differs([](next_hop& to) { to.settings.priority_field = false; });
    differs([](next_hop& to) { to.settings.xclient.emplace(); });
    differs([](next_hop& to) { to.settings.proxy.emplace(); });
    next_hop spoken = first;
    spoken.settings.proxy.emplace().facts.unique_id = "1";
    next_hop other = first;
    other.settings.proxy.emplace().facts.unique_id = "2";
    CHECK(spoken.key() != other.key());
    differs([](next_hop& to) { to.settings.limits.recipients = 1; });
    differs([](next_hop& to) { to.settings.limits.reply.octets = 1; });
    next_hop one_way = first, other_way = first;
    one_way.addresses = {*ip_endpoint::parse("192.0.2.1:25"), *ip_endpoint::parse("192.0.2.2:25")};
    other_way.addresses = {one_way.addresses[1], one_way.addresses[0]};
    CHECK(one_way.key() == other_way.key());
    next_hop named = first;
    named.pool_key = "mine";
    CHECK(named.key() == "mine");
}

}  // namespace test_next_hop
