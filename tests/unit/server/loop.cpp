#include <mailquay/server/loop.hpp>

#include <mailquay/server/asio_loop.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace test_loop {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

static_assert(std::is_base_of_v<loop, asio_loop> && std::is_base_of_v<loop, manual_loop>);
static_assert(std::has_virtual_destructor_v<loop> && std::has_virtual_destructor_v<alarm_listener>);

struct hearing final : alarm_listener {
    void rang(shard_alarm which) noexcept override { rung.push_back(which); }
    std::vector<shard_alarm> rung;
};

TEST_CASE("there is a place for each alarm", "[server][loop]") {
    CHECK(std::size_t(shard_alarm::tick) < alarms);
    CHECK(std::size_t(shard_alarm::flush) < alarms);
    CHECK(std::size_t(shard_alarm::accept) < alarms);
}

TEST_CASE("an alarm rings once at its time, and the later setting counts; the loop of the tests", "[server][loop]") {
    manual_loop runs;
    hearing hears;
    runs.rings = &hears;
    runs.set_alarm(shard_alarm::tick, 5ms);
    runs.set_alarm(shard_alarm::tick, 50ms);
    runs.set_alarm(shard_alarm::flush, 20ms);
    runs.pass(19ms);
    CHECK(hears.rung.empty());
    runs.pass(1ms);
    CHECK(hears.rung == std::vector<shard_alarm>{shard_alarm::flush});
    runs.pass(1h);
    CHECK(hears.rung == std::vector<shard_alarm>{shard_alarm::flush, shard_alarm::tick});
}

TEST_CASE("the clock of the tests moves both times together, and only when told", "[server][loop]") {
    manual_loop runs;
    auto const steady = runs.now();
    auto const wall = runs.wall();
    runs.settle();
    CHECK(runs.now() == steady);
    runs.pass(90min);
    CHECK(runs.now() - steady == 90min);
    CHECK(runs.wall() - wall == 90min);
}

TEST_CASE("posted tasks run soon and in order, not within the call, from any thread; Asio's loop", "[server][loop]") {
    asio::io_context io{1};
    asio_loop runs{io.get_executor()};
    std::vector<int> ran;
    runs.post([&] {
        ran.push_back(1);
        runs.post([&] { ran.push_back(3); });
        ran.push_back(2);
    });
    CHECK(ran.empty());
    std::thread::id where;
    std::thread other([&] { runs.post([&] { where = std::this_thread::get_id(); }); });
    other.join();
    io.run();
    CHECK(ran == std::vector<int>{1, 2, 3});
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("a posted task may own what cannot be copied, and lets it go when it ran", "[server][loop]") {
    asio::io_context io{1};
    asio_loop runs{io.get_executor()};
    auto held = std::make_shared<int>(1);
    std::weak_ptr<int> const still = held;
    runs.post([one = std::make_unique<std::shared_ptr<int>>(std::move(held))] {});
    CHECK_FALSE(still.expired());
    io.run();
    CHECK(still.expired());
}

TEST_CASE("Asio's loop tells the machine's time", "[server][loop]") {
    asio::io_context io{1};
    asio_loop const runs{io.get_executor()};
    auto const before = std::chrono::steady_clock::now();
    CHECK(runs.now() >= before);
    CHECK(runs.now() - before < 1min);
    CHECK(runs.wall() - std::chrono::system_clock::now() < 1min);
    CHECK(std::chrono::system_clock::now() - runs.wall() < 1min);
}

}  // namespace test_loop
