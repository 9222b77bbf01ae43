#include <mailquay/client/client.hpp>

#include "support/catch.hpp"
#include "support/scripted_server.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

/// The client on one thread, who uses it on another.
namespace test_client_threads {

using namespace mailquay_test;

TEST_CASE("who sends on one thread cancels what runs on another, at any moment", "[client][sockets][cancel][threads]") {
    constexpr int sends_made = 300;
    asio::io_context far, near;
    auto const far_works = asio::make_work_guard(far);
    auto const near_works = asio::make_work_guard(near);
    server_script const whole{"220 hi", ">EHLO", "250 hi", ">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 2.0.0 queued", "hang"};
    scripted_server server{far, std::vector<server_script>(sends_made, whole)};
    next_hop const hop = server.hop();
    client_config config;
    config.hello_name = "client.example";
    config.pool.messages_per_connection = 1;
    client sends{far, config};
    std::thread other{[&far] { far.run(); }};

    int done = 0, cancelled = 0;
    for (int i = 0; i < sends_made; ++i) {
        asio::cancellation_signal stop;
        std::optional<send_report> got;
        outgoing_message message{"a@client.example", {"b@mx.example"}, "Subject: x\r\n\r\nhello\r\n"};
        auto sending = sends.send(hop, std::move(message));
        asio::co_spawn(near, std::move(sending), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, send_report report) { got = std::move(report); }));
        near.run_for(std::chrono::microseconds{i * 10});
        stop.emit(asio::cancellation_type::terminal);
        while (!got && near.run_one_for(std::chrono::seconds{20}) != 0) {
        }
        REQUIRE(got);
        ++(got->problem == hop_problem::cancelled ? cancelled : done);
        near.poll();
    }
    CHECK(done + cancelled == sends_made);
    CHECK(cancelled > 0);

    sends.close();
    far.stop();
    other.join();
}

}  // namespace test_client_threads
