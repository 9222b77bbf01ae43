#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <algorithm>
#include <memory>
#include <string>

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

}  // namespace test_connection_turns
