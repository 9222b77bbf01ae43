#include <mailquay/handler/offload.hpp>

#include <mailquay/server/worker_pool.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

namespace test_offload {
using namespace mailquay;
using namespace mailquay_test;

inline asio::awaitable<bool> resumes_here(workers& pool) {
    auto const here = std::this_thread::get_id();
    auto const look = [here] { return std::this_thread::get_id() != here; };
    auto asked = offload(pool, look);
    bool const elsewhere = co_await std::move(asked).wait();
    co_return elsewhere && std::this_thread::get_id() == here;
}

TEST_CASE("a job runs on a worker and its waiter goes on where it was", "[offload]") {
    asio::io_context io;
    worker_pool pool;
    CHECK(run(io, resumes_here(pool)));
}

TEST_CASE("a job may hold and give what cannot be copied", "[offload]") {
    asio::io_context io;
    worker_pool pool;
    auto given = run(io, offload(pool, [held = std::make_unique<int>(3)]() mutable { return std::move(held); }));
    CHECK(*given == 3);
}

TEST_CASE("a job without a value is waited for too", "[offload]") {
    asio::io_context io;
    worker_pool pool;
    std::atomic<int> ran{0};
    run(io, offload(pool, [&] { ++ran; }));
    CHECK(ran == 1);
    CHECK_THROWS_AS(run(io, offload(pool, [] { throw std::runtime_error("no"); })), std::runtime_error);
}

TEST_CASE("what a job throws comes out of the wait", "[offload]") {
    asio::io_context io;
    worker_pool pool;
    CHECK_THROWS_WITH(run(io, offload(pool, []() -> int { throw std::runtime_error("no such disk"); })), "no such disk");
}

TEST_CASE("nothing runs before it is waited for", "[offload]") {
    std::atomic<bool> ran{false};
    {
        worker_pool pool;
        auto unused = offload(pool, [&] { return ran = true, 1; });
        CHECK_FALSE(unused.ready());
    }
    CHECK_FALSE(ran);
}

TEST_CASE("a full queue is told by workers_busy", "[offload]") {
    asio::io_context io;
    std::promise<void> started;
    std::promise<void> gate;
    worker_pool pool{{.threads = 1, .queue = 1}};
    REQUIRE(pool.post([&, opened = gate.get_future().share()] {
        started.set_value();
        opened.wait();
    }));
    started.get_future().wait();
    REQUIRE(pool.post([] {}));
    bool ran = false;

    CHECK_THROWS_AS(run(io, offload(pool, [&] { return ran = true; })), workers_busy);

    gate.set_value();
    CHECK_FALSE(ran);
}

TEST_CASE("cancelled while its job runs, a waiter goes on after the job's end", "[offload]") {
    asio::io_context io;
    std::promise<void> started;
    std::promise<void> gate;
    worker_pool pool;
    auto opened = gate.get_future().share();
    auto job = [&started, opened] {
        started.set_value();
        opened.wait();
        return 7;
    };
    asio::cancellation_signal stop;
    int value = 0;
    asio::co_spawn(io, wait_for(offload(pool, job)),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, int given) { value = given; }));
    io.poll();
    started.get_future().wait();

    stop.emit(asio::cancellation_type::all);
    io.poll();
    CHECK(value == 0);
    gate.set_value();
    io.run();
    CHECK(value == 7);
}

}  // namespace test_offload
