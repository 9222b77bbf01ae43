#include <mailquay/server/server_workers.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace test_server_workers {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("jobs run on threads of their own, which end with the pool", "[server][workers]") {
    std::atomic<int> ran{0};
    std::atomic<bool> elsewhere{true};
    auto const here = std::this_thread::get_id();
    {
        server_workers pool{{.threads = 2, .queue = 100}};
        for (int i = 0; i < 50; ++i)
            CHECK(pool.post([&] {
                if (std::this_thread::get_id() == here) elsewhere = false;
                ++ran;
            }));
    }
    CHECK(ran == 50);
    CHECK(elsewhere);
}

TEST_CASE("a pool that nobody needs starts no thread and minds no bad number", "[server][workers]") {
    server_workers unused{{.threads = 0}};  // would be a start-up error of the threads
    unused.end();
    CHECK_FALSE(unused.post([] {}));
}

TEST_CASE("end() runs what waits, and afterwards no job is taken, while plug-ins still hold on to it", "[server][workers]") {
    auto const pool = std::make_shared<server_workers>(worker_pool_config{.threads = 1, .queue = 100});
    std::shared_ptr<workers> const held_by_plug_in = pool;
    std::promise<void> let_go;
    auto const wait = let_go.get_future().share();
    std::atomic<int> ran{0};
    pool->post([wait] { wait.wait(); });
    for (int i = 0; i < 20; ++i) pool->post([&] { ++ran; });
    std::thread ends([&] { pool->end(); });
    let_go.set_value();
    ends.join();
    CHECK(ran == 20);

    CHECK_FALSE(held_by_plug_in->post([&] { ++ran; }));
    asio::io_context io;
    CHECK_THROWS_AS(run(io, held_by_plug_in->run([&] { ++ran; })), workers_busy);
    pool->end();
    CHECK(ran == 20);
}

TEST_CASE("end_without_waiting() runs no job that waits, and ends the coroutines that wait for them", "[server][workers]") {
    auto const waits_for = [](server_workers* pool, std::shared_ptr<int>, std::atomic<int>* ran) -> asio::awaitable<void> {
        auto const count = [ran] { ++*ran; };
        unique_function<void()> job{count};
        co_await pool->run(std::move(job));
    };
    auto const held = std::make_shared<int>();
    std::atomic<int> ran{0};
    std::promise<void> let_go;
    auto const wait = let_go.get_future().share();
    asio::io_context io;
    server_workers pool{{.threads = 1, .queue = 100}};
    std::promise<void> began;
    pool.post([&, wait] { began.set_value(), wait.wait(); });
    began.get_future().wait();
    for (int i = 0; i < 20; ++i) asio::co_spawn(io, waits_for(&pool, held, &ran), asio::detached);
    io.poll();
    CHECK(held.use_count() == 21);

    std::thread ends([&] { pool.end_without_waiting(); });
    while (pool.post([] {})) std::this_thread::yield();
    io.restart();
    io.run();  // where they wait they end; while a job still runs
    CHECK(held.use_count() == 1);
    let_go.set_value();
    ends.join();
    CHECK(ran == 0);
    pool.end_without_waiting();
}

TEST_CASE("a full queue takes no job", "[server][workers]") {
    server_workers pool{{.threads = 1, .queue = 1}};
    std::promise<void> started;
    std::promise<void> let_go;
    REQUIRE(pool.post([&, wait = let_go.get_future().share()] {
        started.set_value();
        wait.wait();
    }));
    started.get_future().wait();
    CHECK(pool.post([] {}));
    CHECK_FALSE(pool.post([] {}));
    let_go.set_value();
}

TEST_CASE("who waits for a job goes on after it, on its own executor", "[server][workers]") {
    server_workers pool{{.threads = 1, .queue = 10}};
    asio::io_context io;
    std::thread::id where;
    run(io, pool.run([&] { where = std::this_thread::get_id(); }));
    CHECK(where != std::thread::id{});
    CHECK(where != std::this_thread::get_id());
}

TEST_CASE("several shards may ask first at the same time", "[server][workers]") {
    server_workers pool{{.threads = 2, .queue = 1000}};
    std::atomic<int> ran{0};
    std::vector<std::thread> shards;
    for (int i = 0; i < 4; ++i)
        shards.emplace_back([&] {
            for (int job = 0; job < 50; ++job) pool.post([&] { ++ran; });
        });
    for (auto& one : shards) one.join();
    pool.end();
    CHECK(ran == 200);
}

}  // namespace test_server_workers
