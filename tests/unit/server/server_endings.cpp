#include <mailquay/server/server.hpp>

#include "support/catch.hpp"
#include "support/server_plugins.hpp"
#include "support/stubborn.hpp"

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

/// What a whole server does that needs a peer of its own making: hooks that do not end, messages that must be kept aside.
namespace test_server_endings {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

inline asio::ip::tcp::endpoint address_of(listen_endpoint const& where) {
    return {asio::ip::make_address(where.address.address.to_string()), where.port()};
}

/// Sends all and reads until `last` came. Blocks.
class peer {
public:
    explicit peer(listen_endpoint const& to) { socket_.connect(address_of(to)); }
    void send(std::string_view octets) { asio::write(socket_, asio::buffer(octets)); }
    void await(std::string_view last) {
        std::error_code failure;
        auto const got = asio::read_until(socket_, asio::dynamic_buffer(read_), std::string{last}, failure);
        INFO(read_);
        REQUIRE_FALSE(failure);
        read_.erase(0, got);
    }

private:
    asio::io_context io_;
    asio::ip::tcp::socket socket_{io_};
    std::string read_;
};

inline asio::awaitable<verdict> never(std::shared_ptr<std::atomic<int>> waiting) {
    gate shut;
    ++*waiting;
    co_await shut.wait();
    --*waiting;
    co_return accept();
}

struct stuck {
    explicit stuck(std::shared_ptr<std::atomic<int>> count) : waiting(std::move(count)) {}
    eventual<verdict> operator()(transaction const&, recipient const&) const { return never(waiting); }
    std::shared_ptr<std::atomic<int>> waiting;
};

inline void talk_until_stuck(peer& client, std::atomic<int> const& waiting) {
    client.send("EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
    for (int tries = 0; waiting == 0 && tries < 1000; ++tries) std::this_thread::sleep_for(10ms);
    REQUIRE(waiting == 1);
}

TEST_CASE("run() ends though a hook ignores its cancellation, and the report counts the hook", "[server][endings]") {
    auto const waiting = std::make_shared<std::atomic<int>>(0);
    auto const record = std::make_shared<sink_record>();
    shutdown_report report;
    {
        server serves{{.hostname = "mx.example.org"}};
        serves.recipients(stuck{waiting}).sink(std::make_shared<recording_sink>(record));
        auto const where = serves.listen("127.0.0.1:0");
        std::thread runs([&] { serves.run(2); });
        peer client{where};
        talk_until_stuck(client, *waiting);

        serves.shutdown(0ms, [&](shutdown_report const& got) { report = got; });

        client.await("421 4.3.2 Service stopping\r\n");
        runs.join();
        CHECK(report.hooks_left == 1);
        CHECK(report.connections == 1);
        CHECK_FALSE(report.in_time);
        CHECK(*waiting == 1);
    }
    CHECK(waiting.use_count() == 1);  // the hook's frame went with the server's context
}

TEST_CASE("a host's context may be destroyed while hooks ignore their cancellation", "[server][endings]") {
    auto const waiting = std::make_shared<std::atomic<int>>(0);
    auto const record = std::make_shared<sink_record>();
    bool const server_first = GENERATE(true, false);
    bool const shut_down = GENERATE(false, true);
    {
        std::unique_ptr<server> serves;
        auto io = std::make_unique<asio::io_context>(1);
        serves = std::make_unique<server>(*io, server_config{.hostname = "mx.example.org"});
        serves->recipients(stuck{waiting}).sink(std::make_shared<recording_sink>(record));
        auto const where = serves->listen("127.0.0.1:0");
        peer client{where};
        client.send("EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
        for (int tries = 0; *waiting == 0 && tries < 100; ++tries) io->run_for(10ms);
        REQUIRE(*waiting == 1);
        if (shut_down) {
            bool told = false;
            serves->shutdown(0ms, [&](shutdown_report const& got) { told = got.hooks_left == 1; });
            for (int tries = 0; !told && tries < 1000; ++tries) io->run_for(10ms);
            CHECK(told);
        }
        if (server_first) {
            serves.reset();
            io.reset();
        } else {
            io->run_for(1ms);
            serves.reset();
            io->poll();
            io.reset();
        }
    }
    CHECK(waiting.use_count() == 1);
    CHECK(record->writers == 0);
}

TEST_CASE("a filter that edits works through a server that was given no buffers, whatever the size of the message",
          "[server][endings]") {
    std::size_t const size = GENERATE(std::size_t{10}, std::size_t{300'000}, std::size_t{3'000'000});
    asio::io_context io{1};
    auto const record = std::make_shared<sink_record>();
    server serves{io, {.hostname = "mx.example.org"}};
    serves.recipients([](transaction const&, recipient const&) { return accept(); });
    serves.filters([](message_edit& message) {
        message.add_field("X-Size", std::to_string(message.body_octets()));
        return pass();
    });
    serves.sink(std::make_shared<recording_sink>(record));
    auto const where = serves.listen("127.0.0.1:0");
    std::thread runs([&] { io.run(); });
    std::string body;
    for (std::size_t i = 0; body.size() < size; ++i) body += std::to_string(i) + "\r\n";
    {
        peer client{where};
        client.send("EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
        client.await("354 ");
        client.send("Subject: x\r\n\r\n" + body + ".\r\n");
        client.await("250 2.0.0 ");
    }
    serves.shutdown(5s);
    runs.join();
    REQUIRE(record->kept.size() == 1);
    std::string const& kept = record->kept[0].octets;
    CHECK(kept.starts_with("Received: "));
    CHECK((kept.ends_with("\r\nX-Size: " + std::to_string(body.size()) + "\r\nSubject: x\r\n\r\n" + body)));
}

}  // namespace test_server_endings
