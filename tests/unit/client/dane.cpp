#include <mailquay/client/dane.hpp>

#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

/// RFC 7672 §2, §3.
namespace test_dane {
using namespace mailquay;
using namespace mailquay_test;

struct signed_zone {
    signed_zone() {
        dns->authenticated(true);
        route.domain = "example.org";
        route.secure = true;
        host.name = "mx.example.org";
        host.secure = true;
    }
    dane_found find() { return run(io, find_dane(dns, route, host)); }
    std::shared_ptr<testing::fake_resolver> dns = std::make_shared<testing::fake_resolver>();
    mx_route route{};
    mx_host host{};
    asio::io_context io{};
};

TEST_CASE("only records that SMTP can use count", "[dane]") {
    std::string const sha256(32, 'x'), sha512(64, 'x');
    CHECK(is_usable({3, 1, 1, sha256}));
    CHECK(is_usable({2, 0, 2, sha512}));
    CHECK(is_usable({3, 0, 0, "certificate"}));
    CHECK_FALSE(is_usable({0, 1, 1, sha256}));
    CHECK_FALSE(is_usable({1, 1, 1, sha256}));
    CHECK_FALSE(is_usable({4, 1, 1, sha256}));
    CHECK_FALSE(is_usable({3, 2, 1, sha256}));
    CHECK_FALSE(is_usable({3, 1, 3, sha256}));
    CHECK_FALSE(is_usable({3, 1, 1, sha512}));
    CHECK_FALSE(is_usable({3, 1, 2, sha256}));
    CHECK_FALSE(is_usable({3, 0, 0, ""}));
}

TEST_CASE("validated records are found, with the names of the certificate", "[dane]") {
    signed_zone z;
    z.dns->tlsa_is("_25._tcp.mx.example.org", {{3, 1, 1, std::string(32, 'x')}, {1, 0, 1, std::string(32, 'y')}});
    auto const found = z.find();
    CHECK(found.state == dane_state::usable);
    CHECK(found.base == "mx.example.org");
    CHECK(found.names == std::vector<std::string>{"mx.example.org", "example.org"});
    REQUIRE(found.records.size() == 1);
    CHECK(found.records[0].usage == 3);
    z.dns->tlsa_is("_2525._tcp.mx.example.org", {{2, 1, 1, std::string(32, 'x')}});
    CHECK(run(z.io, find_dane(z.dns, z.route, z.host, 2525)).records.at(0).usage == 2);
}

TEST_CASE("without usable records TLS is all that is asked for", "[dane]") {
    signed_zone z;
    z.dns->tlsa_is("_25._tcp.mx.example.org", {{1, 1, 1, std::string(32, 'x')}});
    CHECK(z.find().state == dane_state::unusable);
}

TEST_CASE("nothing is looked up where the way there is not validated", "[dane]") {
    signed_zone z;
    z.dns->tlsa_is("_25._tcp.mx.example.org", {{3, 1, 1, std::string(32, 'x')}});
    SECTION("hosts") { z.route.secure = false; }
    SECTION("addresses") { z.host.secure = false; }
    SECTION("literal") { z.host.name = "[192.0.2.1]"; }
    CHECK(z.find().state == dane_state::none);
    CHECK(z.dns->asked().empty());
}

TEST_CASE("records that are not validated, or not there, demand nothing", "[dane]") {
    signed_zone z;
    CHECK(z.find().state == dane_state::none);
    z.dns->authenticated(false);
    z.dns->tlsa_is("_25._tcp.mx.example.org", {{3, 1, 1, std::string(32, 'x')}});
    CHECK(z.find().state == dane_state::none);
}

TEST_CASE("a look-up that fails keeps mail from the host", "[dane]") {
    signed_zone z;
    z.dns->fails("tlsa", "_25._tcp.mx.example.org", dns_errc::temporary);
    CHECK(z.find().state == dane_state::failed);
    z.dns->fails("tlsa", "_25._tcp.mx.example.org", dns_errc::timed_out);
    CHECK(z.find().state == dane_state::failed);
}

TEST_CASE("an alias is looked at below its target first", "[dane]") {
    signed_zone z;
    z.host.canonical = "real.example.net";
    z.dns->tlsa_is("_25._tcp.mx.example.org", {{3, 1, 1, std::string(32, 'x')}});
    CHECK(z.find().base == "mx.example.org");
    CHECK(z.dns->asked() == std::vector<std::string>{"tlsa _25._tcp.real.example.net", "tlsa _25._tcp.mx.example.org"});
    z.dns->tlsa_is("_25._tcp.real.example.net", {{3, 1, 1, std::string(32, 'y')}});
    auto const found = z.find();
    CHECK(found.base == "real.example.net");
    CHECK(found.names == std::vector<std::string>{"real.example.net", "mx.example.org", "example.org"});
}

}  // namespace test_dane
