#include <mailquay/handler/eventual.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <memory>
#include <string>
#include <utility>

namespace test_eventual {
using namespace mailquay;
using namespace mailquay_test;

struct frame_counter {
    explicit frame_counter(int& alive) : alive_(&alive) { ++*alive_; }
    frame_counter(frame_counter const& other) : alive_(other.alive_) { ++*alive_; }
    ~frame_counter() { --*alive_; }
    int* alive_;
};
inline asio::awaitable<int> counted(frame_counter) { co_return 3; }

TEST_CASE("an eventual made of a value is ready", "[eventual]") {
    eventual<std::string> now = "text";
    REQUIRE(now.ready());
    CHECK(std::move(now).value() == "text");
}

TEST_CASE("an eventual made of a coroutine is not ready, and gives its value when waited for", "[eventual]") {
    asio::io_context io;
    eventual<int> then = later(5);
    REQUIRE_FALSE(then.ready());
    CHECK(run(io, std::move(then)) == 5);
}

TEST_CASE("a ready eventual can be waited for too", "[eventual]") {
    asio::io_context io;
    CHECK(run(io, wait_for(eventual<int>{4})) == 4);
}

TEST_CASE("an eventual holds what cannot be copied", "[eventual]") {
    eventual<std::unique_ptr<int>> now = std::make_unique<int>(1);
    eventual<std::unique_ptr<int>> moved = std::move(now);
    CHECK(*std::move(moved).value() == 1);
}

TEST_CASE("a coroutine that nobody waits for is destroyed, also when another is assigned over it", "[eventual]") {
    int alive = 0;
    {
        eventual<int> one = counted(frame_counter{alive});
        REQUIRE(alive == 1);
        one = eventual<int>{2};
        CHECK(alive == 0);
        CHECK(std::move(one).value() == 2);
        eventual<int> two = counted(frame_counter{alive});
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}

}  // namespace test_eventual
