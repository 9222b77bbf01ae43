#include <mailquay/relay/mx_finder.hpp>

#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sts_domain.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
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

TEST_CASE("domains with the same hosts share a place, unless what is demanded of these differs", "[relay][mx_finder][places]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    auto const both = [&] {
        dns->mx_is("one.example", {{10, "a.example.org"}, {20, "b.example.org"}});
        dns->mx_is("two.example", {{5, "a.example.org"}, {50, "B.example.org"}});
        dns->a_is("a.example.org", {"198.51.100.1"});
        dns->a_is("b.example.org", {"198.51.100.2"});
    };
    both();
    dns->mx_is("other.example", {{20, "a.example.org"}, {10, "b.example.org"}});
    dns->mx_is("null.example", {{0, "."}});
    auto const finder = find_by_mx(mx_hosts{dns}, {}, 25, tls_demands{dns});
    asio::io_context io;
    auto const place = [&](std::string domain) { return mailquay_test::run(io, finder.find_place(std::move(domain))); };
    auto const key = [&](std::string domain) { return mailquay_test::run(io, finder(std::move(domain))).key; };
    std::string const shared = place("one.example");

    CHECK(shared == "mx:a.example.org<b.example.org");
    CHECK(place("two.example") == shared);
    CHECK(place("other.example") == "mx:b.example.org<a.example.org");
    CHECK(place("null.example").empty());
    CHECK(place("nowhere.example").empty());
    CHECK(key("two.example") == shared);

    dns->authenticated(true);
    both();
    dns->tlsa_is("_25._tcp.a.example.org", {{3, 1, 1, std::string(32, 'x')}});
    std::string const secure = key("one.example");
    CHECK(secure == "mx:a.example.org<b.example.org secure");
    CHECK(key("two.example") == secure);
    dns->tlsa_is("_25._tcp.b.example.org", {{2, 0, 1, std::string(32, 'x')}});
    CHECK(key("one.example").empty());  // its certificate may name the domain
    CHECK(place("one.example").empty());
}

TEST_CASE("a place is named as an attempt names it, also where no host may be used now", "[relay][mx_finder][places]") {
    mailquay_test::sts_domain d;
    d.policy = "version: STSv1\nmode: enforce\nmx: elsewhere.example.net\nmax_age: 86400\n";
    d.dns->mx_is("example.org", {{10, "a.example.net"}});
    d.dns->mx_is("lost.example", {{10, "lost.example.net"}});
    d.dns->a_is("a.example.net", {"198.51.100.1"});
    d.dns->authenticated(true);
    d.dns->a_is("lost.example.net", {"198.51.100.2"});
    d.dns->mx_is("lost.example", {{10, "lost.example.net"}});
    d.dns->fails("tlsa", "_25._tcp.lost.example.net", dns_errc::timed_out);
    std::size_t reports = 0;
    tls_demand_settings settings;
    settings.sts = d.make();
    settings.report = [&](tls_report const&) { ++reports; };
    auto const finder = find_by_mx(mx_hosts{d.dns}, {}, 25, tls_demands{d.dns, settings});

    for (std::string const domain : {"example.org", "lost.example"}) {
        CAPTURE(domain);
        reports = 0;
        std::string const place = mailquay_test::run(d.io, finder.find_place(domain));
        CHECK(reports == 0);  // no session was tried
        found_hops const found = mailquay_test::run(d.io, finder(domain));
        CHECK(reports == 1);
        CHECK(found.hops.empty());
        CHECK(found.failure.starts_with("4.7.5 "));
        CHECK(place.starts_with("mx:"));
        CHECK(found.key == place);
    }
}

TEST_CASE("a domain with a policy of MTA-STS shares its hosts with those of the same policy only", "[relay][mx_finder][places][mta_sts]") {
    mailquay_test::sts_domain d;
    d.policy = "version: STSv1\nmode: enforce\nmx: a.example.net\nmx: *.example.com\nmax_age: 86400\n";
    for (auto const* domain : {"example.org", "strict.example", "plain.example"}) d.dns->mx_is(domain, {{10, "a.example.net"}});
    d.dns->a_is("a.example.net", {"198.51.100.1"});
    d.dns->txt_is("_mta-sts.strict.example", {"v=STSv1; id=7;"});
    tls_demand_settings settings;
    settings.sts = d.make();
    auto const finder = find_by_mx(mx_hosts{d.dns}, {}, 25, tls_demands{d.dns, settings});
    auto const place = [&](std::string domain) { return mailquay_test::run(d.io, finder.find_place(std::move(domain))); };

    CHECK(place("example.org") == "mx:a.example.net enforce,*.example.com,a.example.net");
    CHECK(place("strict.example") == place("example.org"));
    CHECK(place("plain.example") == "mx:a.example.net");
}

/// Does not answer for TLSA records before it is cancelled.
struct silent_resolver final : resolver {
    asio::awaitable<result<dns_records<tlsa_record>, dns_failure>> silence() {
        ++asked;
        auto const runs_on = co_await asio::this_coro::executor;
        asio::steady_timer never{runs_on, std::chrono::hours{1}};
        std::error_code ended;
        auto told = asio::redirect_error(asio::use_awaitable, ended);
        co_await never.async_wait(told);
        dns_failure const why{dns_errc::cancelled};
        co_return why;
    }
    answer<ip_address> a(std::string name) override { return others.a(std::move(name)); }
    answer<ip_address> aaaa(std::string name) override { return others.aaaa(std::move(name)); }
    answer<mx_record> mx(std::string name) override { return others.mx(std::move(name)); }
    answer<std::string> txt(std::string name) override { return others.txt(std::move(name)); }
    answer<std::string> ptr(ip_address address) override { return others.ptr(address); }
    answer<tlsa_record> tlsa(std::string) override { return silence(); }

    testing::fake_resolver others;
    unsigned asked = 0;
};

TEST_CASE("a search that is cancelled asks about no further host", "[relay][mx_finder][dane]") {
    auto dns = std::make_shared<silent_resolver>();
    dns->others.authenticated(true);
    dns->others.mx_is("example.org", {{10, "a.example.org"}, {20, "b.example.org"}, {30, "c.example.org"}});
    for (auto const* name : {"a.example.org", "b.example.org", "c.example.org"}) dns->others.a_is(name, {"198.51.100.2"});
    asio::io_context io;
    asio::cancellation_signal ends;
    auto const finder = find_by_mx(mx_hosts{dns}, {}, 25, tls_demands{dns});
    bool over = false;
    auto const done = [&over](std::exception_ptr, found_hops) { over = true; };
    asio::co_spawn(io, finder("example.org"), asio::bind_cancellation_slot(ends.slot(), done));
    while (dns->asked == 0 && io.run_one_for(std::chrono::seconds{5}) != 0) {}

    ends.emit(asio::cancellation_type::terminal);
    io.run_for(std::chrono::seconds{5});

    CHECK(over);
    CHECK(dns->asked == 1);
}

TEST_CASE("how hosts are talked to is looked at before there are any", "[relay][mx_finder][settings]") {
    hop_settings how;
    how.timeouts.content = std::chrono::milliseconds{-1};
    CHECK_THROWS_WITH(find_by_mx(mx_hosts{std::make_shared<testing::fake_resolver>()}, how),
                      "find_by_mx: client_timeouts::content is -1 ms: choose from 1 ms to a day (86400000 ms)");
}

TEST_CASE("why there is none begins with its status", "[relay][mx_finder]") {
    auto dns = std::make_shared<testing::fake_resolver>();
    CHECK(ask(dns, "nowhere.example").failure.starts_with("5.1.2 "));
    dns->fails("mx", "broken.example", dns_errc::timed_out);
    CHECK(ask(dns, "broken.example").failure.starts_with("4.4.3 "));
}

}  // namespace test_mx_finder
