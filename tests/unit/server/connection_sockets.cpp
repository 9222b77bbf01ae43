#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"
#include "support/socket_shard.hpp"

#include <string>

/// What matters most of a connection, on every reactor: played by hand, and Asio's over real sockets.
namespace test_connection_sockets {

using namespace mailquay;
using namespace mailquay_test;

template <class Shard>
struct fixture {
    explicit fixture(server_config config = {}) : shards(shard_limits{}, log_into(log)) {
        config.log = log_into(log);
        setup = make_test_setup(recording_plugins(record), std::move(config));
    }
    typename Shard::client greeted() {
        auto client = shards.connect(setup);
        client.send("EHLO client.example\r\n").take();
        return client;
    }
    typename Shard::client receiving() {
        auto client = greeted();
        client.send(whole_transaction).take();
        return client;
    }
    bool nothing_left() const {
        return record->writers == 0 && shards.home->connections() == 0 && shards.home->hooks_running() == 0 && shards.door->total() == 0;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    Shard shards;
};

inline std::size_t count(std::string_view in, std::string_view what) {
    std::size_t found = 0;
    for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + what.size())) ++found;
    return found;
}

TEMPLATE_TEST_CASE("a whole dialogue, whether hooks answer at once or later, on every reactor", "[server][connection][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture<TestType> at;
    at.record->recipient = at.record->write = at.record->finish = how;
    auto client = at.shards.connect(at.setup);
    CHECK(client.take().starts_with("220 mx.example.org "));
    client.send("EHLO client.example\r\n");
    CHECK(client.take().starts_with("250-mx.example.org"));
    for (int round = 0; round < 2; ++round) {
        client.send("MAIL FROM:<a@example.org>\r\n");
        CHECK(client.take() == "250 2.1.0 OK\r\n");
        client.send("RCPT TO:<b@example.org>\r\n");
        CHECK(client.take() == "250 2.1.5 OK\r\n");
        client.send("DATA\r\n");
        CHECK(client.take().starts_with("354 "));
        client.send("Subject: x\r\n\r\n..hel").send("lo\r\n.\r").send("\n");
        CHECK(client.take().starts_with("250 2.0.0 "));
    }
    client.send("QUIT\r\n");
    CHECK(client.take() == "221 2.0.0 Bye\r\n");
    CHECK(client.closed());
    REQUIRE(at.record->kept.size() == 2);
    for (auto const& one : at.record->kept) CHECK(one.octets.ends_with("Subject: x\r\n\r\n.hello\r\n"));
    CHECK(at.nothing_left());
}

TEMPLATE_TEST_CASE("a pipelined batch in one write is worked off in order, on every reactor", "[server][connection][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture<TestType> at;
    at.record->recipient = at.record->write = at.record->finish = how;
    auto client = at.shards.connect(at.setup);
    client.take();
    client.send("EHLO c\r\n").take();
    std::string group = "MAIL FROM:<a@example.org>\r\n";
    for (int i = 0; i < 50; ++i) group += "RCPT TO:<b@example.org>\r\n";
    group += "DATA\r\n";

    client.send(group);

    std::string const replies = client.take();
    CHECK(replies.starts_with("250 2.1.0 OK\r\n250 2.1.5 OK\r\n"));
    CHECK(count(replies, "250 2.1.5 OK\r\n") == 50);
    CHECK(replies.ends_with("354 End data with <CR><LF>.<CR><LF>\r\n"));
    client.send("\r\none\r\n.\r\nNOOP\r\nMAIL FROM:<a@example.org>\r\nRSET\r\nQUIT\r\n");
    std::string const last = client.take();
    CHECK(last.starts_with("250 2.0.0 "));
    CHECK(last.ends_with("250 2.0.0 OK\r\n250 2.1.0 OK\r\n250 2.0.0 OK\r\n221 2.0.0 Bye\r\n"));
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].recipients.size() == 50);
    CHECK(at.nothing_left());
}

TEMPLATE_TEST_CASE("a large message arrives whole whatever the reads, and late hooks see unchanged octets, on every reactor",
                   "[server][connection][reactors]", manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture<TestType> at;
    at.record->write = how;
    auto one = at.receiving();
    auto two = at.receiving();
    std::string body = "\r\n";
    for (int i = 0; i < 20'000; ++i) body += std::to_string(i) + "\r\n";

    for (std::size_t from = 0; from < body.size(); from += 30'000) {
        one.send(body.substr(from, 30'000));
        two.send(body.substr(from, 30'000));
    }
    one.send(".\r\n");
    two.send(".\r\n");

    REQUIRE(at.record->kept.size() == 2);
    for (auto const& kept : at.record->kept) CHECK(kept.octets.ends_with(body));
}

TEMPLATE_TEST_CASE("a hook that throws, now or later, is 451 and the session goes on, on every reactor",
                   "[server][connection][reactors]", manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::throws, manner::throws_later);
    fixture<TestType> at;
    SECTION("at RCPT") {
        at.record->recipient = how;
        auto client = at.greeted();
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nNOOP\r\n");
        CHECK(client.take() == "250 2.1.0 OK\r\n451 4.3.0 Local error\r\n250 2.0.0 OK\r\n");
    }
    SECTION("at a chunk") {
        at.record->write = how;
        auto client = at.receiving();
        client.send("\r\nhello\r\n").send(".\r\nNOOP\r\n");
        CHECK(client.take() == "451 4.3.0 Local error\r\n250 2.0.0 OK\r\n");
    }
    SECTION("at the end") {
        at.record->finish = how;
        auto client = at.receiving();
        client.send("\r\nhello\r\n.\r\nNOOP\r\n");
        CHECK(client.take() == "451 4.3.0 Local error\r\n250 2.0.0 OK\r\n");
    }
    CHECK(at.record->writers == 0);
    CHECK(at.record->kept.empty());
}

TEMPLATE_TEST_CASE("a peer that vanishes in a message leaves nothing behind, on every reactor", "[server][connection][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later, manner::never);
    fixture<TestType> at;
    at.record->write = how;
    auto client = at.receiving();
    client.send("\r\nhalf a line");
    REQUIRE(at.record->writers == 1);

    SECTION("by a reset") { client.vanish(); }
    SECTION("by an end of the stream") {
        client.end();
        if (how == manner::never) client.vanish();  // an end alone leaves a hook its time
    }

    CHECK(client.closed());
    CHECK(at.record->kept.empty());
    CHECK(at.nothing_left());
    CHECK(at.record->cancelled == (how == manner::never ? 1u : 0u));
    CHECK(at.log->of("aborted").size() == 1);
}

TEMPLATE_TEST_CASE("a peer that takes no replies is not read from; once it takes them all come, in order, on every reactor",
                   "[server][connection][reactors]", manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    server_config config;
    config.budgets.junk = 1'000'000;
    fixture<TestType> at{config};
    auto client = at.greeted();
    client.take_nothing();
    constexpr int commands = 60'000;
    std::string many;
    for (int i = 0; i < commands; ++i) many += i % 2 == 0 ? "RSET\r\n" : "VRFY a\r\n";

    client.send(many);
    CHECK_FALSE(client.all_sent());
    client.take_again();

    CHECK(client.all_sent());
    std::string const replies = client.take();
    std::string expected;
    for (int i = 0; i < commands; ++i) expected += i % 2 == 0 ? "250 2.0.0 OK\r\n" : "252 2.0.0 Cannot verify; mail will be tried\r\n";
    CHECK((replies == expected));
    client.send("QUIT\r\n");
    CHECK(client.take() == "221 2.0.0 Bye\r\n");
    CHECK(at.nothing_left());
}

}  // namespace test_connection_sockets
