#include <mailquay/relay/detail/schedule.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace test_schedule {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay::detail::backed_off;
using mailquay::detail::schedule;
using mailquay::detail::waiting_job;

destination to(std::string name) { return {delivery_way::mx, std::move(name)}; }
waiting_job job(std::string destination_name, std::string sender = "a", int priority = 0, std::uint32_t number = 0) {
    waiting_job made;
    made.to = to(std::move(destination_name));
    made.sender = std::move(sender);
    made.priority = static_cast<std::int8_t>(priority);
    made.recipients = {number};
    return made;
}
schedule::limits few(std::size_t connections = 200, std::size_t per_destination = 20, std::size_t first = 2) {
    schedule::limits limits;
    limits.connections = connections;
    limits.per_destination = per_destination;
    limits.first = first;
    limits.retry = {300s, 600s};
    return limits;
}
schedule::time_point const start{1000s};

TEST_CASE("a destination begins with two attempts and earns more by success", "[relay][schedule]") {
    schedule all{few()};
    for (int i = 0; i < 100; ++i) all.add(job("x"));
    CHECK(all.next(start));
    CHECK(all.next(start));
    CHECK_FALSE(all.next(start));

    all.succeeded(to("x"));
    CHECK(all.next(start));
    CHECK(all.next(start));
    CHECK_FALSE(all.next(start));
    CHECK(all.under_way() == 3);

    for (int i = 0; i < 60; ++i) {
        all.succeeded(to("x"));
        while (all.next(start)) {
        }
    }
    CHECK(all.allowed(to("x")) == 20);
    CHECK(all.under_way() <= 20);
}

TEST_CASE("destinations that say nothing leave connections to those that take mail", "[relay][schedule]") {
    schedule all{few(40)};
    for (int i = 0; i < 10; ++i) all.add(job("good"));
    REQUIRE(all.next(start));
    all.succeeded(to("good"));
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 100; ++i) all.add(job("silent" + std::to_string(i)));
    std::vector<std::string> begun;
    while (auto const next = all.next(start)) begun.push_back(next->to.name);
    std::size_t const silent = static_cast<std::size_t>(std::count_if(begun.begin(), begun.end(), [](auto const& name) { return name != "good"; }));
    CHECK(silent == 30);

    // Nothing of the silent ones ends: the good one goes on, and earns more.
    for (int i = 0; i < 6; ++i) {
        all.succeeded(to("good"));
        while (auto const next = all.next(start)) CHECK(next->to.name == "good");
    }
    CHECK(all.waiting(to("good")) == 0);

    // One that ends makes room for the next in line.
    all.failed(to(begun.front() == "good" ? begun[1] : begun.front()), {}, start);
    auto const next = all.next(start);
    REQUIRE(next);
    CHECK(next->to.name.starts_with("silent"));
    CHECK_FALSE(all.next(start));
}

TEST_CASE("one that was set aside and takes mail meanwhile goes on at once", "[relay][schedule]") {
    schedule all{few(4)};
    for (int i = 0; i < 5; ++i) all.add(job("x"));
    REQUIRE(all.next(start));
    for (int i = 0; i < 5; ++i) all.add(job("silent" + std::to_string(i)));
    int of_x = 1;
    int done = 0;
    for (int round = 0; round < 10; ++round) {
        while (auto const next = all.next(start)) of_x += next->to.name == "x" ? 1 : 0;
        CHECK(all.under_way() <= 4);
        if (of_x == done) break;
        all.succeeded(to("x"));
        ++done;
    }
    CHECK(done == 5);
    CHECK(all.under_way() == 3);
}

TEST_CASE("destinations take turns, and senders within one", "[relay][schedule]") {
    schedule all{few(1, 1, 1)};
    for (std::uint32_t i = 0; i < 3; ++i) all.add(job("x", "loud", 0, i));
    all.add(job("x", "quiet", 0, 9));
    all.add(job("y", "loud", 0, 20));

    std::vector<std::uint32_t> order;
    while (auto one = all.next(start)) {
        order.push_back(one->recipients.front());
        all.ended(one->to);
    }
    CHECK(order == std::vector<std::uint32_t>{0, 20, 9, 1, 2});
}

TEST_CASE("what is urgent goes first, and one turn in eight is the lowest's", "[relay][schedule]") {
    schedule all{few(1, 1, 1)};
    for (std::uint32_t i = 0; i < 20; ++i) all.add(job("x", "a", 5, i));
    for (std::uint32_t i = 0; i < 4; ++i) all.add(job("x", "a", -5, 100 + i));

    std::string order;
    for (int i = 0; i < 16; ++i) {
        auto const one = all.next(start);
        order += one->recipients.front() >= 100 ? 'l' : 'h';
        all.ended(one->to);
    }
    CHECK(order == "hhhhhhhlhhhhhhhl");
}

TEST_CASE("a destination that cannot be reached rests, longer each time, and its mail comes out", "[relay][schedule]") {
    schedule all{few()};
    for (int i = 0; i < 5; ++i) all.add(job("x"));
    REQUIRE(all.next(start));
    CHECK(all.failed(to("x"), {{}, {}, "refused", {}}, start));
    CHECK(all.take(to("x")).size() == 4);
    REQUIRE(all.resting(to("x"), start) != nullptr);
    CHECK(all.resting(to("x"), start)->until == start + 300s);
    CHECK(all.resting(to("x"), start)->reply == "refused");
    CHECK(all.resting(to("x"), start + 300s) == nullptr);

    for (int i = 0; i < 5; ++i) all.add(job("x"));
    REQUIRE(all.next(start + 300s));
    CHECK_FALSE(all.next(start + 300s));  // one tries for all
    CHECK(all.failed(to("x"), {{}, {}, "refused", {}}, start + 300s));
    CHECK(all.resting(to("x"), start + 899s) != nullptr);
    CHECK(all.resting(to("x"), start + 900s) == nullptr);

    all.wake(to("x"));
    CHECK(all.resting(to("x"), start + 301s) == nullptr);
}

TEST_CASE("one that serves others now is only full", "[relay][schedule]") {
    schedule all{few()};
    for (int i = 0; i < 10; ++i) all.add(job("x"));
    REQUIRE(all.next(start));
    all.succeeded(to("x"));
    REQUIRE(all.next(start));
    REQUIRE(all.next(start));
    REQUIRE(all.next(start));

    CHECK_FALSE(all.failed(to("x"), {}, start));
    CHECK(all.resting(to("x"), start) == nullptr);
    CHECK(all.allowed(to("x")) == 2);
    CHECK_FALSE(all.next(start));

    all.slowed(to("x"));
    CHECK(all.allowed(to("x")) == 1);
    all.slowed(to("x"));
    CHECK(all.failed(to("x"), {}, start));
}

TEST_CASE("a destination is slow if what is next has waited long; of it the newest give way", "[relay][schedule]") {
    schedule all{few()};
    for (std::uint32_t i = 0; i < 10; ++i) {
        auto one = job("slow", i % 2 == 0 ? "a" : "b", 0, i);
        one.since = start + std::chrono::seconds{i};
        all.add(one);
        one.to = to("new");
        one.since = start + 100s;
        all.add(one);
    }
    CHECK(all.is_slow(to("slow"), start));
    CHECK_FALSE(all.is_slow(to("new"), start + 60s));
    auto const crowd = all.take_crowds(4, start + 60s);
    REQUIRE(crowd.size() == 6);
    CHECK(crowd.front().recipients.front() == 4);
    CHECK(all.waiting(to("slow")) == 4);
    CHECK(all.waiting(to("new")) == 10);
    CHECK(all.waiting() == 14);
}

TEST_CASE("what is put back is next in its line", "[relay][schedule]") {
    schedule all{few(1, 1, 1)};
    all.add(job("x", "a", 0, 1));
    all.add(job("x", "a", 0, 2));
    auto first = all.next(start);
    REQUIRE(first);
    all.put_back(*first);
    all.ended(to("x"));
    CHECK(all.next(start)->recipients.front() == 1);
}

TEST_CASE("destinations with nothing to do are forgotten, those that rest are not", "[relay][schedule]") {
    schedule all{few()};
    all.add(job("dead"));
    REQUIRE(all.next(start));
    REQUIRE(all.failed(to("dead"), {}, start));
    for (int i = 0; i < 20'000; ++i) {
        all.add(job("host" + std::to_string(i)));
        auto const one = all.next(start);
        REQUIRE(one);
        all.succeeded(one->to);
    }
    CHECK(all.destinations() < 5000);
    CHECK(all.resting(to("dead"), start) != nullptr);
    CHECK(all.waiting() == 0);
}

TEST_CASE("what is taken out leaves the rest in its order", "[relay][schedule]") {
    schedule all{few()};
    for (std::uint32_t i = 0; i < 6; ++i) all.add(job("x", "a", 0, i));
    all.add(job("x", "b", 5, 10));
    all.add(job("y", "a", 0, 12));
    auto const even = all.take_if([](waiting_job const& one) { return one.recipients.front() % 2 == 0; });

    REQUIRE(even.size() == 5);
    CHECK(all.waiting() == 3);
    CHECK(all.waiting(to("x")) == 3);
    CHECK(all.waiting(to("y")) == 0);
    std::vector<std::uint32_t> left;
    while (auto next = all.next(start)) {
        left.push_back(next->recipients.front());
        all.succeeded(to("x"));
    }
    CHECK(left == std::vector<std::uint32_t>{1, 3, 5});
    all.add(job("y", "a", 0, 13));
    CHECK(all.next(start)->recipients.front() == 13);
}

}  // namespace test_schedule
