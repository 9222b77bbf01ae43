#include <mailquay/server/server.hpp>

#include <mailquay/sink/discard.hpp>

#include "support/catch.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <stdexcept>

namespace test_server_after_shutdown {

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("a server that was shut down listens no more, and says so", "[server]") {
    asio::io_context io{1};
    server_config config;
    config.hostname = "mx.example.org";
    server mx{io, config};
    mx.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::discard{});
    mx.listen("127.0.0.1:0");
    bool done = false;
    mx.shutdown(0s, [&](shutdown_report const&) { done = true; });
    io.run();
    REQUIRE(done);

    CHECK_THROWS_AS(mx.listen("127.0.0.1:0"), std::logic_error);

    io.restart();
    io.run();
    bool told = false;
    mx.shutdown(0s, [&](shutdown_report const& report) { told = report.in_time; });
    CHECK(told);
}

TEST_CASE("a listener that is added while the server shuts down is not served, and ends with it", "[server]") {
    asio::io_context io{1};
    server_config config;
    config.hostname = "mx.example.org";
    server mx{io, config};
    mx.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::discard{});
    mx.listen("127.0.0.1:0");
    io.poll();
    mx.shutdown(0s);
    while (mx.connections() == 0 && io.poll_one() != 0) {
        // At each step of the shutdown one more listener comes, until there is no server to add it to.
        try {
            mx.listen("127.0.0.1:0");
        } catch (std::logic_error const&) {
            break;
        }
    }

    io.run();

    CHECK_THROWS_AS(mx.listen("127.0.0.1:0"), std::logic_error);
}

}  // namespace test_server_after_shutdown
