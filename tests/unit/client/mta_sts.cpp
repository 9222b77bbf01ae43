#include <mailquay/client/mta_sts.hpp>

#include "support/catch.hpp"
#include "support/sts_domain.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

/// RFC 8461 §3.3, §5: found once, kept for its time, and not undone by who can suppress DNS or HTTPS.
namespace test_mta_sts {
using namespace mailquay;
using namespace mailquay_test;
using std::chrono::seconds;

TEST_CASE("a policy is fetched once and kept", "[mta_sts]") {
    sts_domain d;
    auto const first = d.find();
    REQUIRE(first.policy);
    CHECK(first.policy->mode == mta_sts_mode::enforce);
    CHECK(first.id == "1");
    CHECK_FALSE(first.kept);
    CHECK(d.requests == std::vector<std::string>{"https://mta-sts.example.org/.well-known/mta-sts.txt"});
    auto const second = d.find();
    REQUIRE(second.policy);
    CHECK(second.kept);
    CHECK(second.policy->mx == first.policy->mx);
    CHECK(d.requests.size() == 1);
    CHECK(d.facts.empty());
}

TEST_CASE("a new id brings the new policy", "[mta_sts]") {
    sts_domain d;
    CHECK(d.find().policy);
    d.policy = "version: STSv1\nmode: none\nmax_age: 60\n";
    d.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=2;"});
    auto const found = d.find();
    REQUIRE(found.policy);
    CHECK(found.policy->mode == mta_sts_mode::none);
    CHECK(found.id == "2");
}

TEST_CASE("a domain without a record has no policy, and nothing is fetched", "[mta_sts]") {
    sts_domain d;
    d.dns->txt_is("_mta-sts.example.org", {"something else"});
    CHECK_FALSE(d.find().policy);
    d.dns->fails("txt", "_mta-sts.example.org", dns_errc::timed_out);
    CHECK_FALSE(d.find().policy);
    CHECK_FALSE(run(d.io, d.make().find("elsewhere.example")).policy);
    CHECK_FALSE(run(d.io, d.make().find("[192.0.2.1]")).policy);
    CHECK(d.requests.empty());
}

TEST_CASE("who suppresses DNS or HTTPS does not undo a policy", "[mta_sts]") {
    sts_domain d;
    CHECK(d.find().policy);
    SECTION("no record") { d.dns->txt_is("_mta-sts.example.org", {}); }
    SECTION("look-up fails") { d.dns->fails("txt", "_mta-sts.example.org", dns_errc::temporary); }
    SECTION("two records") { d.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=1;", "v=STSv1; id=2;"}); }
    SECTION("a new id, nothing to fetch") {
        d.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=2;"});
        d.failure.emplace("404");
    }
    SECTION("a new id, no policy") {
        d.dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=2;"});
        d.policy = "<html>";
    }
    auto const found = d.find();
    REQUIRE(found.policy);
    CHECK(found.kept);
    CHECK(found.policy->mode == mta_sts_mode::enforce);
    CHECK(found.id == "1");

    d.time->passed += seconds{604800};  // until its max_age is over
    CHECK_FALSE(d.find().policy);
}

TEST_CASE("what cannot be had is reported, and not tried again at once", "[mta_sts][report]") {
    sts_domain d;
    tls_result expected{};
    SECTION("no answer") {
        d.failure.emplace("connection refused");
        expected = tls_result::sts_policy_fetch_error;
    }
    SECTION("a bad certificate") {
        d.failure.emplace("certificate has expired", true);
        expected = tls_result::sts_webpki_invalid;
    }
    SECTION("no policy") {
        d.policy = "mode: enforce";
        expected = tls_result::sts_policy_invalid;
    }
    auto const found = d.find();
    CHECK_FALSE(found.policy);
    CHECK(found.problem == expected);
    REQUIRE(d.facts.size() == 1);
    CHECK(d.facts[0].result == expected);
    CHECK(d.facts[0].type == tls_policy_type::sts);
    CHECK(d.facts[0].domain == "example.org");
    CHECK_FALSE(d.facts[0].reason.empty());

    CHECK_FALSE(d.find().policy);
    CHECK(d.requests.size() == 1);
    d.time->passed += d.settings.retry;
    d.failure.reset();
    d.policy = "version: STSv1\nmode: testing\nmx: a.b\nmax_age: 60\n";
    CHECK(d.find().policy);
    CHECK(d.requests.size() == 2);
}

TEST_CASE("a kept policy is looked at again after a day, and stays if that fails", "[mta_sts]") {
    sts_domain d;
    CHECK(d.find().policy);
    d.time->passed += d.settings.refresh;
    d.failure.emplace("away");
    CHECK(d.find().kept);
    CHECK(d.requests.size() == 2);
    CHECK(d.find().kept);
    CHECK(d.requests.size() == 2);
    d.time->passed += d.settings.retry;
    d.failure.reset();
    CHECK_FALSE(d.find().kept);
    CHECK(d.requests.size() == 3);
    CHECK(d.find().kept);
    CHECK(d.requests.size() == 3);
}

TEST_CASE("a policy without a lifetime is used and forgotten", "[mta_sts]") {
    sts_domain d;
    d.policy = "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 0\n";
    CHECK(d.find().policy);
    CHECK(d.find().policy);
    CHECK(d.requests.size() == 2);
}

TEST_CASE("a fetcher that takes too long is given up", "[mta_sts][time]") {
    sts_domain d;
    d.hangs = true;
    d.settings.patience = std::chrono::milliseconds{30};
    auto const begun = std::chrono::steady_clock::now();
    auto const found = d.find();
    CHECK(found.problem == tls_result::sts_policy_fetch_error);
    CHECK(std::chrono::steady_clock::now() - begun < seconds{10});
}

TEST_CASE("a fetcher that throws is one that failed, and a cancelled look-up notes nothing", "[mta_sts][fault]") {
    sts_domain d;
    d.throws = true;
    auto const found = d.find();
    CHECK(found.problem == tls_result::sts_policy_fetch_error);
    CHECK(found.text.find("no sockets left") != std::string::npos);
    d.time->passed += d.settings.retry;
    d.throws = false;
    d.hangs = true;

    asio::cancellation_signal signal;
    auto policies = d.make();
    bool aborted = false;
    auto const wait = [](eventual<mta_sts_found> asked) -> asio::awaitable<void> {
        auto const got = co_await std::move(asked).wait();
        CHECK_FALSE(got.policy);
    };
    asio::co_spawn(d.io, wait(policies.find("example.org")),
                   asio::bind_cancellation_slot(signal.slot(), [&aborted](std::exception_ptr failed) { aborted = failed != nullptr; }));
    asio::steady_timer timer{d.io};
    timer.expires_after(std::chrono::milliseconds{30});
    timer.async_wait([&signal](std::error_code) { signal.emit(asio::cancellation_type::terminal); });
    d.io.restart();
    d.io.run();
    CHECK(aborted);
    d.hangs = false;
    CHECK(d.find().policy);
}

TEST_CASE("what else is in the store is not taken for a policy", "[mta_sts]") {
    sts_domain d;
    for (std::string junk : {"", "1", "1\n", "1\nx\nversion: STSv1", "1\n99999999999999999\nversion: STSv1\nmode: none\nmax_age: 1\n"}) {
        run(d.io, d.store->set("mta-sts:example.org", junk, seconds{1000})).value();
        d.requests.clear();
        CHECK(d.find().policy);
        CHECK(d.requests.size() == 1);
    }
}

TEST_CASE("what MTA-STS lacks is named at the start", "[mta_sts]") {
    sts_domain d;
    auto const fetch = [](https_request) -> eventual<sts_domain::fetched> { return sts_domain::fetched{https_failure{"no"}}; };
    CHECK_THROWS_AS((mta_sts{nullptr, fetch, d.store}), std::invalid_argument);
    CHECK_THROWS_AS((mta_sts{d.dns, {}, d.store}), std::invalid_argument);
    CHECK_THROWS_AS((mta_sts{d.dns, fetch, nullptr}), std::invalid_argument);
    CHECK_THROWS_AS((mta_sts{d.dns, fetch, d.store, {}, nullptr}), std::invalid_argument);
    mta_sts_settings wrong;
    wrong.retry = seconds{0};
    CHECK_THROWS_AS((mta_sts{d.dns, fetch, d.store, wrong}), std::invalid_argument);
}

}  // namespace test_mta_sts
