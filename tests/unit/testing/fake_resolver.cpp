#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

/// A resolver for tests says what it was told to say.
namespace test_fake_resolver {
using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a fake resolver answers at once what it was told", "[fake_resolver]") {
    testing::fake_resolver dns;
    dns.mx_is("Example.org", {{10, "mx.example.org"}});
    dns.a_is("mx.example.org", {"192.0.2.1", "192.0.2.2"});
    dns.aaaa_is("mx.example.org", {"2001:db8::1"});
    dns.txt_is("example.org", {"v=spf1 -all"});
    dns.ptr_is("192.0.2.1", {"mx.example.org"});
    dns.tlsa_is("_25._tcp.mx.example.org", {{3, 1, 1, "digest"}});

    auto mx = dns.mx("example.ORG.");
    REQUIRE(mx.ready());
    CHECK(std::move(mx).value().value().records.at(0).exchange == "mx.example.org");
    CHECK(std::move(dns.a("mx.example.org")).value().value().records.size() == 2);
    CHECK(std::move(dns.aaaa("mx.example.org")).value().value().records.at(0).to_string() == "2001:db8::1");
    CHECK(std::move(dns.txt("example.org")).value().value().records.at(0) == "v=spf1 -all");
    CHECK(std::move(dns.ptr(*ip_address::parse("192.0.2.1"))).value().value().records.at(0) == "mx.example.org");
    CHECK(std::move(dns.tlsa("_25._tcp.mx.example.org")).value().value().records.at(0).data == "digest");
    CHECK(dns.asked() == std::vector<std::string>{"mx example.org", "a mx.example.org", "aaaa mx.example.org", "txt example.org", "ptr 192.0.2.1",
                                                  "tlsa _25._tcp.mx.example.org"});
    dns.forget_asked();
    CHECK(dns.asked().empty());
}

TEST_CASE("a fake resolver knows no name from one without such records", "[fake_resolver]") {
    testing::fake_resolver dns;
    dns.a_is("here.example", {"192.0.2.1"});
    dns.mx_is("empty.example", {});
    CHECK(std::move(dns.mx("here.example")).value().error() == dns_errc::no_data);
    CHECK(std::move(dns.mx("empty.example")).value().error() == dns_errc::no_data);
    CHECK(std::move(dns.mx("gone.example")).value().error() == dns_errc::no_such_name);
}

TEST_CASE("a fake resolver fails, follows aliases, and is authenticated where it is told to", "[fake_resolver]") {
    testing::fake_resolver dns;
    dns.fails("a", "slow.example", dns_errc::timed_out);
    dns.alias_is("plain.example", "mx.example");
    dns.authenticated(true);
    dns.ttl(std::chrono::seconds{60});
    dns.a_is("mx.example", {"192.0.2.1"});
    dns.alias_is("signed.example", "mx.example");
    dns.alias_is("loop.example", "loop.example");

    CHECK(std::move(dns.a("slow.example")).value().error() == dns_errc::timed_out);
    auto const direct = std::move(dns.a("mx.example")).value().value();
    CHECK(direct.authenticated);
    CHECK(direct.ttl == std::chrono::seconds{60});
    CHECK(direct.name.empty());
    auto const by_alias = std::move(dns.a("signed.example")).value().value();
    CHECK(by_alias.authenticated);
    CHECK(by_alias.name == "mx.example");
    CHECK_FALSE(std::move(dns.a("plain.example")).value().value().authenticated);
    CHECK(std::move(dns.a("loop.example")).value().error() == dns_errc::temporary);
    CHECK_THROWS_AS(dns.fails("soa", "x", dns_errc::temporary), std::invalid_argument);
    CHECK_THROWS_AS(dns.a_is("x", {"2001:db8::1"}), std::invalid_argument);
    CHECK_THROWS_AS(dns.aaaa_is("x", {"192.0.2.1"}), std::invalid_argument);
    CHECK_THROWS_AS(dns.ptr_is("x", {"y"}), std::invalid_argument);
}

TEST_CASE("a fake resolver takes its time where it is told to", "[fake_resolver]") {
    asio::io_context io;
    testing::fake_resolver dns;
    dns.a_is("mx.example", {"192.0.2.1"});
    dns.takes(std::chrono::milliseconds{30});
    auto asked = dns.a("mx.example");
    CHECK_FALSE(asked.ready());
    auto const begun = std::chrono::steady_clock::now();
    CHECK(run(io, std::move(asked)).value().records.size() == 1);
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds{30});
}

}  // namespace test_fake_resolver
