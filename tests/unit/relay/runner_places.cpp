#include <mailquay/relay/queue_runner.hpp>

#include "support/catch.hpp"
#include "support/runner_place.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Domains that share a place: what goes together, and what waits for whom.
namespace test_runner_places {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::by_domain;
using mailquay_test::runner_place;
using mailquay_test::scripted_carrier;

destination by_mx(std::string name) { return {delivery_way::mx, std::move(name)}; }

/// Domains that end in ".a" and ".b" are those of two providers; of ".slow" nothing is ever known.
struct shared_place : runner_place {
    std::set<std::string> known_late{};
    shared_place() {
        where = by_domain();
        carrier->place = [this](destination const& to) -> std::optional<destination> {
            if (to.name.ends_with(".slow") || known_late.contains(to.name)) return std::nullopt;
            if (to.name.ends_with(".a")) return by_mx("mx:a");
            if (to.name.ends_with(".b")) return by_mx("mx:b");
            return to;
        };
    }
};

TEST_CASE("recipients of domains with one place go together, each with its domain", "[relay][runner][places]") {
    shared_place at;
    at.start();
    at.mail({"x@one.a", "x@one.b", "x@two.a", "y@one.a", "x@alone"});
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");

    REQUIRE(at.carrier->attempts.size() == 3);
    for (auto const& one : at.carrier->attempts) {
        if (one.to == "mx:a") {
            CHECK(one.recipients == std::vector<std::string>{"x@one.a", "y@one.a", "x@two.a"});
            CHECK(one.domains == std::vector<std::string>{"one.a", "one.a", "two.a"});
        } else if (one.to == "mx:b") {
            CHECK(one.recipients == std::vector<std::string>{"x@one.b"});
            CHECK(one.domains == std::vector<std::string>{"one.b"});
        } else {
            CHECK(one.to == "alone");
            CHECK(one.domains == std::vector<std::string>{""});
        }
    }
}

TEST_CASE("at most so many recipients of a place go in one transaction", "[relay][runner][places]") {
    shared_place at;
    at.how.recipients = 10;
    at.start();
    std::vector<std::string> many;
    for (int i = 0; i < 25; ++i) many.push_back("x@d" + std::to_string(i) + ".a");
    at.mail(many);
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");

    REQUIRE(at.carrier->attempts.size() == 3);
    for (auto const& one : at.carrier->attempts) CHECK(one.recipients.size() <= 10);
}

TEST_CASE("a provider of many domains is one destination: so many attempts at once, one back-off", "[relay][runner][places]") {
    shared_place at;
    bool busy = true;
    at.carrier->held = [&](consignment const&) { return busy; };
    at.start();
    for (int i = 0; i < 20; ++i) at.mail({"x@d" + std::to_string(i) + ".a"});
    at.begin();
    at.until([&] { return at.runner->counts().in_memory == 20 && at.runner->counts().under_way == 2; }, "two at once");
    for (int i = 0; i < 20; ++i) at.io.run_one_for(1ms);
    CHECK(at.carrier->attempts.size() == 2);

    at.carrier->script = [](consignment const&) { return scripted_carrier::unreachable(); };
    busy = false;
    at.settle();
    CHECK(at.carrier->attempts.size() <= 3);
    CHECK(at.queue->size() == 20);
    CHECK(at.runner->counts().deferred == 20);
}

TEST_CASE("a place that is not found in time is not waited for, and its domain goes by itself", "[relay][runner][places]") {
    shared_place at;
    at.start();
    at.mail({"x@one.a", "x@dns.slow", "x@two.a"});
    at.mail({"y@one.a"});
    at.mail({"z@one.a"}, {}, "other@example.net");
    at.begin();
    at.until([&] { return at.queue->size() == 2; }, "another sender's mail goes on");
    REQUIRE(at.carrier->attempts.size() == 1);
    CHECK(at.carrier->attempts[0].recipients.front() == "z@one.a");

    at.clock->pass(6s);
    at.runner->wake();
    at.until([&] { return at.queue->size() == 0; }, "all is delivered");
    REQUIRE(at.carrier->attempts.size() == 4);
    std::vector<std::string> to_a;  // a sender's mail to a place keeps its order
    for (auto const& one : at.carrier->attempts)
        if (one.to == "mx:a") to_a.push_back(one.recipients.front());
    CHECK(to_a == std::vector<std::string>{"z@one.a", "x@one.a", "y@one.a"});
    CHECK(at.carrier->attempts_for("dns.slow") == 1);

    auto const asked = at.carrier->places_asked;
    at.mail({"again@dns.slow"});
    at.until([&] { return at.queue->size() == 0; }, "the next one does not wait");
    CHECK(at.carrier->places_asked == asked);
}

TEST_CASE("places are asked for once, however much mail waits for them", "[relay][runner][places]") {
    shared_place at;
    at.known_late = {"one.a"};
    at.start();
    for (int i = 0; i < 10; ++i) at.mail({"x@one.a"});
    at.begin();
    at.until([&] { return at.runner->counts().in_memory == 10; }, "all wait");
    CHECK(at.carrier->attempts.empty());
    at.known_late.clear();
    at.until([&] { return at.queue->size() == 0; }, "delivered");

    CHECK(at.carrier->places_asked == 1);
}

TEST_CASE("look-ups that never end hold up other domains for seconds, and nothing once it is stopped", "[relay][runner][places]") {
    shared_place at;
    at.start();
    for (int i = 0; i < 150; ++i) at.mail({"x@d" + std::to_string(i) + ".slow"}, {}, "s" + std::to_string(i) + "@example.net");
    at.mail({"x@one.a"}, {}, "other@example.net");
    at.begin();
    at.until([&] { return at.runner->counts().in_memory == 151; }, "all wait");
    CHECK(at.carrier->places_asked == 100);
    SECTION("they are not waited for") {
        at.clock->pass(6s);
        at.runner->wake();
        at.until([&] { return at.queue->size() == 0; }, "all is delivered");
        CHECK(at.carrier->attempts_for("one.a") == 1);
    }
    SECTION("stopping gives all back, untried") {
        at.stop_runner();
        CHECK(at.carrier->attempts.empty());
        CHECK(at.queue->size() == 151);
        for (auto const& one : at.queue->list({}, 1000)) CHECK(one.attempts == 0);
    }
}

/// Workers that are slow to say that they are done.
struct slow_workers final : workers {
    std::atomic<bool> slow{false};

    bool post(unique_function<void()> job) override {
        job();
        return true;
    }
    asio::awaitable<void> run(unique_function<void()> job) override {
        job();
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        while (slow) {
            timer.expires_after(1ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }
};

TEST_CASE("a carrier that throws anything when it is asked for a place loses no mail", "[relay][runner][places]") {
    struct throwing final : carrier {
        std::shared_ptr<scripted_carrier> real = std::make_shared<scripted_carrier>();
        bool at_once = false;
        asio::awaitable<carry_report> carry(std::shared_ptr<consignment const> what, outcomes_known told) override {
            return real->carry(std::move(what), std::move(told));
        }
        eventual<destination> place_of(destination) override {
            if (at_once) throw 1;
            return later();
        }
        asio::awaitable<destination> later() {
            throw 1;
            co_return destination{};
        }
    };
    runner_place at;
    at.where = by_domain();
    auto const by = std::make_shared<throwing>();
    by->at_once = GENERATE(false, true);
    at.start();
    at.mail({"x@one.a"});
    queue_runner runner{at.io.get_executor(), at.queue, by, at.where, at.how};
    runner.start();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(by->real->attempts_for("one.a") == 1);
    bool ended = false;
    runner.stop(0ms, [&] { ended = true; });
    at.until([&] { return ended; }, "the end");
}

TEST_CASE("what is claimed while the runner is stopped is given back", "[relay][runner][places]") {
    shared_place at;
    auto const slow = std::make_shared<slow_workers>();
    at.how.workers = slow;
    at.start();
    at.mail({"x@one.a", "x@dns.slow"});
    slow->slow = true;
    at.begin();
    auto const id = at.queue->list({}, 1).at(0).id;
    at.until([&] { return at.queue->find(id)->claimed; }, "claimed");
    bool ended = false;
    at.runner->stop(0ms, [&] { ended = true; });
    for (int i = 0; i < 20; ++i) at.io.run_one_for(1ms);
    slow->slow = false;
    at.until([&] { return ended; }, "the runner ends");

    CHECK_FALSE(at.queue->find(id)->claimed);
    CHECK(at.queue->find(id)->attempts == 0);
    CHECK(at.carrier->attempts.empty());
    at.runner.reset();
}

}  // namespace test_runner_places
