#include <mailquay/server/shard.hpp>

#include <mailquay/message/date.hpp>
#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <string>

namespace test_shard {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

struct fixture {
    fixture() { setup = make_test_setup(recording_plugins(record)); }
    std::string now() const {
        auto const wall = shards.loop.wall();
        return format_date(wall, local_utc_offset(wall));
    }
    /// Delivers a message. @return its "queued as" id
    std::string deliver() {
        auto client = shards.connect(setup);
        client.send("EHLO c\r\n").send(whole_transaction).take();
        client.send("\r\nx\r\n.\r\n");
        std::string const said = client.take();
        client.send("QUIT\r\n");
        REQUIRE(client.closed());
        auto const at = said.find("queued as ");
        REQUIRE(at != std::string::npos);
        return said.substr(at + 10, 12);
    }
    std::shared_ptr<wire> turn_one_away() {
        auto const over = std::make_shared<wire>();
        shards.home->turn_away(*setup, std::make_unique<scripted_transport>(over, 1), replies::overloaded);
        return over;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards;
};

TEST_CASE("the first message after a long idle time has a current date and id", "[server][shard]") {
    fixture at;
    std::string const first = at.deliver();
    at.shards.loop.pass(2s);
    REQUIRE_FALSE(at.shards.loop.alarm_set(shard_alarm::tick));
    auto const idle = at.shards.loop.wall();
    at.shards.loop.pass(49h);
    REQUIRE(at.shards.loop.wall() == idle + 49h);

    SECTION("of the first connection") {}
    SECTION("also when one was turned away just before") { at.turn_one_away(); }
    std::string const second = at.deliver();

    REQUIRE(at.record->kept.size() == 2);
    CHECK(at.record->kept[1].octets.find(at.now()) != std::string::npos);
    CHECK(first < second);
    id_generator ids;
    auto const current = ids.next(at.shards.loop.wall());
    CHECK(second.substr(0, 5) == current.view().substr(0, 5));
    CHECK(first.substr(0, 5) != current.view().substr(0, 5));
}

TEST_CASE("the clock of a busy shard goes on with its ticks", "[server][shard]") {
    fixture at;
    auto other = at.shards.connect(at.setup);
    at.shards.loop.pass(100s);
    at.deliver();
    CHECK(at.record->kept[0].octets.find(at.now()) != std::string::npos);
}

TEST_CASE("a shard without connections does not tick", "[server][shard]") {
    fixture at;
    CHECK_FALSE(at.shards.loop.alarm_set(shard_alarm::tick));
    auto client = at.shards.connect(at.setup);
    CHECK(at.shards.loop.alarm_set(shard_alarm::tick));
    client.send("QUIT\r\n");
    at.shards.loop.pass(1s);
    CHECK_FALSE(at.shards.loop.alarm_set(shard_alarm::tick));
}

TEST_CASE("connections are counted, named apart, and their end is told once all are gone", "[server][shard]") {
    fixture at;
    int empty = 0;
    at.shards.home->on_empty([&] { ++empty; });
    auto one = at.shards.connect(at.setup);
    auto two = at.shards.connect(at.setup);
    CHECK(at.shards.home->connections() == 2);
    CHECK(at.shards.home->counts().connections == 2);
    one.send("QUIT\r\n");
    CHECK(at.shards.home->connections() == 1);
    CHECK(empty == 0);
    two.vanish();
    CHECK(at.shards.home->connections() == 0);
    CHECK(empty == 1);
    CHECK(at.shards.home->counts().connections == 2);
    CHECK(at.shards.home->counts().messages_accepted == 0);
}

TEST_CASE("messages are counted as accepted or aborted", "[server][shard]") {
    fixture at;
    at.deliver();
    auto client = at.shards.connect(at.setup);
    client.send("EHLO c\r\n").send(whole_transaction).send("\r\nhalf").vanish();
    CHECK(at.shards.home->counts().messages_accepted == 1);
    CHECK(at.shards.home->counts().messages_aborted == 1);
}

TEST_CASE("a connection turned away gets its line and a second to read it", "[server][shard]") {
    fixture at;
    auto const over = at.turn_one_away();
    CHECK(over->from_server == std::string{replies::overloaded.line()});
    CHECK(over->half_closed);
    CHECK_FALSE(over->closed);
    CHECK(at.shards.home->connections() == 0);
    at.shards.loop.pass(3s);
    CHECK(over->closed);
    CHECK_FALSE(at.shards.loop.alarm_set(shard_alarm::tick));
}

TEST_CASE("a flood of connections turned away keeps no more than 256 descriptors", "[server][shard]") {
    fixture at;
    int open = 0;
    std::vector<std::shared_ptr<wire>> all;
    for (int i = 0; i < 300; ++i) all.push_back(at.turn_one_away());
    for (auto const& one : all) open += !one->closed;
    CHECK(open == 256);
}

TEST_CASE("one that comes while the shard stops is told 421 at once", "[server][shard]") {
    fixture at;
    at.shards.home->stop();
    auto client = at.shards.connect(at.setup);
    CHECK(client.take().ends_with("421 4.3.2 Service stopping\r\n"));
}

TEST_CASE("a detached shard has no loop, holds nothing and ignores alarms", "[server][shard]") {
    fixture at;
    int empty = 0;
    at.shards.home->on_empty([&] { ++empty; });
    auto client = at.shards.connect(at.setup);
    auto const away = at.turn_one_away();
    at.shards.home->detach();
    at.shards.home->detach();
    CHECK_FALSE(at.shards.home->attached());
    CHECK(client.closed());
    CHECK(away->closed);
    CHECK(at.shards.loop.reactor_.watched() == 0);
    at.shards.loop.pass(5s);
    CHECK(empty == 0);
}

}  // namespace test_shard
