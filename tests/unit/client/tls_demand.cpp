#include <mailquay/client/tls_demand.hpp>

#include "support/catch.hpp"
#include "support/sts_domain.hpp"

/// DANE first, MTA-STS next, else whatever TLS there is.
namespace test_tls_demand {
using namespace mailquay;
using namespace mailquay_test;

struct route_to_one {
    route_to_one() {
        route.domain = "example.org";
        host.name = "mx.example.org";
        sts.dns->txt_is("_mta-sts.example.org", {});
    }
    tls_demands make() {
        tls_demand_settings settings;
        settings.sts = sts.make();
        settings.report = [this](tls_report const& fact) { facts.push_back(fact); };
        return tls_demands{sts.dns, settings};
    }
    result<tls_demand, mx_failure> demand() { return run(sts.io, make().of(route, host)); }
    void signed_with(std::vector<tlsa_record> records) {
        route.secure = host.secure = true;
        sts.dns->authenticated(true);
        sts.dns->tlsa_is("_25._tcp.mx.example.org", std::move(records));
        sts.dns->authenticated(false);
    }
    void with_policy(std::string_view mode, std::string_view mx) {
        sts.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=1;"});
        sts.policy = "version: STSv1\nmode: " + std::string{mode} + "\nmx: " + std::string{mx} + "\nmax_age: 600\n";
    }
    sts_domain sts{};
    mx_route route{};
    mx_host host{};
    std::vector<tls_report> facts{};
};

TEST_CASE("without a policy TLS is opportunistic", "[tls_demand]") {
    route_to_one r;
    auto const demand = r.demand();
    REQUIRE(demand);
    CHECK(demand->type == tls_policy_type::no_policy_found);
    CHECK(demand->use == tls_use::opportunistic);
    CHECK(demand->verify == tls_verification::none);
    CHECK_FALSE(demand->name_is_secure);
}

TEST_CASE("DANE demands what its records say, whatever MTA-STS says", "[tls_demand]") {
    route_to_one r;
    r.signed_with({{3, 1, 1, std::string(32, 'x')}});
    r.with_policy("enforce", "other.example.org");
    auto const demand = r.demand();
    REQUIRE(demand);
    CHECK(demand->type == tls_policy_type::tlsa);
    hop_settings settings;
    demand->apply_to(settings);
    CHECK(settings.tls == tls_use::required);
    CHECK(settings.verify == tls_verification::dane);
    CHECK(settings.tls_name == "mx.example.org");
    CHECK(settings.tls_names == std::vector<std::string>{"mx.example.org", "example.org"});
    CHECK(settings.tlsa.size() == 1);
    CHECK(settings.name_is_secure);
    CHECK(r.facts.empty());
}

TEST_CASE("records that cannot be used demand TLS without a proof", "[tls_demand]") {
    route_to_one r;
    r.signed_with({{1, 1, 1, std::string(32, 'x')}});
    auto const demand = r.demand();
    REQUIRE(demand);
    CHECK(demand->use == tls_use::required);
    CHECK(demand->verify == tls_verification::none);
    REQUIRE(r.facts.size() == 1);
    CHECK(r.facts[0].result == tls_result::tlsa_invalid);
}

TEST_CASE("a TLSA look-up that fails keeps mail from the host for now", "[tls_demand]") {
    route_to_one r;
    r.route.secure = r.host.secure = true;
    r.sts.dns->fails("tlsa", "_25._tcp.mx.example.org", dns_errc::timed_out);
    auto const demand = r.demand();
    REQUIRE_FALSE(demand);
    CHECK(demand.error().temporary());
    CHECK(demand.error().status() == "4.7.5");
    REQUIRE(r.facts.size() == 1);
    CHECK(r.facts[0].result == tls_result::dnssec_invalid);
    CHECK(r.facts[0].mx_host == "mx.example.org");
}

TEST_CASE("an enforced policy demands a certificate of the hosts it names", "[tls_demand]") {
    route_to_one r;
    r.with_policy("enforce", "*.example.org");
    auto const demand = r.demand();
    REQUIRE(demand);
    CHECK(demand->type == tls_policy_type::sts);
    CHECK(demand->use == tls_use::required);
    CHECK(demand->verify == tls_verification::certificate);
    CHECK(demand->name == "mx.example.org");
    CHECK(demand->name_is_secure);
    r.host.name = "mx.elsewhere.example";
    auto const other = r.demand();
    REQUIRE_FALSE(other);
    CHECK(other.error().temporary());
    REQUIRE(r.facts.size() == 1);
    CHECK(r.facts[0].result == tls_result::validation_failure);
}

TEST_CASE("a policy in testing demands nothing and reports", "[tls_demand]") {
    route_to_one r;
    r.with_policy("testing", "other.example.org");
    auto const demand = r.demand();
    REQUIRE(demand);
    CHECK(demand->type == tls_policy_type::sts);
    CHECK(demand->testing);
    CHECK(demand->use == tls_use::opportunistic);
    CHECK(demand->verify == tls_verification::none);
    CHECK(r.facts.size() == 1);
    r.with_policy("none", "other.example.org");
    r.sts.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=2;"});
    CHECK(r.demand()->type == tls_policy_type::no_policy_found);
}

TEST_CASE("what came of a session is told", "[tls_demand][report]") {
    route_to_one r;
    auto const demands = r.make();
    send_report report;
    report.host = "mx.example.org";
    report.address = *ip_endpoint::parse("192.0.2.1:25");
    report.tls.emplace();
    report.server.verified = true;
    tls_demand demand;
    demand.type = tls_policy_type::sts;
    demands.came_out(r.route, r.host, demand, report);
    REQUIRE(r.facts.size() == 1);
    CHECK(r.facts[0].result == tls_result::success);
    CHECK(r.facts[0].address.to_string() == "192.0.2.1");
    CHECK(r.facts[0].reason.empty());
    report.server.verified = false;
    report.server.problem = "certificate has expired";
    report.problem = hop_problem::not_verified;
    demands.came_out(r.route, r.host, demand, report);
    REQUIRE(r.facts.size() == 2);
    CHECK(r.facts[1].result == tls_result::certificate_expired);
    CHECK(r.facts[1].reason == "certificate has expired");
    CHECK_THROWS_AS(tls_demands{nullptr}, std::invalid_argument);
}

}  // namespace test_tls_demand
