#include <mailquay/dns/caching_resolver.hpp>

#include <mailquay/testing/fake_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include <thread>

/// What was answered once is not asked again until its time is over.
namespace test_caching_resolver {
using namespace mailquay;
using namespace mailquay_test;
using std::chrono::seconds;

struct moved_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point steady() const noexcept override { return now; }
    std::chrono::system_clock::time_point wall() const noexcept override { return {}; }
    std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
};

struct cached {
    explicit cached(cache_settings settings = {}) : cache(dns, settings, time) {}
    std::shared_ptr<testing::fake_resolver> dns = std::make_shared<testing::fake_resolver>();
    std::shared_ptr<moved_clock> time = std::make_shared<moved_clock>();
    asio::io_context io{};
    caching_resolver cache;
};

TEST_CASE("an answer is kept as long as it says, and ages", "[dns][cache]") {
    cached with;
    with.dns->ttl(seconds{60});
    with.dns->authenticated(true);
    with.dns->a_is("mx.example", {"192.0.2.1"});
    auto first = with.cache.a("mx.example");
    CHECK_FALSE(first.ready());
    CHECK(run(with.io, std::move(first)).value().ttl == seconds{60});
    with.time->now += seconds{20};
    auto second = with.cache.a("MX.example.");
    REQUIRE(second.ready());
    auto const kept = std::move(second).value().value();
    CHECK(kept.ttl == seconds{40});
    CHECK(kept.authenticated);
    CHECK(kept.records.at(0).to_string() == "192.0.2.1");
    CHECK(with.dns->asked().size() == 1);
    with.time->now += seconds{40};
    CHECK(run(with.io, with.cache.a("mx.example")));
    CHECK(with.dns->asked().size() == 2);
}

TEST_CASE("each type is kept by itself", "[dns][cache]") {
    cached with;
    with.dns->a_is("x.example", {"192.0.2.1"});
    with.dns->aaaa_is("x.example", {"2001:db8::1"});
    with.dns->mx_is("x.example", {{5, "x.example"}});
    with.dns->txt_is("x.example", {"text"});
    with.dns->tlsa_is("x.example", {{3, 1, 1, "digest"}});
    with.dns->ptr_is("192.0.2.1", {"x.example"});
    for (int i = 0; i < 2; ++i) {
        CHECK(run(with.io, with.cache.a("x.example")).value().records.at(0).is_v4());
        CHECK(run(with.io, with.cache.aaaa("x.example")).value().records.at(0).is_v6());
        CHECK(run(with.io, with.cache.mx("x.example")).value().records.at(0).preference == 5);
        CHECK(run(with.io, with.cache.txt("x.example")).value().records.at(0) == "text");
        CHECK(run(with.io, with.cache.tlsa("x.example")).value().records.at(0).data == "digest");
        CHECK(run(with.io, with.cache.ptr(*ip_address::parse("192.0.2.1"))).value().records.at(0) == "x.example");
    }
    CHECK(with.dns->asked().size() == 6);
    CHECK(with.cache.size() == 6);
    with.cache.clear();
    CHECK(with.cache.size() == 0);
}

TEST_CASE("that there is nothing is kept, but not for long", "[dns][cache]") {
    cache_settings settings;
    settings.longest_negative = seconds{600};
    cached with{settings};
    with.dns->ttl(seconds{86'400});
    with.dns->a_is("mail.example", {"192.0.2.1"});
    CHECK(run(with.io, with.cache.mx("mail.example")).error() == dns_errc::no_data);
    CHECK(run(with.io, with.cache.mx("gone.example")).error() == dns_errc::no_such_name);
    with.time->now += seconds{599};
    CHECK(run(with.io, with.cache.mx("mail.example")).error() == dns_errc::no_data);
    CHECK(run(with.io, with.cache.mx("gone.example")).error() == dns_errc::no_such_name);
    CHECK(with.dns->asked().size() == 2);
    with.time->now += seconds{1};
    CHECK(run(with.io, with.cache.mx("gone.example")).error() == dns_errc::no_such_name);
    CHECK(with.dns->asked().size() == 3);
}

TEST_CASE("a failure is tried again soon, and a denial without a time at once", "[dns][cache]") {
    cached with;
    with.dns->fails("a", "slow.example", dns_errc::timed_out);
    with.dns->fails("a", "bare.example", dns_errc::no_data);
    for (int i = 0; i < 3; ++i) CHECK(run(with.io, with.cache.a("slow.example")).error() == dns_errc::timed_out);
    CHECK(with.dns->asked().size() == 1);
    with.time->now += seconds{5};
    CHECK(run(with.io, with.cache.a("slow.example")).error() == dns_errc::timed_out);
    CHECK(with.dns->asked().size() == 2);
    for (int i = 0; i < 2; ++i) CHECK(run(with.io, with.cache.a("bare.example")).error() == dns_errc::no_data);
    CHECK(with.dns->asked().size() == 4);
}

TEST_CASE("what an answer says of its time is capped", "[dns][cache]") {
    cache_settings settings;
    settings.longest = seconds{100};
    cached with{settings};
    with.dns->ttl(seconds{1'000'000});
    with.dns->a_is("x.example", {"192.0.2.1"});
    CHECK(run(with.io, with.cache.a("x.example")));
    with.time->now += seconds{100};
    CHECK(run(with.io, with.cache.a("x.example")));
    CHECK(with.dns->asked().size() == 2);
}

TEST_CASE("many askers share one query", "[dns][cache]") {
    cached with;
    with.dns->ttl(seconds{0});  // and what may not be kept is shared as well
    with.dns->a_is("x.example", {"192.0.2.1"});
    with.dns->takes(std::chrono::milliseconds{20});
    int found = 0;
    auto const one = [](resolver::answer<ip_address> asked, int* count) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        if (answer) ++*count;
    };
    for (int i = 0; i < 50; ++i) asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), asio::detached);
    with.io.run();
    CHECK(found == 50);
    CHECK(with.dns->asked().size() == 1);
    CHECK(with.cache.size() == 0);
}

TEST_CASE("askers beyond the bound fail at once", "[dns][cache]") {
    cache_settings settings;
    settings.waiting = 2;
    cached with{settings};
    with.dns->a_is("x.example", {"192.0.2.1"});
    with.dns->takes(std::chrono::milliseconds{20});
    int found = 0;
    auto const one = [](resolver::answer<ip_address> asked, int* count) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        if (answer) ++*count;
    };
    for (int i = 0; i < 10; ++i) asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), asio::detached);
    with.io.run();
    CHECK(found == 3);
}

TEST_CASE("when who asked first is cancelled, the others still get their answer", "[dns][cache][cancel]") {
    cached with;
    with.dns->a_is("x.example", {"192.0.2.1"});
    with.dns->takes(std::chrono::milliseconds{40});
    int found = 0;
    int ended = 0;
    auto const one = [](resolver::answer<ip_address> asked, int* count) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        if (answer) ++*count;
    };
    auto const done = [&ended](std::exception_ptr) { ++ended; };
    asio::cancellation_signal first, third;
    asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), asio::bind_cancellation_slot(first.slot(), done));
    asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), done);
    asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), asio::bind_cancellation_slot(third.slot(), done));
    asio::co_spawn(with.io, one(with.cache.a("x.example"), &found), done);
    asio::steady_timer timer{with.io, std::chrono::milliseconds{10}};
    timer.async_wait([&](std::error_code) {
        third.emit(asio::cancellation_type::terminal);
        first.emit(asio::cancellation_type::terminal);
    });
    with.io.run();
    CHECK(ended == 4);
    CHECK(found == 2);
    CHECK(with.dns->asked().size() == 2);
}

TEST_CASE("a full cache drops what was used longest ago", "[dns][cache]") {
    cache_settings settings;
    settings.entries = 3;
    cached with{settings};
    for (auto const* name : {"a.example", "b.example", "c.example", "d.example"}) with.dns->a_is(name, {"192.0.2.1"});
    for (auto const* name : {"a.example", "b.example", "c.example", "a.example", "d.example"}) CHECK(run(with.io, with.cache.a(name)));
    CHECK(with.cache.size() == 3);
    CHECK(with.cache.a("a.example").ready());
    CHECK_FALSE(with.cache.a("b.example").ready());
}

TEST_CASE("a cache is bounded in octets, too", "[dns][cache]") {
    cache_settings settings;
    settings.octets = 20'000;
    cached with{settings};
    for (int i = 0; i < 20; ++i) {
        std::string const name = "t" + std::to_string(i) + ".example";
        with.dns->txt_is(name, {std::string(3'000, 'x')});
        CHECK(run(with.io, with.cache.txt(name)));
    }
    CHECK(with.cache.size() >= 1);
    CHECK(with.cache.size() <= 6);
    with.dns->txt_is("huge.example", {std::string(30'000, 'x')});
    CHECK(run(with.io, with.cache.txt("huge.example")));
    CHECK_FALSE(with.cache.txt("huge.example").ready());
}

TEST_CASE("threads share a cache", "[dns][cache][threads]") {
    cached with;
    for (int i = 0; i < 10; ++i) with.dns->a_is("h" + std::to_string(i) + ".example", {"192.0.2.1"});
    std::atomic<int> found{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            asio::io_context mine;
            for (int i = 0; i < 200; ++i) {
                auto const answer = run(mine, with.cache.a("h" + std::to_string(i % 10) + ".example"));
                if (answer) ++found;
            }
        });
    }
    for (auto& one : threads) one.join();
    CHECK(found == 800);
    CHECK(with.dns->asked().size() == 10);
}

TEST_CASE("wrong cache settings are named at the start", "[dns][cache]") {
    auto const dns = std::make_shared<testing::fake_resolver>();
    CHECK_THROWS_AS(caching_resolver{nullptr}, std::invalid_argument);
    CHECK_THROWS_AS((caching_resolver{dns, {}, nullptr}), std::invalid_argument);
    cache_settings none;
    none.entries = 0;
    CHECK_THROWS_AS((caching_resolver{dns, none}), std::invalid_argument);
    cache_settings empty;
    empty.octets = 0;
    CHECK_THROWS_AS((caching_resolver{dns, empty}), std::invalid_argument);
    cache_settings stubborn;
    stubborn.failures = seconds{301};
    CHECK_THROWS_AS((caching_resolver{dns, stubborn}), std::invalid_argument);
}

}  // namespace test_caching_resolver
