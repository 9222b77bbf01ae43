#include <mailquay/client/connection_pool.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace test_connection_pool {

using namespace mailquay;
using namespace std::chrono_literals;
using pool_type = connection_pool<int>;
using outcome = pool_type::outcome;
using returned = pool_type::returned;

struct fixture {
    explicit fixture(std::size_t per_destination = 2, std::size_t total = 3, std::size_t waiting = 2) : pool(limits(per_destination, total, waiting)) {}
    static pool_limits limits(std::size_t per_destination, std::size_t total, std::size_t waiting) {
        pool_limits made;
        made.per_destination = per_destination;
        made.total = total;
        made.waiting = waiting;
        made.idle = 5s;
        return made;
    }
    pool_type::grant ask(std::string const& key, bool fresh = false) {
        return pool.acquire(key, fresh, [this, key](std::shared_ptr<int> link) { granted.push_back(key + (link ? std::to_string(*link) : "-")); });
    }
    static std::shared_ptr<int> link(int number) { return std::make_shared<int>(number); }

    pool_type pool;
    pool_type::time_point now{};
    std::vector<std::string> granted{};
};

TEST_CASE("an idle connection is used again, the last one first", "[client][pool]") {
    fixture on;
    CHECK(on.ask("a").what == outcome::open);
    CHECK(on.ask("a").what == outcome::open);
    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::idle);
    CHECK(on.pool.give_back("a", fixture::link(2), on.now) == returned::idle);
    CHECK(on.pool.idle() == 2);

    auto const got = on.ask("a");
    CHECK(got.what == outcome::reuse);
    CHECK(*got.link == 2);
    CHECK(on.pool.open() == 2);
    CHECK(on.ask("b").what == outcome::open);
}

TEST_CASE("beyond the bounds one waits, and gets what comes back or what may be opened", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    CHECK(on.ask("a").what == outcome::waits);
    CHECK(on.ask("a").what == outcome::waits);
    CHECK(on.ask("a").what == outcome::refused);

    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::handed_over);
    CHECK(on.granted == std::vector<std::string>{"a1"});
    on.pool.closed("a");
    CHECK(on.granted == std::vector<std::string>{"a1", "a-"});
    CHECK(on.pool.open() == 2);
    CHECK(on.pool.waiting() == 0);
}

TEST_CASE("the total is a bound too: an idle connection of another destination makes room", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    on.ask("b");
    CHECK(on.ask("c").what == outcome::waits);
    on.pool.closed("b");
    CHECK(on.granted == std::vector<std::string>{"c-"});

    on.pool.give_back("a", fixture::link(1), on.now);
    auto const got = on.ask("d");
    CHECK(got.what == outcome::open);
    REQUIRE(got.evicted);
    CHECK(*got.evicted == 1);
    CHECK(on.pool.open() == 3);
}

TEST_CASE("who waited longest is next, whatever his destination", "[client][pool][fairness]") {
    fixture on{2, 2, 10};
    on.ask("a");
    on.ask("a");
    on.ask("b");  // for the total
    on.ask("a");
    on.ask("c");
    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::unwanted);  // its place is what "b" needs
    on.pool.closed("a");
    CHECK(on.granted == std::vector<std::string>{"b-"});
    CHECK(on.pool.give_back("a", fixture::link(2), on.now) == returned::handed_over);
    CHECK(on.granted == std::vector<std::string>{"b-", "a2"});
    CHECK(on.pool.give_back("b", fixture::link(3), on.now) == returned::unwanted);  // nobody wants it, and "c" has no place
    on.pool.closed("b");
    CHECK(on.granted == std::vector<std::string>{"b-", "a2", "c-"});
    CHECK(on.pool.open() == 2);
}

TEST_CASE("who may have no further connection keeps nobody from the place that is free", "[client][pool][fairness]") {
    fixture on{1, 2, 10};
    on.ask("a");
    on.ask("b");
    on.ask("a");  // for one of "a"
    on.ask("c");  // for the total
    on.pool.closed("b");
    CHECK(on.granted == std::vector<std::string>{"c-"});
    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::handed_over);
}

TEST_CASE("who gives up waiting gets nothing", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    auto const place = on.ask("a");
    CHECK(on.pool.cancel("a", place.waits_as));
    CHECK_FALSE(on.pool.cancel("a", place.waits_as));
    on.pool.closed("a");
    CHECK(on.granted.empty());
    CHECK(on.pool.open() == 1);
}

TEST_CASE("a fresh connection is never an idle one, and makes room for itself", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    on.pool.give_back("a", fixture::link(1), on.now);
    auto const got = on.ask("a", true);
    CHECK(got.what == outcome::open);
    CHECK(got.evicted);
    CHECK(on.pool.open() == 2);
}

TEST_CASE("who waits for a fresh connection is not given a used one", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    CHECK(on.ask("a", true).what == outcome::waits);
    CHECK(on.ask("a").what == outcome::waits);

    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::unwanted);
    CHECK(on.granted.empty());
    on.pool.closed("a");
    CHECK(on.granted == std::vector<std::string>{"a-"});
    CHECK(on.pool.give_back("a", fixture::link(2), on.now) == returned::handed_over);
    CHECK(on.granted == std::vector<std::string>{"a-", "a2"});
}

TEST_CASE("what is idle for too long, or breaks, no longer counts", "[client][pool]") {
    fixture on;
    on.ask("a");
    on.ask("a");
    auto const first = fixture::link(1);
    on.pool.give_back("a", first, on.now);
    on.pool.give_back("a", fixture::link(2), on.now + 1s);
    CHECK(on.pool.next_expiry() == on.now + 5s);
    CHECK(on.pool.take_expired(on.now + 4s).empty());
    CHECK(on.pool.take_expired(on.now + 5s).size() == 1);
    CHECK(on.pool.open() == 1);
    CHECK_FALSE(on.pool.remove_idle("a", first.get()));
    CHECK(on.pool.next_expiry() == on.now + 6s);
    CHECK(on.pool.close().size() == 1);
    CHECK(on.pool.open() == 0);
    CHECK_FALSE(on.pool.next_expiry());
}

TEST_CASE("after close() nothing is kept", "[client][pool]") {
    fixture on;
    on.ask("a");
    CHECK(on.pool.close().empty());
    CHECK(on.pool.give_back("a", fixture::link(1), on.now) == returned::unwanted);
    on.pool.closed("a");
    CHECK(on.pool.open() == 0);
}

}  // namespace test_connection_pool
