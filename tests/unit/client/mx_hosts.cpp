#include <mailquay/client/mx_hosts.hpp>

#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <algorithm>
#include <set>

/// Where mail for a domain goes: RFC 5321 §5.1, RFC 7505, and what a hostile zone may try.
namespace test_mx_hosts {
using namespace mailquay;
using namespace mailquay_test;

struct zone {
    std::shared_ptr<testing::fake_resolver> dns = std::make_shared<testing::fake_resolver>();
    mx_settings settings{};
    asio::io_context io{};

    result<mx_route, mx_failure> find(std::string domain) { return run(io, mx_hosts{dns, settings}.find(std::move(domain))); }
    mx_route route(std::string domain) {
        auto found = find(std::move(domain));
        if (!found) INFO(found.error().text());
        REQUIRE(found);
        return *std::move(found);
    }
    std::string names(std::string domain) {
        std::string all;
        for (auto const& host : route(std::move(domain)).hosts) all += (all.empty() ? "" : " ") + host.name;
        return all;
    }
    std::string failure(std::string domain) {
        auto const found = find(std::move(domain));
        if (found) return "found";
        CHECK(found.error().temporary() == (found.error().status().front() == '4'));
        CHECK_FALSE(found.error().text().empty());
        return std::to_string(found.error().code()) + ' ' + std::string{found.error().status()};
    }
    void host(std::string_view name, std::string_view last = "1") {
        dns->a_is(name, {"198.51.100." + std::string{last}});
    }
};

TEST_CASE("hosts come in order of preference, whatever the order of the answer", "[mx]") {
    zone z;
    z.dns->mx_is("example.org", {{30, "c.example.org"}, {10, "A.example.org."}, {20, "b.example.org"}});
    for (auto const* name : {"a.example.org", "b.example.org", "c.example.org"}) z.host(name);
    auto const route = z.route("Example.ORG");
    CHECK(route.domain == "example.org");
    CHECK(route.by_mx);
    CHECK_FALSE(route.secure);
    REQUIRE(route.hosts.size() == 3);
    CHECK(route.hosts[0].name == "a.example.org");
    CHECK(route.hosts[0].preference == 10);
    CHECK(route.hosts[0].addresses.at(0).to_string() == "198.51.100.1");
    CHECK(route.hosts[2].name == "c.example.org");
}

TEST_CASE("equal preference: in random order", "[mx]") {
    zone z;
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {10, "b.example.org"}, {20, "c.example.org"}});
    for (auto const* name : {"a.example.org", "b.example.org", "c.example.org"}) z.host(name);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(z.names("example.org"));
    CHECK(seen == std::set<std::string>{"a.example.org b.example.org c.example.org", "b.example.org a.example.org c.example.org"});
}

TEST_CASE("without MX records the domain itself takes the mail", "[mx]") {
    zone z;
    z.dns->a_is("example.org", {"198.51.100.1"});
    z.dns->aaaa_is("example.org", {"2001:4860::1"});
    auto const route = z.route("example.org");
    CHECK_FALSE(route.by_mx);
    REQUIRE(route.hosts.size() == 1);
    CHECK(route.hosts[0].addresses.size() == 2);
    CHECK(route.hosts[0].addresses[0].is_v6());
}

TEST_CASE("what cannot be delivered has its status", "[mx]") {
    zone z;
    z.dns->mx_is("null.example", {{0, ""}});
    z.dns->mx_is("nulls.example", {{0, ""}, {10, "."}});
    z.dns->txt_is("textonly.example", {"x"});
    z.dns->fails("mx", "servfail.example", dns_errc::temporary);
    z.dns->fails("mx", "slow.example", dns_errc::timed_out);
    z.dns->mx_is("nohost.example", {{10, "gone.example"}});
    z.dns->mx_is("hostslow.example", {{10, "slowhost.example"}, {20, "gone.example"}});
    z.dns->fails("a", "slowhost.example", dns_errc::timed_out);
    CHECK(z.failure("gone.example") == "550 5.1.2");
    CHECK(z.failure("not a domain") == "550 5.1.2");
    CHECK(z.failure("") == "550 5.1.2");
    CHECK(z.failure("null.example") == "556 5.1.10");
    CHECK(z.failure("nulls.example") == "556 5.1.10");
    CHECK(z.failure("textonly.example") == "550 5.4.4");
    CHECK(z.failure("servfail.example") == "451 4.4.3");
    CHECK(z.failure("slow.example") == "451 4.4.3");
    CHECK(z.failure("nohost.example") == "550 5.4.4");
    CHECK(z.failure("hostslow.example") == "451 4.4.3");
}

TEST_CASE("a null MX beside others is none", "[mx]") {
    zone z;
    z.dns->mx_is("example.org", {{0, ""}, {10, "a.example.org"}});
    z.host("a.example.org");
    CHECK(z.names("example.org") == "a.example.org");
}

TEST_CASE("a host that cannot be found is passed over", "[mx]") {
    zone z;
    z.dns->mx_is("example.org", {{10, "gone.example.org"}, {20, "slow.example.org"}, {30, "c.example.org"}});
    z.dns->fails("a", "slow.example.org", dns_errc::temporary);
    z.host("c.example.org");
    CHECK(z.names("example.org") == "c.example.org");
}

TEST_CASE("own names and addresses cut off equal and worse preferences", "[mx][loop]") {
    zone z;
    z.settings.own_names = {"Backup.example.org"};
    z.settings.own_addresses = {*ip_address::parse("198.51.100.99")};
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {20, "backup.example.org"}, {20, "b.example.org"}, {30, "c.example.org"}});
    for (auto const* name : {"a.example.org", "b.example.org", "c.example.org", "backup.example.org"}) z.host(name);
    CHECK(z.names("example.org") == "a.example.org");

    z.dns->mx_is("byaddress.example", {{10, "a.example.org"}, {20, "other.example"}, {30, "c.example.org"}});
    z.host("other.example", "99");
    CHECK(z.names("byaddress.example") == "a.example.org");

    z.dns->mx_is("first.example", {{10, "backup.example.org"}, {20, "a.example.org"}});
    CHECK(z.failure("first.example") == "554 5.4.6");
    z.dns->mx_is("firstbyaddress.example", {{10, "other.example"}});
    CHECK(z.failure("firstbyaddress.example") == "554 5.4.6");
    z.host("backup.example.org", "5");  // without MX, the name is ours
    CHECK(z.failure("backup.example.org") == "554 5.4.6");
}

TEST_CASE("a backup whose primary cannot be looked up now waits", "[mx][loop]") {
    zone z;
    z.settings.own_names = {"backup.example.org"};
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {20, "backup.example.org"}});
    z.dns->fails("a", "a.example.org", dns_errc::timed_out);
    CHECK(z.failure("example.org") == "451 4.4.3");
    z.dns->fails("a", "a.example.org", dns_errc::no_data);
    CHECK(z.failure("example.org") == "554 5.4.6");
}

TEST_CASE("addresses that nobody else's DNS should lead to are skipped", "[mx][private]") {
    zone z;
    z.dns->mx_is("example.org", {{10, "evil.example.org"}, {20, "good.example.org"}});
    z.dns->a_is("evil.example.org", {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.1.2.3", "224.0.0.1", "255.255.255.255", "100.64.0.1", "192.0.0.8", "198.18.0.1"});
    z.dns->aaaa_is("evil.example.org", {"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1", "::10.0.0.1", "::198.51.100.1", "fec0::1"});
    z.host("good.example.org");
    CHECK(z.names("example.org") == "good.example.org");
    z.dns->mx_is("example.net", {{10, "evil.example.org"}});
    CHECK(z.failure("example.net") == "550 5.4.4");
    z.dns->a_is("local.example", {"127.0.0.1"});
    CHECK(z.failure("local.example") == "550 5.4.4");
    z.settings.allow_private = true;
    CHECK(z.names("example.net") == "evil.example.org");
}

TEST_CASE("addresses that a gateway turns into public IPv4 are public", "[mx][private]") {
    for (auto const* const address : {"64:ff9b::198.51.100.1", "2002:c633:6401::1", "2001:db8::1"}) {
        zone z;
        z.dns->mx_is("example.org", {{10, "a.example.org"}});
        z.dns->aaaa_is("a.example.org", {address});
        INFO(address);
        CHECK(z.names("example.org") == "a.example.org");
    }
}

TEST_CASE("at most five addresses, two of each host before any third, families in turn", "[mx][addresses]") {
    zone z;
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {20, "b.example.org"}});
    z.dns->a_is("a.example.org", {"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"});
    z.dns->aaaa_is("a.example.org", {"2001:4860::1", "2001:4860::2"});
    z.host("b.example.org");
    auto const alone = z.route("example.org");  // enough addresses: the worse host is not looked up
    REQUIRE(alone.hosts.size() == 1);
    REQUIRE(alone.hosts[0].addresses.size() == 5);
    CHECK(alone.hosts[0].addresses[0].is_v6());
    CHECK(alone.hosts[0].addresses[1].is_v4());
    CHECK(alone.hosts[0].addresses[2].is_v6());
    CHECK(alone.hosts[0].addresses[3].is_v4());

    z.dns->mx_is("equal.example", {{10, "a.example.org"}, {10, "b.example.org"}});
    for (int i = 0; i < 20; ++i) {
        auto const both = z.route("equal.example");
        REQUIRE(both.hosts.size() == 2);
        CHECK(both.hosts[0].addresses.size() + both.hosts[1].addresses.size() == 5);
    }
    z.settings.addresses = 3;
    for (int i = 0; i < 20; ++i) CHECK(z.route("equal.example").hosts.size() == 2);
    z.settings.ipv6 = false;
    auto const only_v4 = z.route("example.org");
    for (auto const& address : only_v4.hosts.at(0).addresses) CHECK(address.is_v4());
}

TEST_CASE("a zone with any number of hosts costs a bounded number of look-ups", "[mx][addresses]") {
    zone z;
    std::vector<mx_record> many;
    for (std::uint16_t i = 0; i < 500; ++i) many.push_back({i, "h" + std::to_string(i) + ".example"});
    z.dns->mx_is("example.org", many);
    CHECK(z.failure("example.org") == "550 5.4.4");
    CHECK(z.dns->asked().size() == 1 + 2 * 20);
}

TEST_CASE("look-ups that take long end", "[mx][time]") {
    zone z;
    std::vector<mx_record> many;
    for (std::uint16_t i = 0; i < 20; ++i) many.push_back({i, "h" + std::to_string(i) + ".example"});
    z.dns->mx_is("example.org", many);
    z.dns->takes(std::chrono::milliseconds{30});
    z.settings.patience = std::chrono::milliseconds{100};
    CHECK(z.failure("example.org") == "451 4.4.3");
    CHECK(z.dns->asked().size() < 12);
}

TEST_CASE("a look-up that is cancelled asks nothing more", "[mx][time]") {
    zone z;
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {20, "b.example.org"}});
    z.dns->fails("aaaa", "a.example.org", dns_errc::cancelled);
    z.host("b.example.org");
    CHECK(z.failure("example.org") == "451 4.4.3");
    CHECK(z.dns->asked().size() == 2);
}

TEST_CASE("address literals stand for themselves", "[mx][literal]") {
    zone z;
    auto const v4 = z.route("[192.0.2.25]");
    CHECK(v4.hosts.at(0).addresses.at(0).to_string() == "192.0.2.25");
    CHECK(v4.hosts.at(0).name == "[192.0.2.25]");
    CHECK(hop_to(v4, v4.hosts.at(0)).host == "192.0.2.25");
    CHECK(z.route("[IPv6:2001:db8::1]").hosts.at(0).addresses.at(0).to_string() == "2001:db8::1");
    CHECK(z.route("[10.0.0.1]").hosts.at(0).addresses.at(0).to_string() == "10.0.0.1");
    CHECK(z.dns->asked().empty());
    CHECK(z.failure("[192.0.2.256]") == "501 5.1.3");
    CHECK(z.failure("[192.0.2.1]x") == "501 5.1.3");
    CHECK(z.failure("[127.0.0.1]") == "554 5.4.6");
    z.settings.own_addresses = {*ip_address::parse("192.0.2.25")};
    CHECK(z.failure("[192.0.2.25]") == "554 5.4.6");
    z.settings.allow_private = true;
    CHECK(z.route("[127.0.0.1]").hosts.size() == 1);
}

TEST_CASE("a domain in UTF-8 is asked for as A-labels", "[mx][idna]") {
    zone z;
    z.dns->mx_is("xn--mller-kva.example", {{10, "a.example.org"}});
    z.host("a.example.org");
    CHECK(z.route("M\xc3\xbcller.example").domain == "xn--mller-kva.example");
}

TEST_CASE("DNSSEC state is that of hosts and of each host's addresses", "[mx][dnssec]") {
    zone z;
    z.host("plain.example.org");
    z.dns->authenticated(true);
    z.dns->mx_is("example.org", {{10, "a.example.org"}, {20, "plain.example.org"}, {30, "alias.example.org"}});
    z.host("a.example.org");
    z.host("real.example.org");
    z.dns->alias_is("alias.example.org", "real.example.org");
    auto const route = z.route("example.org");
    CHECK(route.secure);
    REQUIRE(route.hosts.size() == 3);
    CHECK(route.hosts[0].secure);
    CHECK_FALSE(route.hosts[1].secure);
    CHECK(route.hosts[2].secure);
    CHECK(route.hosts[2].canonical == "real.example.org");
    CHECK(route.hosts[2].name == "alias.example.org");
    CHECK(z.route("a.example.org").secure);  // that there is no MX is validated, too
    next_hop const hop = hop_to(route, route.hosts[0], 2525);
    CHECK(hop.host == "a.example.org");
    CHECK(hop.addresses.at(0).to_string() == "198.51.100.1:2525");
    CHECK(hop.settings.name_is_secure);
    CHECK(hop.settings.refuse_own_name);
    CHECK_FALSE(hop_to(route, route.hosts[1]).settings.name_is_secure);
}

TEST_CASE("domains with the same hosts in the same order have the same key", "[mx][key]") {
    zone z;
    for (auto const* name : {"a.example.org", "b.example.org"}) z.host(name);
    z.dns->mx_is("one.example", {{10, "a.example.org"}, {20, "b.example.org"}});
    z.dns->mx_is("two.example", {{7, "B.example.org"}, {5, "a.example.org."}});
    z.dns->mx_is("three.example", {{10, "a.example.org"}, {10, "b.example.org"}});
    CHECK(z.route("one.example").key == z.route("two.example").key);
    CHECK(z.route("one.example").key != z.route("three.example").key);
    CHECK(z.route("a.example.org").key != z.route("b.example.org").key);
}

TEST_CASE("the key is the same each time, however many hosts there are", "[mx][key]") {
    zone z;
    std::vector<mx_record> many;
    for (std::uint16_t i = 0; i < 50; ++i) {
        many.push_back({10, "h" + std::to_string(i) + ".example"});
        z.host("h" + std::to_string(i) + ".example");
    }
    z.dns->mx_is("example.org", many);
    z.settings.hosts = 5;
    std::set<std::string> keys;
    for (int i = 0; i < 10; ++i) keys.insert(z.route("example.org").key);
    CHECK(keys.size() == 1);
}

TEST_CASE("wrong settings of an MX look-up are named at the start", "[mx][settings]") {
    auto const dns = std::make_shared<testing::fake_resolver>();
    auto const with = [&dns](auto change) {
        mx_settings settings;
        change(settings);
        return mx_hosts{dns, settings};
    };
    CHECK_THROWS_AS(mx_hosts{nullptr}, std::invalid_argument);
    CHECK_THROWS_AS(with([](mx_settings& s) { s.addresses = 0; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](mx_settings& s) { s.hosts = 0; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](mx_settings& s) { s.ipv4 = s.ipv6 = false; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](mx_settings& s) { s.patience = {}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](mx_settings& s) { s.own_names = {""}; }), std::invalid_argument);
}

}  // namespace test_mx_hosts
