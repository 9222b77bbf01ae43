#include <mailquay/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/spool_place.hpp"

#include <limits>
#include <string>

namespace test_sqlite_store {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::waited;

struct place {
    mailquay_test::temporary_folder folder{};
    std::shared_ptr<mailquay_test::moved_clock> clock = std::make_shared<mailquay_test::moved_clock>();
    std::shared_ptr<workers> pool = std::make_shared<mailquay_test::inline_workers>();
    stores::sqlite_settings settings{};

    place() { settings.clock = clock; }
    stores::sqlite open() { return stores::sqlite{folder.path("state.db"), pool, settings}; }
};

TEST_CASE("values are kept over a restart, octet by octet", "[store][sqlite]") {
    place at;
    std::string const key{"k\0ey", 4}, value{"\0v\xff", 3};
    {
        auto store = at.open();
        CHECK(waited(store.set(key, value, 0s)));
    }
    auto store = at.open();
    CHECK(waited(store.get(key)).value() == value);
    CHECK(waited(store.get("k")).value() == std::nullopt);
    CHECK(waited(store.remove(key)).value());
    CHECK_FALSE(waited(store.remove(key)).value());
    CHECK(waited(store.get(key)).value() == std::nullopt);
}

TEST_CASE("a store without workers of its own takes those it is lent first, and until then no job", "[store][sqlite]") {
    place at;
    stores::sqlite store{at.folder.path("state.db"), at.settings};
    CHECK_THROWS_AS(waited(store.get("k")), workers_busy);
    store.lend(nullptr);
    store.lend(at.pool);
    store.lend(nullptr);
    CHECK(waited(store.set("k", "v", 0s)));
    CHECK(waited(store.get("k")).value() == "v");
}

TEST_CASE("an expired entry is as good as absent", "[store][sqlite]") {
    place at;
    auto store = at.open();
    CHECK(waited(store.set("short", "1", 10s)));
    CHECK(waited(store.set("long", "1", 0s)));

    at.clock->pass(10s);
    CHECK(waited(store.get("short")).value() == std::nullopt);
    CHECK(waited(store.get("long")).value() == "1");
    CHECK_FALSE(waited(store.remove("short")).value());
    CHECK(waited(store.compare_and_set("short", std::nullopt, "2", 10s)).value());
    CHECK(waited(store.get("short")).value() == "2");
}

TEST_CASE("a counter starts at zero, keeps its expiry, and knows its bounds", "[store][sqlite]") {
    place at;
    auto store = at.open();
    CHECK(waited(store.add("n", 5, 10s)).value() == 5);
    at.clock->pass(6s);
    CHECK(waited(store.add("n", -7, 10s)).value() == -2);
    CHECK(waited(store.get("n")).value() == "-2");
    at.clock->pass(6s);
    CHECK(waited(store.add("n", 1, 10s)).value() == 1);

    CHECK(waited(store.set("text", "no number", 0s)));
    CHECK(waited(store.add("text", 1, 0s)).error() == std::errc::invalid_argument);
    CHECK(waited(store.add("big", std::numeric_limits<std::int64_t>::max(), 0s)));
    CHECK(waited(store.add("big", 1, 0s)).error() == std::errc::result_out_of_range);
    CHECK(waited(store.get("text")).value() == "no number");
}

TEST_CASE("a value is put only where the expected one is", "[store][sqlite]") {
    place at;
    auto store = at.open();
    CHECK(waited(store.compare_and_set("k", std::nullopt, "1", 0s)).value());
    CHECK_FALSE(waited(store.compare_and_set("k", std::nullopt, "2", 0s)).value());
    CHECK_FALSE(waited(store.compare_and_set("k", "0", "2", 0s)).value());
    CHECK(waited(store.compare_and_set("k", "1", "2", 0s)).value());
    CHECK(waited(store.get("k")).value() == "2");
}

TEST_CASE("two connections count together, as two processes do", "[store][sqlite]") {
    place at;
    auto one = at.open();
    auto two = at.open();
    for (int i = 0; i < 50; ++i) {
        CHECK(waited(one.add("n", 1, 0s)));
        CHECK(waited(two.add("n", 1, 0s)));
    }
    CHECK(waited(one.get("n")).value() == "100");
}

TEST_CASE("keys, values and their number are bounded", "[store][sqlite]") {
    place at;
    at.settings.max_key_octets = 8;
    at.settings.max_value_octets = 8;
    at.settings.max_entries = 300;
    auto store = at.open();
    CHECK(waited(store.set("ninechars", "1", 0s)).error() == std::errc::value_too_large);
    CHECK(waited(store.set("k", "ninechars", 0s)).error() == std::errc::value_too_large);
    CHECK(waited(store.add("ninechars", 1, 0s)).error() == std::errc::value_too_large);

    for (int i = 0; i < 1000; ++i) CHECK(waited(store.set(std::to_string(i), "v", std::chrono::seconds{1000 + i})));
    int there = 0;
    for (int i = 0; i < 1000; ++i) there += waited(store.get(std::to_string(i))).value().has_value() ? 1 : 0;
    CHECK(there <= 300);
    CHECK(waited(store.get("999")).value() == "v");
}

TEST_CASE("entries that never expire are bounded too, also those of another process", "[store][sqlite]") {
    place at;
    at.settings.max_entries = 320;
    auto store = at.open();
    auto other = at.open();
    for (int i = 0; i < 1000; ++i) {
        CHECK(waited(store.set("a" + std::to_string(i), "v", 0s)));
        CHECK(waited(other.set("b" + std::to_string(i), "v", 0s)));
    }

    int there = 0;
    for (int i = 0; i < 1000; ++i)
        for (char const* who : {"a", "b"}) there += waited(store.get(who + std::to_string(i))).value().has_value() ? 1 : 0;
    CHECK(there <= 320 + 2 * 320 / 16);
    CHECK(there > 100);
}

TEST_CASE("an entry that never expires stays while others can go", "[store][sqlite]") {
    place at;
    at.settings.max_entries = 300;
    auto store = at.open();
    CHECK(waited(store.set("stays", "v", 0s)));
    for (int i = 0; i < 1000; ++i) CHECK(waited(store.set(std::to_string(i), "v", 1000s)));
    CHECK(waited(store.get("stays")).value() == "v");
}

TEST_CASE("a file that is no database is refused at start, with the cure", "[store][sqlite]") {
    place at;
    CHECK_THROWS_WITH(stores::sqlite(at.folder.path("no/such.db"), at.pool), Catch::Contains("name a file"));
    CHECK_THROWS_AS(stores::sqlite(at.folder.path("x.db"), nullptr), std::invalid_argument);
}

}  // namespace test_sqlite_store
