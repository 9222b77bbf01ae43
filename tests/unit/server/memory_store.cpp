#include <mailquay/server/memory_store.hpp>

#include "support/catch.hpp"

#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace test_memory_store {
using namespace mailquay;
using std::chrono::seconds;

struct hand_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point now{seconds{1000}};
    std::chrono::steady_clock::time_point steady() const noexcept override { return now; }
    std::chrono::system_clock::time_point wall() const noexcept override { return {}; }
};
struct bench {
    std::shared_ptr<hand_clock> time = std::make_shared<hand_clock>();
    memory_store store;
    explicit bench(memory_store_config config = {}) : store(config, time) {}
    std::optional<std::string> get(std::string key) { return std::move(store.get(std::move(key))).value().value(); }
    bool set(std::string key, std::string value, int ttl = 0) {
        return std::move(store.set(std::move(key), std::move(value), seconds{ttl})).value().has_value();
    }
    result<std::int64_t> add(std::string key, std::int64_t delta, int ttl = 0) {
        return std::move(store.add(std::move(key), delta, seconds{ttl})).value();
    }
};

TEST_CASE("what is set can be got, replaced and removed", "[store]") {
    bench b;
    CHECK_FALSE(b.get("k"));
    CHECK(b.set("k", "v"));
    CHECK(b.get("k") == "v");
    CHECK(b.set("k", "w"));
    CHECK(b.get("k") == "w");
    CHECK(b.store.size() == 1);
    CHECK(*std::move(b.store.remove("k")).value());
    CHECK_FALSE(*std::move(b.store.remove("k")).value());
    CHECK_FALSE(b.get("k"));
}

TEST_CASE("keys and values are octets", "[store]") {
    bench b;
    std::string const odd("a\0\xff", 3);
    CHECK(b.set(odd, odd));
    CHECK(b.get(odd) == odd);
    CHECK_FALSE(b.get("a"));
    CHECK(b.set("", ""));
    CHECK(b.get("") == "");
}

TEST_CASE("an entry is gone when its time is over", "[store]") {
    bench b;
    b.set("k", "v", 10);
    b.set("always", "v", 0);
    b.time->now += seconds{9};
    CHECK(b.get("k"));
    b.time->now += seconds{1};
    CHECK_FALSE(b.get("k"));
    b.time->now += seconds{1'000'000'000};
    CHECK(b.get("always"));
    CHECK(std::move(b.store.set("long", "v", seconds::max())).value());
    CHECK(b.get("long"));
}

TEST_CASE("a counter starts at zero and keeps its expiry", "[store]") {
    bench b;
    CHECK(*b.add("n", 2, 10) == 2);
    b.time->now += seconds{6};
    CHECK(*b.add("n", 3, 10) == 5);
    CHECK(*b.add("n", -1, 10) == 4);
    CHECK(b.get("n") == "4");
    b.time->now += seconds{4};
    CHECK_FALSE(b.get("n"));
    CHECK(*b.add("n", 1, 10) == 1);
}

TEST_CASE("what is no counter, or would leave 64 bits, is an error and stays", "[store]") {
    bench b;
    b.set("k", "12x");
    CHECK(b.add("k", 1).error() == std::errc::invalid_argument);
    CHECK(b.get("k") == "12x");
    CHECK(b.add("n", std::numeric_limits<std::int64_t>::max()));
    CHECK(b.add("n", 1).error() == std::errc::result_out_of_range);
    CHECK(*b.add("n", 0) == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("compare_and_set puts only in place of what is expected", "[store]") {
    bench b;
    auto const swap = [&](std::optional<std::string> expected, std::string value) {
        return *std::move(b.store.compare_and_set("k", std::move(expected), std::move(value), seconds{5})).value();
    };
    CHECK_FALSE(swap("x", "a"));
    CHECK(swap(std::nullopt, "a"));
    CHECK_FALSE(swap(std::nullopt, "b"));
    CHECK_FALSE(swap("b", "c"));
    CHECK(swap("a", "b"));
    CHECK(b.get("k") == "b");
    b.time->now += seconds{5};
    CHECK(swap(std::nullopt, "c"));
}

TEST_CASE("above the bound the expired go first, then the oldest", "[store]") {
    bench b{{.entries = 3}};
    b.set("old", "1");
    b.set("short", "1", 5);
    b.set("new", "1");
    b.time->now += seconds{5};
    b.set("a", "1");
    CHECK(b.get("old"));
    CHECK_FALSE(b.get("short"));
    b.set("old", "2");  // is young again
    b.set("b", "1");
    CHECK_FALSE(b.get("new"));
    CHECK(b.get("old") == "2");
    CHECK(b.store.size() == 3);
}

TEST_CASE("octets are bounded too", "[store]") {
    bench b{{.entries = 100, .octets = 10}};
    CHECK(b.set("a", "1234"));
    CHECK(b.set("b", "1234"));
    CHECK(b.set("c", "1234"));
    CHECK_FALSE(b.get("a"));
    CHECK(b.get("c"));
    CHECK(std::move(b.store.set("d", std::string(10, 'x'), seconds{0})).value().error() == std::errc::not_enough_memory);
    CHECK(b.get("c"));
    CHECK(b.set("c", "123456789"));
    CHECK_FALSE(b.get("b"));
}

TEST_CASE("a store that can keep nothing is a start-up error", "[store]") {
    CHECK_THROWS_AS((memory_store{{.entries = 0}}), std::invalid_argument);
    CHECK_THROWS_AS((memory_store{{.octets = 0}}), std::invalid_argument);
}

TEST_CASE("counters lose nothing between threads", "[store]") {
    memory_store store;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) (void)store.add("k", 1, seconds{60});
        });
    for (auto& one : threads) one.join();
    CHECK(*std::move(store.add("k", 0, seconds{60})).value() == 4000);
}

}  // namespace test_memory_store
