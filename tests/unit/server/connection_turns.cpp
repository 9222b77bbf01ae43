#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

// Connections of a shard share one read buffer: each must be done with it before it lets another one have its turn.

namespace test_connection_turns {

using namespace mailquay;
using namespace mailquay_test;

struct fixture {
    played_client receiving() {
        auto client = shards.connect(setup);
        client.send("EHLO client.example\r\n").send(whole_transaction).take();
        return client;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<listener_setup> setup = make_test_setup(recording_plugins(record));
    manual_shard shards;
};

/// A message of one letter, far longer than what one turn reads.
inline std::string long_message(char letter) {
    std::string text = "\r\n";
    for (int line = 0; line < 40'000; ++line) text.append(70, letter).append("\r\n");
    return text + ".\r\n";
}

TEST_CASE("messages that need many turns of reading each arrive whole, and unmixed", "[server][connection]") {
    fixture at;
    auto const how = GENERATE(manner::at_once, manner::later);
    at.record->write = how;
    auto first = at.receiving();
    auto second = at.receiving();
    auto third = at.receiving();
    first.on_wire().to_server = long_message('a');
    second.on_wire().to_server = long_message('b');
    third.on_wire().to_server = long_message('c');

    at.shards.loop.settle();

    CHECK(first.take().starts_with("250 2.0.0 "));
    CHECK(second.take().starts_with("250 2.0.0 "));
    CHECK(third.take().starts_with("250 2.0.0 "));
    REQUIRE(at.record->kept.size() == 3);
    std::string letters;
    for (auto const& one : at.record->kept) {
        char const letter = one.octets[one.octets.size() - 3];
        letters += letter;
        std::string whole = long_message(letter);
        whole.resize(whole.size() - 3);
        bool const same = one.octets.ends_with(whole);  // not shown: it is megabytes
        CHECK(same);
    }
    std::sort(letters.begin(), letters.end());
    CHECK(letters == "abc");
}

TEST_CASE("who sends without end does not keep the others of the shard waiting", "[server][connection]") {
    fixture at;
    auto greedy = at.receiving();
    auto modest = at.receiving();
    greedy.on_wire().to_server = "\r\n" + std::string(16 * 1024 * 1024, 'x');
    modest.on_wire().to_server = "\r\nhello\r\n.\r\n";

    at.shards.loop.reactor_.round();

    CHECK(modest.take().starts_with("250 2.0.0 "));
    CHECK(greedy.on_wire().to_server.size() > 14 * 1024 * 1024);
}

/// A recipient of one connection who is settled within a hook of another.
struct settled_elsewhere {
    eventual<verdict> operator()(transaction const&, recipient const& to) {
        if (to.local_part() == "waits") return wait();
        if (to.local_part() == "wakes" && wake) std::exchange(wake, nullptr)();
        return accept();
    }
    asio::awaitable<verdict> wait() {
        auto const keep = [this](auto handler) {
            auto const kept = std::make_shared<decltype(handler)>(std::move(handler));
            wake = [kept] { std::move(*kept)(); };
        };
        asio::use_awaitable_t<> const token{};
        auto woken = asio::async_initiate<asio::use_awaitable_t<> const, void()>(keep, token);
        co_await std::move(woken);
        co_return accept();
    }

    std::function<void()> wake{};
};

TEST_CASE("a hook may settle what a hook of another connection waits for: neither loses octets", "[server][connection]") {
    fixture at;
    settled_elsewhere recipients;
    auto plugged = recording_plugins(at.record);
    plugged.recipients(std::ref(recipients));
    at.setup = make_test_setup(plugged);
    auto waits = at.shards.connect(at.setup);
    auto wakes = at.shards.connect(at.setup);
    waits.send("EHLO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<waits@example.org>\r\n");
    at.shards.loop.pass(std::chrono::milliseconds{10});
    waits.take();
    wakes.send("EHLO client.example\r\n").take();
    REQUIRE(recipients.wake);
    std::string noops;
    for (int i = 0; i < 20; ++i) noops += "NOOP\r\n";
    waits.send(noops).take();

    wakes.on_wire().to_server = "MAIL FROM:<a@example.org>\r\nRCPT TO:<wakes@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
    asio::post(at.shards.loop.io, [&] { at.shards.loop.reactor_.round(); });  // so that the other one goes on at once
    at.shards.loop.settle();

    CHECK(wakes.take() == "250 2.1.0 OK\r\n250 2.1.5 OK\r\n250 2.1.5 OK\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    std::string expected = "250 2.1.5 OK\r\n";
    for (int i = 0; i < 20; ++i) expected += "250 2.0.0 OK\r\n";
    CHECK(waits.take() == expected);
}

}  // namespace test_connection_turns
