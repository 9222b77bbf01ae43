// Connections under TLS, with a TLS of the test's own: STARTTLS, TLS first, ends, limits.

#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/fake_tls.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"
#include "support/socket_shard.hpp"

#include <string>
#include <thread>

namespace test_connection_tls {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

template <class Shard = manual_shard>
struct fixture {
    explicit fixture(tls_mode mode = tls_mode::starttls) : shards(shard_limits{}, log_into(log)) {
        server_config config;
        config.log = log_into(log);
        profile kind = profile::mx();
        kind.tls = mode;
        setup = make_test_setup(recording_plugins(record).tls(tls), std::move(config), std::move(kind));
    }
    typename Shard::client connect() { return shards.connect(setup); }
    /// A client that has made its handshake behind STARTTLS.
    typename Shard::client secured() {
        auto client = connect();
        client.send("EHLO client.example\r\n").send("STARTTLS\r\n").take();
        client.send(fake_hello).send(fake_done);
        CHECK(client.take() == fake_welcome);
        return client;
    }
    bool nothing_left() const {
        return shards.door->handshakes() == 0 && shards.home->connections() == 0 && record->writers == 0;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<fake_tls> tls = std::make_shared<fake_tls>();
    std::shared_ptr<listener_setup> setup;
    Shard shards;
};

template <class Client>
Client& say(Client& client, std::string_view plain) {
    client.send(fake_turned(plain));
    return client;
}
template <class Client>
std::string heard(Client& client) {
    return fake_turned(client.take());
}

TEMPLATE_TEST_CASE("a message under STARTTLS, whether hooks answer at once or later, on every reactor", "[server][tls][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture<TestType> at;
    at.record->recipient = at.record->write = at.record->finish = how;
    auto client = at.connect();
    CHECK(client.take().starts_with("220 mx.example.org "));
    client.send("EHLO client.example\r\n");
    CHECK(client.take().find("250 STARTTLS\r\n") != std::string::npos);
    client.send("STARTTLS\r\n");
    CHECK(client.take() == "220 2.0.0 Ready to start TLS\r\n");
    client.send(fake_hello);
    CHECK(client.take() == fake_welcome);
    client.send(fake_done);
    CHECK(client.take().empty());  // no greeting

    say(client, "EHLO client.example\r\n");
    CHECK(heard(client).find("STARTTLS") == std::string::npos);
    for (int round = 0; round < 2; ++round) {
        say(client, whole_transaction);
        CHECK(heard(client).ends_with("354 End data with <CR><LF>.<CR><LF>\r\n"));
        say(client, "Subject: x\r\n\r\nhello\r\n.\r\n");
        CHECK(heard(client).starts_with("250 2.0.0 "));
    }
    say(client, "QUIT\r\n");
    CHECK(client.take() == fake_turned("221 2.0.0 Bye\r\n") + fake_goodbye);
    CHECK(client.closed());
    REQUIRE(at.record->kept.size() == 2);
    CHECK(at.record->kept[0].octets.find("with ESMTPS") != std::string::npos);
    CHECK(at.nothing_left());
    CHECK(at.log->has("tls"));
}

TEMPLATE_TEST_CASE("TLS comes first, then the greeting, on every reactor", "[server][tls][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    fixture<TestType> at{tls_mode::implicit};
    auto client = at.connect();
    CHECK(client.take().empty());
    client.send(fake_hello).send(fake_done);
    std::string const all = client.take();
    REQUIRE(all.starts_with(fake_welcome));
    CHECK(fake_turned(all.substr(fake_welcome.size())).starts_with("220 mx.example.org "));
    say(client, "EHLO c\r\nMAIL FROM:<a@b.example>\r\n");
    CHECK(heard(client).find("250 2.1.0 ") != std::string::npos);
    client.end();
    CHECK(at.nothing_left());
}

TEST_CASE("what came in clear behind STARTTLS is dropped and counted in the log", "[server][tls]") {
    fixture<> at;
    auto client = at.connect();
    client.send("EHLO client.example\r\n").take();
    client.send("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\nRC");
    CHECK(client.take() == "220 2.0.0 Ready to start TLS\r\n");
    CHECK(at.log->has("plaintext_dropped=32"));
    client.send(fake_hello).send(fake_done).take();
    say(client, "RCPT TO:<b@example.org>\r\n");
    CHECK(heard(client).starts_with("503 5.5.1 "));
    say(client, "EHLO client.example\r\n");
    CHECK(heard(client).starts_with("250-"));
}

TEST_CASE("octets of the handshake may come one by one, with what follows", "[server][tls]") {
    fixture<> at;
    auto client = at.connect();
    client.send("EHLO client.example\r\n").send("STARTTLS\r\n").take();
    std::string const all = std::string(fake_hello) + std::string(fake_done) + fake_turned("EHLO c\r\nNOOP\r\n");
    client.on_wire().read_at_most = 1;
    client.send(all);
    std::string const said = client.take();
    REQUIRE(said.starts_with(fake_welcome));
    CHECK(fake_turned(said.substr(fake_welcome.size())).ends_with("250 2.0.0 OK\r\n"));
}

TEST_CASE("replies of a pipelined group leave in one write under TLS, too", "[server][tls]") {
    fixture<> at;
    at.record->recipient = GENERATE(manner::at_once, manner::later);
    auto client = at.secured();
    say(client, "EHLO c\r\n");
    heard(client);
    auto const before = client.on_wire().writes;
    say(client, whole_transaction);
    CHECK(client.on_wire().writes == before + 1);
}

TEST_CASE("while a hook is pending nothing is read, so nothing decrypted", "[server][tls]") {
    fixture<> at;
    at.record->recipient = manner::never;
    auto client = at.secured();
    say(client, "EHLO c\r\n");
    say(client, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    heard(client);
    say(client, "NOOP\r\n");
    CHECK_FALSE(client.all_sent());
}

TEST_CASE("a large message arrives whole through small reads and a full wire", "[server][tls]") {
    fixture<> at;
    at.record->write = GENERATE(manner::at_once, manner::later);
    auto client = at.secured();
    say(client, "EHLO c\r\n");
    say(client, whole_transaction);
    heard(client);
    std::string body;
    for (int i = 0; i < 20'000; ++i) body += "line " + std::to_string(i) + "\r\n";
    client.on_wire().read_at_most = GENERATE(std::size_t{1000}, wire::everything);
    say(client, body + ".\r\n");
    CHECK(heard(client).starts_with("250 2.0.0 "));
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.ends_with(body));
}

TEST_CASE("plain text that waits in the TLS layer is read after a slow hook, though a look at the peer found the wire empty", "[server][tls]") {
    fixture<> at;
    auto client = at.secured();
    say(client, "EHLO c\r\n");
    say(client, whole_transaction);
    heard(client);
    at.record->write = manner::later;
    at.record->takes = 200ms;
    std::string const body = "Subject: x\r\n\r\n" + std::string(70'000, 'x') + "\r\n";
    client.send(fake_record_of(body + ".\r\n"));
    CHECK(client.all_sent());
    at.shards.loop.pass(2s);  // looks at the peer meanwhile
    for (int i = 0; i < 4; ++i) {
        std::this_thread::sleep_for(250ms);
        at.shards.loop.settle();
    }
    CHECK(heard(client).starts_with("250 2.0.0 "));
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.ends_with(body));
}

TEST_CASE("a peer that takes nothing gets its replies when it takes again", "[server][tls]") {
    fixture<> at;
    auto client = at.secured();
    client.take_nothing();
    say(client, "EHLO c\r\nNOOP\r\n");
    CHECK(client.take().size() == 10);
    client.take_again();
    CHECK(heard(client).ends_with("250 2.0.0 OK\r\n"));
    say(client, "QUIT\r\n");
    CHECK(client.closed());
}

TEST_CASE("a handshake that fails ends that connection only, with a line in the log", "[server][tls]") {
    auto const mode = GENERATE(tls_mode::starttls, tls_mode::implicit);
    fixture<> at{mode};
    auto other = at.connect();
    auto client = at.connect();
    if (mode == tls_mode::starttls) client.send("EHLO client.example\r\n").send("STARTTLS\r\n").take();
    client.send("EHLO in.clear\r\n");
    CHECK(client.take() == fake_alert);
    CHECK(client.on_wire().half_closed);
    CHECK(at.log->has("failed="));
    CHECK(at.log->has("why=tls-failed"));
    client.end();
    CHECK(client.closed());
    CHECK_FALSE(other.closed());
    if (mode == tls_mode::starttls) CHECK(other.send("NOOP\r\n").take().ends_with("250 2.0.0 OK\r\n"));
    other.end();
    CHECK(at.nothing_left());
}

TEST_CASE("a peer that goes away in its handshake, or never makes it", "[server][tls]") {
    fixture<> at{GENERATE(tls_mode::starttls, tls_mode::implicit)};
    auto client = at.connect();
    if (!at.setup->session.tls_first) client.send("EHLO client.example\r\n").send("STARTTLS\r\n").take();
    client.send(fake_hello);
    CHECK(at.shards.door->handshakes() == 1);
    SECTION("it ends") {
        client.end();
        CHECK(at.log->has("failed=peer-gone"));
    }
    SECTION("it is reset") { client.vanish(); }
    SECTION("it falls silent") {
        client.take();
        at.shards.loop.pass(61s);
        CHECK(at.log->has("why=timed-out"));
        CHECK(client.take().empty());  // nothing in clear
        at.shards.loop.pass(3s);
    }
    SECTION("the server stops now") {
        client.take();
        at.shards.home->stop_now();
        at.shards.loop.settle();
        CHECK(client.take().empty());
        at.shards.loop.pass(3s);
    }
    CHECK(client.closed());
    CHECK(at.nothing_left());
}

TEST_CASE("close_notify of the client ends the session; inside a message the message with it", "[server][tls]") {
    fixture<> at;
    auto client = at.secured();
    say(client, "EHLO c\r\n");
    bool const in_message = GENERATE(false, true);
    bool const clean = GENERATE(false, true);
    if (in_message) {
        say(client, whole_transaction);
        say(client, "Subject: half\r\n");
    }
    heard(client);
    if (clean) client.send(std::string{fake_goodbye});
    else client.end();
    CHECK(client.closed());
    CHECK(at.record->kept.empty());
    if (in_message) CHECK(at.log->has("why=peer-gone"));
    CHECK(at.nothing_left());
}

TEST_CASE("octets in clear under TLS end the connection", "[server][tls]") {
    fixture<> at;
    auto client = at.secured();
    client.send("EHLO in.clear\r\n");
    CHECK(client.take() == fake_alert);
    CHECK(client.closed());
    CHECK(at.nothing_left());
}

TEST_CASE("a provider that cannot: 454, and the session goes on; TLS first: the end", "[server][tls]") {
    bool const throws = GENERATE(false, true);
    SECTION("STARTTLS") {
        fixture<> at;
        (throws ? at.tls->throws : at.tls->available) = throws;
        auto client = at.connect();
        client.send("EHLO c\r\n").take();
        CHECK(client.send("STARTTLS\r\n").take() == "454 4.7.0 TLS not available now\r\n");
        CHECK(client.send("NOOP\r\n").take() == "250 2.0.0 OK\r\n");
        CHECK(at.shards.door->handshakes() == 0);
    }
    SECTION("TLS first") {
        fixture<> at{tls_mode::implicit};
        (throws ? at.tls->throws : at.tls->available) = throws;
        auto client = at.connect();
        CHECK(client.take().empty());
        client.end();
        CHECK(client.closed());
        CHECK(at.nothing_left());
    }
}

TEST_CASE("handshakes under way are bounded per address: 454 for one more", "[server][tls][limits]") {
    fixture<> at;
    connection_limits limits;
    limits.handshakes_per_address = 2;
    at.shards.door->limit(limits);
    auto const begin = [&] {
        auto client = at.connect();
        client.send("EHLO c\r\n").take();
        client.send("STARTTLS\r\n");
        return client;
    };
    auto one = begin(), two = begin(), three = begin();
    CHECK(one.take().starts_with("220 "));
    CHECK(two.take().starts_with("220 "));
    CHECK(three.take().starts_with("454 4.7.0 "));
    CHECK(at.log->has("failed=too-many-handshakes"));
    one.send(fake_hello).send(fake_done);
    CHECK(three.send("STARTTLS\r\n").take().starts_with("220 "));
}

TEST_CASE("stalled handshakes are given up sooner when few places are left, and only then", "[server][tls][limits]") {
    bool const full = GENERATE(false, true);
    fixture<> at;
    at.shards.door->limit({.handshakes = full ? 1u : 2u});
    auto client = at.connect();
    client.send("EHLO client.example\r\n").send("STARTTLS\r\n").take();
    client.send(fake_hello).take();
    at.shards.loop.pass(12s);
    CHECK(at.log->has("why=timed-out") == full);
    CHECK((at.shards.door->handshakes() == 0) == full);
    if (!full) {
        client.send(fake_done);
        CHECK(at.shards.door->handshakes() == 0);
        at.shards.door->limit({.handshakes = 1});
        say(client, "EHLO c\r\n");
        at.shards.loop.pass(30s);
        CHECK_FALSE(at.log->has("why=timed-out"));  // what hurries are handshakes
    }
}

TEST_CASE("where TLS comes first silent connections take no handshake from others", "[server][tls][limits]") {
    fixture<> at{tls_mode::implicit};
    connection_limits limits;
    limits.handshakes = 2;
    at.shards.door->limit(limits);
    auto one = at.connect(), two = at.connect(), three = at.connect();
    CHECK(at.shards.door->handshakes() == 0);
    CHECK(*at.tls->streams == 0);
    three.send(fake_hello);
    CHECK(three.take() == fake_welcome);
    one.send("<");
    CHECK(at.shards.door->handshakes() == 2);
    two.send("<");
    CHECK(at.log->has("failed=too-many-handshakes"));
    CHECK(two.on_wire().half_closed);
    three.send(fake_done);
    CHECK(heard(three).starts_with("220 "));
    two.end();
    CHECK(two.closed());
}

TEST_CASE("a handshake that nobody speaks in does not hold up a stop where TLS comes first", "[server][tls]") {
    fixture<> at{tls_mode::implicit};
    auto silent = at.connect(), slow = at.connect();
    slow.send(fake_hello).take();
    at.shards.home->stop();
    at.shards.loop.pass(3s);
    CHECK(silent.closed());
    CHECK(slow.closed());
    CHECK((silent.take() + slow.take()).empty());  // nothing in clear
    CHECK(at.nothing_left());
}

TEST_CASE("policies see no connection go that they never saw come", "[server][tls]") {
    struct counting {
        std::shared_ptr<std::pair<int, int>> seen;
        verdict on_connect(session_info const&) { return ++seen->first, pass(); }
        void on_close(session_info const&) { ++seen->second; }
    };
    auto const seen = std::make_shared<std::pair<int, int>>();
    fixture<> at{tls_mode::implicit};
    profile kind = profile::mx();
    kind.tls = tls_mode::implicit;
    plugins plugged = recording_plugins(at.record);
    plugged.tls(at.tls).policies(counting{seen});
    at.setup = make_test_setup(plugged, {}, std::move(kind));
    auto failed = at.connect();
    failed.send("EHLO in.clear\r\n").end();
    CHECK(failed.closed());
    CHECK(*seen == std::pair{0, 0});
    auto whole = at.connect();
    whole.send(fake_hello).send(fake_done).end();
    CHECK(*seen == std::pair{1, 1});
}

TEST_CASE("a stop during the handshake is said under TLS", "[server][tls]") {
    fixture<> at;
    auto client = at.connect();
    client.send("EHLO c\r\n").send("STARTTLS\r\n").take();
    at.shards.home->stop();
    client.send(fake_hello).send(fake_done);
    std::string const said = client.take();
    REQUIRE(said.starts_with(fake_welcome));
    CHECK(fake_turned(said.substr(fake_welcome.size(), 10)).starts_with("421 4.3.2 "));
}

TEST_CASE("a wire that breaks at any operation leaves nothing behind", "[server][tls]") {
    bool const implicit = GENERATE(false, true);
    for (unsigned broken = 1; broken < 30; ++broken) {
        fixture<> at{implicit ? tls_mode::implicit : tls_mode::starttls};
        auto over = std::make_shared<wire>();
        over->fail_at = broken;
        auto client = at.shards.connect(at.setup, over);
        if (!implicit) client.send("EHLO c\r\n").send("STARTTLS\r\n");
        client.send(fake_hello).send(fake_done);
        say(client, "EHLO c\r\n");
        say(client, whole_transaction);
        say(client, "x\r\n.\r\n");
        say(client, "QUIT\r\n");
        client.end();
        at.shards.loop.pass(5s);
        CHECK(at.nothing_left());
    }
}

}  // namespace test_connection_tls
