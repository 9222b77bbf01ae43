#include <mailquay/server/asio_compat.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace test_asio_compat {

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("a timer set anew rings once, at the later setting", "[server][asio]") {
    asio::io_context io{1};
    asio_compat::timer timer{asio::any_io_executor{io.get_executor()}};
    std::vector<std::error_code> first;
    std::vector<std::error_code> second;
    asio_compat::restart(timer, 1h, [&](std::error_code failure) { first.push_back(failure); });
    asio_compat::restart(timer, 1ms, [&](std::error_code failure) { second.push_back(failure); });
    io.run();
    REQUIRE(first.size() == 1);
    CHECK(first[0] == asio::error::operation_aborted);
    REQUIRE(second.size() == 1);
    CHECK_FALSE(second[0]);
}

TEST_CASE("a strand runs one thing at a time, though several threads run its context", "[server][asio]") {
    asio::io_context io;
    auto const strand = asio_compat::make_strand(io.get_executor());
    std::atomic<int> inside{0};
    int together = 0;
    int ran = 0;
    for (int i = 0; i < 1000; ++i)
        asio::post(strand, [&] {
            if (++inside != 1) ++together;
            ++ran;  // not atomic: a data race if they overlapped
            --inside;
        });
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { io.run(); });
    for (auto& one : threads) one.join();
    CHECK(ran == 1000);
    CHECK(together == 0);
}

}  // namespace test_asio_compat
