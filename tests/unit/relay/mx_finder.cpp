#include <mailquay/relay/mx_finder.hpp>

#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <string>
#include <vector>

namespace test_mx_finder {

using namespace mailquay;

found_hops ask(std::shared_ptr<resolver> dns, std::string domain) {
    asio::io_context io;
    hop_settings how;
    how.hello_name = "me.example.org";
    auto const finder = find_by_mx(mx_hosts{std::move(dns)}, how, 2525);
    return mailquay_test::run(io, finder(std::move(domain)));
}

TEST_CASE("hosts come in the order of their preference, with the settings given", "[relay][mx_finder]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    dns->mx_is("example.org", {{20, "b.example.org"}, {10, "a.example.org"}});
    dns->a_is("a.example.org", {"192.0.2.1"});
    dns->a_is("b.example.org", {"198.51.100.2"});
    auto const found = ask(dns, "example.org");
    REQUIRE(found.hops.size() == 2);
    CHECK(found.hops[0].host == "a.example.org");
    CHECK(found.hops[0].port == 2525);
    CHECK(found.hops[0].settings.refuse_own_name);
    CHECK(found.hops[0].settings.hello_name == "me.example.org");
    CHECK_FALSE(found.hops[0].settings.name_is_secure);
    CHECK(found.without_demands.empty());  // nothing is demanded
    CHECK(found.hops[1].host == "b.example.org");
}

TEST_CASE("what DANE demands of a host goes with it, and a host that fails is left out", "[relay][mx_finder][dane]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    dns->authenticated(true);
    dns->mx_is("example.org", {{10, "failing.example.org"}, {20, "dane.example.org"}, {30, "plain.example.org"}});
    for (auto const* name : {"failing.example.org", "dane.example.org", "plain.example.org"}) dns->a_is(name, {"198.51.100.2"});
    dns->tlsa_is("_25._tcp.dane.example.org", {{3, 1, 1, std::string(32, 'x')}});
    dns->fails("tlsa", "_25._tcp.failing.example.org", dns_errc::timed_out);
    hop_settings how;
    how.tls = tls_use::off;
    auto const find = [&](std::string domain) {
        asio::io_context io;
        return mailquay_test::run(io, find_by_mx(mx_hosts{dns}, how, 25, tls_demands{dns})(std::move(domain)));
    };
    auto const found = find("example.org");
    REQUIRE(found.hops.size() == 2);
    CHECK(found.failure.empty());
    CHECK(found.hops[0].host == "dane.example.org");
    CHECK(found.hops[0].settings.tls == tls_use::required);
    CHECK(found.hops[0].settings.verify == tls_verification::dane);
    CHECK(found.hops[0].settings.tlsa.size() == 1);
    CHECK(found.hops[1].settings.tls == tls_use::off);
    CHECK(found.hops[1].settings.refuse_own_name);
    REQUIRE(found.without_demands.size() == 3);  // for TLS-Required: No
    for (auto const& one : found.without_demands) {
        CHECK(one.settings.tls == tls_use::off);
        CHECK(one.settings.verify == tls_verification::none);
        CHECK(one.settings.tlsa.empty());
    }

    dns->mx_is("only.example", {{10, "failing.example.org"}});
    auto const none = find("only.example");
    CHECK(none.hops.empty());
    CHECK(none.failure.starts_with("4.7.5 "));
}

TEST_CASE("what came of a session is told to the reporter of TLS", "[relay][mx_finder][dane]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    dns->authenticated(true);
    dns->mx_is("example.org", {{10, "dane.example.org"}, {20, "plain.example.org"}});
    for (auto const* name : {"dane.example.org", "plain.example.org"}) dns->a_is(name, {"198.51.100.2"});
    dns->tlsa_is("_25._tcp.dane.example.org", {{3, 1, 1, std::string(32, 'x')}});
    std::vector<tls_report> told;
    tls_demand_settings settings;
    settings.report = [&](tls_report const& one) { told.push_back(one); };
    asio::io_context io;
    auto const found = mailquay_test::run(io, find_by_mx(mx_hosts{dns}, {}, 25, tls_demands{dns, settings})("example.org"));
    REQUIRE(found.hops.size() == 2);
    REQUIRE(found.came_out);

    send_report without_tls;
    without_tls.problem = hop_problem::no_tls;
    without_tls.stage = send_stage::tls;
    found.came_out(0, without_tls);
    REQUIRE(told.size() == 1);
    CHECK(told[0].type == tls_policy_type::tlsa);
    CHECK(told[0].domain == "example.org");
    CHECK(told[0].mx_host == "dane.example.org");
    CHECK(told[0].result == tls_result::starttls_not_supported);
}

TEST_CASE("why there is none begins with its status", "[relay][mx_finder]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    CHECK(ask(dns, "nowhere.example").failure.starts_with("5.1.2 "));
    dns->fails("mx", "broken.example", dns_errc::timed_out);
    CHECK(ask(dns, "broken.example").failure.starts_with("4.4.3 "));
}

}  // namespace test_mx_finder
