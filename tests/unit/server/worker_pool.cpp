#include <mailquay/server/worker_pool.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <atomic>
#include <future>
#include <stdexcept>

namespace test_worker_pool {
using namespace mailquay;
using namespace mailquay_test;

/// A host's own workers: runs each job at once, on the caller's thread.
struct inline_workers final : workers {
    bool full = false;
    bool post(unique_function<void()> job) override {
        if (full) return false;
        job();
        return true;
    }
    asio::awaitable<void> run(unique_function<void()> job) override { return run_on_workers(*this, std::move(job)); }
};

TEST_CASE("a pool without threads or queue is a start-up error", "[workers]") {
    CHECK_THROWS_WITH((worker_pool{{.threads = 0}}), Catch::Contains("threads"));
    CHECK_THROWS_WITH((worker_pool{{.queue = 0}}), Catch::Contains("queue"));
}

TEST_CASE("jobs that were taken are run before the pool is gone", "[workers]") {
    std::atomic<int> ran{0};
    {
        worker_pool pool{{.threads = 2, .queue = 1000}};
        for (int i = 0; i < 1000; ++i) pool.post([&] { ++ran; });
    }
    CHECK(ran == 1000);
}

TEST_CASE("a full queue takes no job, and takes one again when there is room", "[workers]") {
    std::promise<void> started;
    std::promise<void> gate;
    auto const opened = gate.get_future().share();
    worker_pool pool{{.threads = 1, .queue = 2}};
    REQUIRE(pool.post([&started, opened] {
        started.set_value();
        opened.wait();
    }));
    started.get_future().wait();
    std::promise<void> last;
    CHECK(pool.post([] {}));
    CHECK(pool.post([&] { last.set_value(); }));
    CHECK(pool.waiting() == 2);
    bool ran = false;
    CHECK_FALSE(pool.post([&] { ran = true; }));
    gate.set_value();
    last.get_future().wait();
    CHECK(pool.post([] {}));
    CHECK_FALSE(ran);
}

TEST_CASE("workers of a host's own serve coroutines by run_on_workers()", "[workers]") {
    asio::io_context io;
    inline_workers mine;
    int ran = 0;
    run(io, mine.run([&] { ++ran; }));
    CHECK(ran == 1);
    mine.full = true;
    CHECK_THROWS_AS(run(io, mine.run([&] { ++ran; })), workers_busy);
    CHECK(ran == 1);
}

TEST_CASE("many waiters on one executor are all served", "[workers]") {
    asio::io_context io;
    worker_pool pool{{.threads = 3, .queue = 500}};
    std::atomic<int> ran{0};
    int resumed = 0;
    for (int i = 0; i < 500; ++i)
        asio::co_spawn(io, pool.run([&] { ++ran; }), [&](std::exception_ptr failed) { resumed += failed == nullptr; });
    io.run();
    CHECK(ran == 500);
    CHECK(resumed == 500);
}

}  // namespace test_worker_pool
