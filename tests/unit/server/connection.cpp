#include <mailquay/server/connection.hpp>

#include <mailquay/session/extensions/prdr.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace test_connection {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

struct fixture {
    explicit fixture(server_config config = {}, shard_limits limits = {}, profile kind = profile::mx()) : shards(limits, log_into(log)) {
        config.log = log_into(log);
        setup = make_test_setup(recording_plugins(record), std::move(config), std::move(kind));
    }
    played_client connect() { return shards.connect(setup); }
    played_client greeted() {
        auto client = connect();
        client.send("EHLO client.example\r\n").take();
        return client;
    }
    /// Ready for message octets.
    played_client receiving() {
        auto client = greeted();
        client.send(whole_transaction);
        return client;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards;
};

inline std::size_t count(std::string_view in, std::string_view what) {
    std::size_t found = 0;
    for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + what.size())) ++found;
    return found;
}

TEST_CASE("a message goes from the client through the session to the sink, and the reply back", "[server][connection]") {
    fixture at;
    auto client = at.connect();
    CHECK(client.take().starts_with("220 mx.example.org "));

    client.send("EHLO client.example\r\n");
    CHECK(client.take().starts_with("250-mx.example.org"));
    client.send(whole_transaction);
    CHECK(client.take() == "250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    client.send("Subject: x\r\n\r\n..hello\r\n.\r\n");
    CHECK(client.take().starts_with("250 2.0.0 "));

    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.ends_with("Subject: x\r\n\r\n.hello\r\n"));
    CHECK(at.record->kept[0].recipients == std::vector<std::string>{"b@example.org"});
    CHECK(at.record->kept[0].how == commit::all_or_none);
    CHECK(at.record->writers == 0);
}

TEST_CASE("the replies of a pipelined group leave in one write, whether hooks answer at once or later", "[server][connection]") {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture at;
    at.record->recipient = how;
    auto client = at.greeted();
    auto const before = client.on_wire().writes;
    std::string group = "MAIL FROM:<a@example.org>\r\n";
    for (int i = 0; i < 50; ++i) group += "RCPT TO:<b@example.org>\r\n";
    group += "DATA\r\n";

    client.send(group);

    CHECK(client.on_wire().writes == before + 1);
    CHECK(count(client.take(), "250 2.1.5 ") == 50);
}

TEST_CASE("replies do not wait longer than a few ms for a hook that takes long", "[server][connection]") {
    fixture at;
    at.record->recipient = manner::never;
    auto client = at.greeted();
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
    CHECK(client.take().empty());

    at.shards.loop.pass(10ms);

    CHECK(client.take() == "250 2.1.0 OK\r\n");
}

TEST_CASE("over LMTP each recipient gets a reply and the sink commits for each", "[server][connection]") {
    fixture at{{}, {}, profile::lmtp()};
    auto client = at.connect();
    client.send("LHLO client.example\r\n").take();
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n").take();

    client.send("\r\nx\r\n.\r\n");

    CHECK(count(client.take(), "250 2.0.0 ") == 2);
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].how == commit::each);
}

TEST_CASE("with PRDR the sink commits for each of several recipients, and each gets a reply", "[server][connection][prdr]") {
    server_config config;
    config.extensions.add(std::make_shared<extensions::prdr>());
    fixture at{std::move(config)};
    at.record->last_words = {reject(550, "5.7.1", "Not wanted"), accept()};
    auto client = at.greeted();
    client.send("MAIL FROM:<a@example.org> PRDR\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\n").take();

    client.send("BDAT 3 LAST\r\n\r\nx");

    auto const said = client.take();
    CHECK(said.starts_with("353 "));
    CHECK(said.find("\r\n550 5.7.1 Not wanted\r\n250 2.1.5 OK\r\n250 2.0.0 Ok: queued as ") != std::string::npos);
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].how == commit::each);

    client.send("MAIL FROM:<a@example.org> PRDR\r\nRCPT TO:<b@example.org>\r\n").take();
    client.send("BDAT 3 LAST\r\n\r\nx");
    CHECK(client.take().starts_with("250 2.0.0 "));
    REQUIRE(at.record->kept.size() == 2);
    CHECK(at.record->kept[1].how == commit::all_or_none);
}

TEST_CASE("each recipient that does not get a message has a log line, and nrcpt counts the others", "[server][connection][prdr]") {
    fixture at{{}, {}, profile::lmtp()};
    at.record->last_words = {reject(550, "5.7.1", "Not wanted").because("taste"), accept(), pass()};
    auto client = at.connect();
    client.send("LHLO client.example\r\n").take();
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nDATA\r\n").take();

    client.send("\r\nx\r\n.\r\n");

    auto const refused = at.log->of("refused");
    REQUIRE(refused.size() == 2);
    CHECK(refused[0].find(" stage=finish verb=DATA from=a@example.org to=b@example.org reply=\"550 5.7.1 Not wanted\" rule=taste") != std::string::npos);
    CHECK(refused[1].find(" to=d@example.org reply=\"451 4.3.0 ") != std::string::npos);
    REQUIRE(at.log->of("accepted").size() == 1);
    CHECK(at.log->of("accepted")[0].find(" nrcpt=1 ") != std::string::npos);

    at.record->last_words = {defer(452, "4.2.2", "Full"), reject(550, "5.7.1", "Not wanted"), defer(452, "4.2.2", "Full")};
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nDATA\r\n").take();
    client.send("\r\nx\r\n.\r\n");
    CHECK(at.log->of("refused").size() == 5);
    CHECK(at.log->of("accepted").size() == 1);
}

TEST_CASE("chunks of a message reach the sink as they come, hooks at once or later", "[server][connection][bdat]") {
    fixture at;
    at.record->write = GENERATE(manner::at_once, manner::later);
    auto client = at.greeted();
    client.send("MAIL FROM:<a@example.org> BODY=BINARYMIME\r\nRCPT TO:<b@example.org>\r\n").take();
    std::string const body(100'000, '\n');

    client.send("BDAT 2\r\n\r\nBDAT 100000\r\n" + body.substr(0, 30'000));
    client.send(body.substr(30'000) + "BDAT 0 LAST\r\nNOOP\r\n");

    auto const said = client.take();
    CHECK(count(said, "250 2.0.0 OK\r\n") == 3);
    CHECK(count(said, "250 2.0.0 Ok: queued as ") == 1);
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.ends_with("\r\n\r\n" + body));
    CHECK(at.record->writers == 0);
}

TEST_CASE("a client that vanishes between chunks leaves nothing behind", "[server][connection][bdat]") {
    fixture at;
    {
        auto client = at.greeted();
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3\r\n\r\nx").take();
        CHECK(at.record->writers == 1);
        client.vanish();
    }
    CHECK(at.record->writers == 0);
    CHECK(at.record->kept.empty());
    CHECK(at.log->of("aborted").size() == 1);
}

TEST_CASE("MAIL is 452 4.3.1 while the sink has no room for two messages of the largest size, or 64 MiB", "[server][connection]") {
    server_config config;
    config.limits.message_octets = GENERATE(std::uint64_t{1000}, std::uint64_t{50} * 1024 * 1024);
    std::uint64_t const least = std::max(config.limits.message_octets * 2, std::uint64_t{64} * 1024 * 1024);
    fixture at{std::move(config)};
    auto client = at.greeted();
    at.record->room = least - 1;
    client.send("MAIL FROM:<a@example.org>\r\n");
    CHECK(client.take() == "452 4.3.1 Insufficient storage\r\n");
    REQUIRE(at.log->of("refused").size() == 1);

    at.record->room = least;
    client.send("MAIL FROM:<a@example.org>\r\n");
    CHECK(client.take() == "250 2.1.0 OK\r\n");
}

TEST_CASE("MAIL is 452 4.3.1 while the sink has no room for what SIZE declares", "[server][connection]") {
    server_config config;
    config.limits.message_octets = 0;
    fixture at{std::move(config)};
    auto client = at.greeted();
    at.record->room = 100'000'000;
    client.send("MAIL FROM:<a@example.org> SIZE=100000001\r\n");
    CHECK(client.take() == "452 4.3.1 Insufficient storage\r\n");
    client.send("MAIL FROM:<a@example.org> SIZE=100000000\r\n");
    CHECK(client.take() == "250 2.1.0 OK\r\n");
}

TEST_CASE("a hook that throws, now or later, is answered 451 and the session goes on", "[server][connection]") {
    auto const how = GENERATE(manner::throws, manner::throws_later);
    fixture at;
    SECTION("at RCPT") {
        at.record->recipient = how;
        auto client = at.greeted();
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
        CHECK(count(client.take(), "451 4.3.0") == 1);
        client.send("NOOP\r\n");
        CHECK(client.take().starts_with("250"));
    }
    SECTION("at a chunk") {
        at.record->write = how;
        auto client = at.receiving();
        client.take();
        client.send("\r\nhello\r\n");
        CHECK(client.take().empty());
        client.send(".\r\nNOOP\r\n");
        CHECK(client.take() == "451 4.3.0 Local error\r\n250 2.0.0 OK\r\n");
        CHECK(at.record->writers == 0);
    }
    SECTION("at the end") {
        at.record->finish = how;
        auto client = at.receiving();
        client.take();
        client.send("\r\nhello\r\n.\r\nNOOP\r\n");
        CHECK(client.take() == "451 4.3.0 Local error\r\n250 2.0.0 OK\r\n");
        CHECK(at.record->writers == 0);
        CHECK(at.record->kept.empty());
    }
}

TEST_CASE("a hook that never answers is cancelled at its deadline and answered 451", "[server][connection]") {
    fixture at;
    SECTION("a recipient: the session goes on") {
        at.record->recipient = manner::never;
        auto client = at.greeted();
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nNOOP\r\n");
        at.shards.loop.pass(58s);
        client.take();
        CHECK(at.record->cancelled == 0);
        at.shards.loop.pass(4s);
        CHECK(at.record->cancelled == 1);
        CHECK(client.take() == "451 4.3.0 Took too long here, try again later\r\n250 2.0.0 OK\r\n");
        CHECK_FALSE(client.closed());
    }
    SECTION("the end of a message: its outcome is unknown, so the connection ends") {
        at.record->finish = manner::never;
        auto client = at.receiving();
        client.send("\r\nhello\r\n.\r\n").take();
        at.shards.loop.pass(298s);
        CHECK(client.take().empty());
        at.shards.loop.pass(4s);
        CHECK(at.record->cancelled == 1);
        CHECK(client.take().starts_with("451 4.3.0 Took too long"));
        CHECK(client.on_wire().half_closed);
        REQUIRE(at.log->of("aborted").size() == 1);
        CHECK(count(at.log->of("aborted")[0], "outcome=unknown") == 1);
    }
}

TEST_CASE("a server that is nearly full waits less long for idle clients", "[server][connection]") {
    fixture at;
    SECTION("before EHLO, as long as it is nearly full") {
        at.shards.door->limit({.total = 2});
        auto greeted = at.greeted();
        auto silent = at.connect();
        CHECK(silent.take().starts_with("220 "));
        at.shards.loop.pass(8s);
        CHECK(silent.take().empty());
        at.shards.loop.pass(4s);
        CHECK(silent.take().starts_with("421 4.4.2 "));
        silent.end();
        at.shards.loop.pass(200s);
        CHECK(greeted.take().empty());
    }
    SECTION("between transactions") {
        at.shards.door->limit({.total = 1});
        auto idle = at.greeted();
        at.shards.loop.pass(58s);
        CHECK(idle.take().empty());
        at.shards.loop.pass(4s);
        CHECK(idle.take().starts_with("421 4.4.2 "));
    }
}

TEST_CASE("a client that vanishes mid-message leaves nothing behind", "[server][connection]") {
    fixture at;
    auto const how = GENERATE(manner::at_once, manner::later);
    at.record->write = how;
    auto client = at.receiving();
    client.send("\r\nhalf a line");

    SECTION("by a reset") { client.vanish(); }
    SECTION("by an end of the stream") { client.end(); }
    at.shards.loop.pass(3s);

    CHECK(client.closed());
    CHECK(at.record->writers == 0);
    CHECK(at.record->kept.empty());
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.door->total() == 0);
    CHECK(at.log->of("aborted").size() == 1);
}

TEST_CASE("a hook is cancelled when its client is gone, but the sink's last word is waited for", "[server][connection]") {
    fixture at;
    SECTION("a reset under a chunk") {
        at.record->write = manner::later;
        at.record->takes = 1h;
        auto client = at.receiving();
        client.send("\r\nx\r\n");
        REQUIRE(at.record->writers == 1);
        client.vanish();
        CHECK(at.record->cancelled == 1);
        CHECK(at.record->writers == 0);
        CHECK(at.shards.home->connections() == 0);
    }
    SECTION("a reset behind octets that nobody reads") {
        at.record->write = manner::later;
        at.record->takes = 1h;
        auto client = at.receiving();
        client.send("\r\nx\r\n");
        client.send("more");
        client.vanish();
        at.shards.loop.pass(2s);
        CHECK(at.record->cancelled == 1);
        CHECK(at.shards.home->connections() == 0);
    }
    SECTION("an end with nothing behind it, under a recipient") {
        at.record->recipient = manner::never;
        auto client = at.greeted();
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n").end();
        CHECK(at.record->cancelled == 1);
        CHECK(at.shards.home->connections() == 0);
    }
    SECTION("an end with more commands behind it: they are worked off") {
        at.record->recipient = manner::later;
        auto client = at.greeted();
        client.on_wire().client_ended = true;
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nNOOP\r\nQUIT\r\n");
        CHECK(client.take().ends_with("221 2.0.0 Bye\r\n"));
        CHECK(at.record->cancelled == 0);
    }
    SECTION("a reset under the end of the message") {
        at.record->finish = manner::later;
        auto client = at.receiving();
        client.on_wire().to_server = "\r\nx\r\n.\r\n";
        at.shards.loop.reactor_.round();
        client.on_wire().reset = true;
        at.shards.loop.reactor_.round();
        at.shards.loop.settle();
        CHECK(at.record->cancelled == 0);
        REQUIRE(at.record->kept.size() == 1);
        auto const accepted = at.log->of("accepted");
        REQUIRE(accepted.size() == 2);
        CHECK(accepted[1].ends_with(" reply=unsent"));
        CHECK(at.shards.home->connections() == 0);
    }
}

TEST_CASE("a 250 that could not be written is logged as unsent", "[server][connection]") {
    fixture at;
    auto client = at.receiving();
    client.on_wire().fail_at = client.on_wire().operations + 2;  // the read goes well, the write does not

    client.send("\r\nx\r\n.\r\n");

    CHECK(at.record->kept.size() == 1);
    auto const accepted = at.log->of("accepted");
    REQUIRE(accepted.size() == 2);
    CHECK(accepted[1].ends_with(" reply=unsent"));
}

TEST_CASE("whatever read or write fails, the connection ends and leaves nothing behind", "[server][connection]") {
    auto const how = GENERATE(manner::at_once, manner::later);
    for (unsigned step = 1; step < 40; ++step) {
        fixture at;
        at.record->recipient = at.record->write = at.record->finish = how;
        auto over = std::make_shared<wire>();
        over->fail_at = step;
        auto client = at.shards.connect(at.setup, over);
        client.send("EHLO c\r\n").send(whole_transaction).send("\r\nhello\r\n").send(".\r\n").send("QUIT\r\n").end();
        at.shards.loop.pass(3s);
        CHECK(client.closed());
        CHECK(at.record->writers == 0);
        CHECK(at.shards.home->connections() == 0);
        CHECK(at.shards.door->total() == 0);
    }
}

TEST_CASE("short reads and short writes change nothing", "[server][connection]") {
    auto const how = GENERATE(manner::at_once, manner::later);
    std::string expected;
    for (std::size_t step : {wire::everything, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}}) {
        fixture at;
        at.record->recipient = at.record->write = at.record->finish = how;
        auto over = std::make_shared<wire>();
        over->read_at_most = over->write_at_most = step;
        auto client = at.shards.connect(at.setup, over);
        client.send("EHLO c\r\n").send(whole_transaction).send("\r\n..hello\r\n.\r\n").send("RSET\r\nQUIT\r\n");
        REQUIRE(at.record->kept.size() == 1);
        CHECK(at.record->kept[0].octets.ends_with("\r\n.hello\r\n"));
        std::string const said = client.take();
        CHECK(said.ends_with("221 2.0.0 Bye\r\n"));
        std::string const without_id = said.substr(0, said.find("queued as"));
        if (expected.empty()) expected = without_id;
        CHECK(without_id == expected);
    }
}

TEST_CASE("a client that takes no replies is not read from, and cut off after two minutes", "[server][connection]") {
    fixture at;
    auto client = at.greeted();
    client.on_wire().room = 10;
    std::string many;
    for (int i = 0; i < 90; ++i) many += "NOOP\r\nHELP\r\nVRFY x\r\n";
    for (int i = 0; i < 20; ++i) client.send(many);

    at.shards.loop.pass(122s);

    CHECK(client.closed());
    CHECK(at.shards.home->connections() == 0);
}

TEST_CASE("a client that takes no replies does not shorten the time of the sink's last word", "[server][connection]") {
    fixture at;
    at.record->finish = manner::never;
    auto client = at.greeted();
    client.on_wire().room = 0;
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3 LAST\r\n\r\nx");

    at.shards.loop.pass(298s);
    CHECK(client.closed());
    CHECK(at.record->cancelled == 0);
    at.shards.loop.pass(4s);

    CHECK(at.record->cancelled == 1);
    CHECK(at.shards.home->connections() == 0);
}

TEST_CASE("every message whose client never heard of it is logged as unsent, whatever the reason", "[server][connection]") {
    fixture at;
    std::size_t messages = 1;
    auto client = at.greeted();
    std::string const one = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3 LAST\r\n\r\nx";
    SECTION("it takes no replies") {
        client.on_wire().room = 0;
        client.send(one);
        at.shards.loop.pass(125s);
        CHECK(client.closed());
    }
    SECTION("nor the last one") {
        client.on_wire().room = 0;
        client.send(one + "QUIT\r\n");
        at.shards.loop.pass(125s);
        CHECK(client.closed());
    }
    SECTION("it is gone while the reply waits") {
        at.record->last_word = accept().after(5s);
        client.send(one);
        at.shards.loop.pass(1s);
        client.vanish();
    }
    SECTION("several") {
        messages = 3;
        client.on_wire().room = 0;
        client.send(one + one + one).vanish();
    }
    SECTION("the server is cut off") {
        client.on_wire().room = 0;
        client.send(one);
        at.shards.home->detach();
    }
    auto const accepted = at.log->of("accepted");
    CHECK(accepted.size() == 2 * messages);
    CHECK(std::count_if(accepted.begin(), accepted.end(), [](auto const& line) { return line.ends_with(" reply=unsent"); }) ==
          static_cast<std::ptrdiff_t>(messages));
}

TEST_CASE("a 250 that had to wait and went out is not logged as unsent", "[server][connection]") {
    fixture at;
    at.record->last_word = accept().after(5s);
    auto client = at.receiving();
    client.send("\r\nx\r\n.\r\n").take();
    at.shards.loop.pass(6s);
    CHECK(client.take().starts_with("250 2.0.0 "));

    client.vanish();

    CHECK(at.log->of("accepted").size() == 1);
}

struct broken_extension final : extension {
    std::string_view keyword() const noexcept override { return "X-BROKEN"; }
    std::string announcement(session_info const&, session_limits const&) const override { throw std::runtime_error("no room"); }
};

TEST_CASE("what throws where nothing may ends that connection, and all who saw it come see it go", "[server][connection]") {
    struct counting {
        unsigned* seen;
        verdict on_connect(session_info const&) { return pass(); }
        void on_close(session_info const&) { ++*seen; }
    };
    struct watching {
        std::vector<observation_kind>* told;
        void on_event(observation const& what) noexcept { told->push_back(what.kind); }
    };
    fixture at;
    unsigned closed = 0;
    std::vector<observation_kind> told;
    plugins plugged = recording_plugins(at.record);
    plugged.policies(counting{&closed}).observers(watching{&told});
    server_config config;
    config.log = log_into(at.log);
    config.extensions.add(std::make_shared<broken_extension>());
    at.setup = make_test_setup(plugged, std::move(config));
    auto client = at.connect();

    client.send("EHLO client.example\r\n");

    CHECK(client.closed());
    CHECK(closed == 1);
    CHECK(std::count(told.begin(), told.end(), observation_kind::opened) == 1);
    CHECK(std::count(told.begin(), told.end(), observation_kind::closed) == 1);
    CHECK(at.log->has("what=\"no room\""));
    REQUIRE(at.log->of("closed").size() == 1);
    CHECK(at.log->of("closed")[0].find(" why=failed ") != std::string::npos);
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("the octets a slow writer looks at stay, while others read on", "[server][connection]") {
    fixture at;
    at.record->write = manner::later;
    at.record->takes = 50ms;
    auto slow = at.receiving();
    auto other = at.greeted();
    std::string const body(40'000, 'x');
    slow.send("\r\n" + body);
    REQUIRE(at.record->chunks == 1);
    char const* const slow_room = slow.on_wire().last_room;

    other.send("NOOP\r\n");

    CHECK(other.take() == "250 2.0.0 OK\r\n");
    CHECK(other.on_wire().last_room != slow_room);
    at.shards.loop.io.restart();
    at.shards.loop.io.run_for(200ms);
    at.shards.loop.settle();
    at.record->takes = 0ms;
    slow.send("\r\n.\r\n");
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.ends_with("\r\n" + body + "\r\n"));
}

TEST_CASE("when too many buffers are away, messages wait unread until one comes back, and commands go on", "[server][connection]") {
    fixture at{{}, shard_limits{.parked_octets = read_buffers::octets, .hook_frames = 100}};
    at.record->write = manner::later;
    at.record->takes = 50ms;
    auto first = at.receiving();
    auto second = at.receiving();
    auto third = at.greeted();
    first.send("\r\nfirst\r\n.\r\n");
    REQUIRE(at.record->chunks == 1);

    second.send("\r\nsecond\r\n.\r\n");
    third.send("NOOP\r\n");

    CHECK(at.record->chunks == 1);
    CHECK(third.take() == "250 2.0.0 OK\r\n");
    CHECK(third.on_wire().last_room_size == read_buffers::small_octets);
    for (int i = 0; i < 4; ++i) {
        at.shards.loop.io.restart();
        at.shards.loop.io.run_for(100ms);
        at.shards.loop.settle();
    }
    CHECK(at.record->kept.size() == 2);
}

TEST_CASE("more hooks than the bound are answered 451 4.3.2", "[server][connection]") {
    fixture at{{}, shard_limits{.parked_octets = 1 << 20, .hook_frames = 1}};
    at.record->recipient = manner::never;
    auto first = at.greeted();
    auto second = at.greeted();
    first.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
    second.send("MAIL FROM:<a@example.org>\r\n").take();

    second.send("RCPT TO:<b@example.org>\r\n");

    CHECK(second.take().starts_with("451 4.3.2 "));
    CHECK(at.shards.home->hooks_running() == 1);
}

TEST_CASE("the last reply is followed by a half-close, and what still comes is dropped for a while", "[server][connection]") {
    server_config config;
    config.budgets.syntax = 1;
    fixture at{config};
    auto client = at.greeted();
    client.send("FOO\r\nBAR\r\n");
    CHECK(client.take().ends_with("421 4.7.0 Too many errors\r\n"));
    REQUIRE(client.on_wire().half_closed);
    REQUIRE_FALSE(client.closed());

    SECTION("until the client closes") {
        client.send("more");
        CHECK_FALSE(client.closed());
        client.end();
        CHECK(client.closed());
    }
    SECTION("for two seconds at most") {
        at.shards.loop.pass(1s);
        CHECK_FALSE(client.closed());
        at.shards.loop.pass(2s);
        CHECK(client.closed());
    }
    SECTION("for 256 KiB at most") {
        client.send(std::string(200'000, 'x'));
        CHECK_FALSE(client.closed());
        client.send(std::string(200'000, 'x'));
        CHECK(client.closed());
    }
    CHECK(client.take().empty());
    CHECK(at.shards.home->connections() == 0);
}

TEST_CASE("a silent client is told 421 4.4.2 after five minutes", "[server][connection]") {
    fixture at;
    auto client = at.greeted();
    at.shards.loop.pass(298s);
    CHECK(client.take().empty());
    at.shards.loop.pass(4s);
    CHECK(client.take().starts_with("421 4.4.2 "));
    CHECK(client.on_wire().half_closed);
}

TEST_CASE("a stopping server takes leave at the next command boundary, and lets a transaction finish", "[server][connection]") {
    fixture at;
    auto idle = at.greeted();
    auto busy = at.receiving();
    auto half = at.greeted();
    half.send("NOO");
    busy.take();

    at.shards.home->stop();
    at.shards.loop.settle();

    CHECK(idle.take() == "421 4.3.2 Service stopping\r\n");
    CHECK(busy.take().empty());
    CHECK(half.take().empty());
    half.send("P\r\n");
    CHECK(half.take().ends_with("421 4.3.2 Service stopping\r\n"));
    busy.send("\r\nx\r\n.\r\n");
    auto const last = busy.take();
    CHECK(last.starts_with("250 2.0.0 "));
    CHECK(last.ends_with("421 4.3.2 Service stopping\r\n"));
    CHECK(at.record->kept.size() == 1);
}

TEST_CASE("a server that stops now cuts transactions and cancels every hook, the sink's last word too", "[server][connection]") {
    fixture at;
    auto const stage = GENERATE(0, 1, 2, 3);
    if (stage == 1) at.record->recipient = manner::never;
    if (stage == 3) at.record->finish = manner::never;
    auto client = stage == 1 ? at.greeted() : at.receiving();
    if (stage == 1) client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
    if (stage == 2) client.send("\r\nhalf");
    if (stage == 3) client.send("\r\nx\r\n.\r\n");
    client.take();

    at.shards.home->stop_now();
    at.shards.loop.pass(3s);

    CHECK(client.take().ends_with("421 4.3.2 Service stopping\r\n"));
    CHECK(client.closed());
    CHECK(at.record->writers == 0);
    CHECK(at.record->kept.empty());
    CHECK(at.record->cancelled == (stage == 1 || stage == 3 ? 1u : 0u));
    CHECK(at.shards.home->connections() == 0);
}

TEST_CASE("cutting a shard from its loop closes all, also under hooks, whose answers then go nowhere", "[server][connection]") {
    fixture at;
    at.record->write = manner::never;
    auto client = at.receiving();
    client.send("\r\nx\r\n");
    auto idle = at.greeted();

    at.shards.home->detach();

    CHECK(client.closed());
    CHECK(idle.closed());
    CHECK(at.shards.door->total() == 0);
    at.shards.loop.settle();
    CHECK(at.record->writers == 0);
}

TEST_CASE("a connection that cannot be watched is closed and given back", "[server][connection]") {
    fixture at;
    at.shards.loop.reactor_.fail_watch = std::make_error_code(std::errc::not_enough_memory);
    auto client = at.connect();
    CHECK(client.closed());
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("sessions do not depend on the order in which readiness is told", "[server][connection]") {
    for (bool const reversed : {false, true}) {
        fixture at;
        at.shards.loop.reactor_.reversed = reversed;
        at.record->recipient = at.record->write = at.record->finish = manner::later;
        std::vector<played_client> clients;
        for (int i = 0; i < 5; ++i) clients.push_back(at.greeted());
        for (auto& one : clients) one.on_wire().to_server += whole_transaction;
        at.shards.loop.settle();
        for (auto& one : clients) one.on_wire().to_server += "\r\nx\r\n.\r\n";
        at.shards.loop.settle();
        CHECK(at.record->kept.size() == 5);
    }
}

TEST_CASE("an idle connection borrows nothing and is small", "[server][connection]") {
    fixture at;
    auto client = at.greeted();
    client.send(whole_transaction).send("\r\nx\r\n.\r\n");
    CHECK(at.shards.loop.reactor_.wanted_by(client.handle) == readiness::readable);
    CHECK(sizeof(connection) <= 512);
}

}  // namespace test_connection
