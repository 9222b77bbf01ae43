#include <mailquay/server/proxy_arrival.hpp>

#include "support/catch.hpp"
#include "support/fake_tls.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"
#include "support/socket_shard.hpp"

#include <string>

namespace test_proxy_arrival {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

std::string const line = "PROXY TCP4 198.51.100.7 192.0.2.25 49152 25\r\n";
/// Version 2 with an authority and a unique id, from 198.51.100.7:49152.
std::string const binary{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x24\xc6\x33\x64\x07\xc0\0\x02\x19\xc0\0\0\x19\x02\0\x0emx.example.org\x05\0\4abcd", 52};
std::string const local_header{"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16};

/// What policies see of a client.
struct seen {
    unsigned asked = 0;
    std::string authority;
    address_source source{};
};
struct witness {
    seen* into;
    verdict on_connect(session_info const& client) {
        ++into->asked;
        into->source = client.source();
        if (auto const* const told = client.proxy()) into->authority = told->authority + '/' + told->unique_id;
        return pass();
    }
};

template <class Shard>
struct fixture {
    fixture() {
        server_config config;
        config.log = log_into(log);
        plugins plugged = recording_plugins(record);
        plugged.policies(witness{&saw});
        setup = make_test_setup(plugged, config);
    }
    auto connect() { return shards.connect_proxy(setup); }
    void nothing_left() {
        CHECK(shards.home->connections() == 0);
        CHECK(shards.home->arrivals() == 0);
        CHECK(shards.door->total() == 0);
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    seen saw;
    Shard shards{{}, log_into(log)};
};

TEMPLATE_TEST_CASE("what follows a PROXY header in the same write is the client's", "[server][proxy][reactors]", manual_shard,
                   local_pair, loopback, portable_pair, portable_loopback) {
    fixture<TestType> at;
    auto client = at.connect();
    CHECK(at.shards.home->arrivals() == 1);
    CHECK(at.shards.home->connections() == 0);
    CHECK(client.take().empty());

    client.send(line + "EHLO c\r\n");

    std::string const said = client.take();
    CHECK(said.starts_with("220 mx.example.org ESMTP\r\n250-mx.example.org\r\n"));
    CHECK(at.shards.home->arrivals() == 0);
    CHECK(at.saw.source == address_source::proxy);
    CHECK(at.log->of("connect")[0].find("client=198.51.100.7:49152 local=192.0.2.25:25 proxy=203.0.113.1:4321") != std::string::npos);
    client.send(std::string{whole_transaction}).send("\r\nhi\r\n.\r\nQUIT\r\n");
    CHECK(client.take().ends_with("221 2.0.0 Bye\r\n"));
    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.find("from c (unknown [198.51.100.7])") != std::string::npos);
    at.nothing_left();
}

TEMPLATE_TEST_CASE("a header may come octet by octet, in either version", "[server][proxy][reactors]",
                   manual_shard, local_pair, portable_pair) {
    auto const header = GENERATE(line, binary);
    fixture<TestType> at;
    auto client = at.connect();
    for (char const octet : header) {
        CHECK(client.take().empty());
        client.send({&octet, 1});
    }
    CHECK(client.take().starts_with("220 "));
    CHECK(at.saw.authority == (header == binary ? "mx.example.org/abcd" : ""));
}

TEMPLATE_TEST_CASE("a malformed header closes the connection: no session, no word, a line in the log", "[server][proxy][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    fixture<TestType> at;
    auto client = at.connect();
    client.send("EHLO c\r\n");
    CHECK(client.closed());
    CHECK(client.take().empty());
    CHECK(at.saw.asked == 0);
    CHECK(at.log->lines == std::vector<std::string>{
                               "refused-connect client=203.0.113.1:4321 local=192.0.2.25:25 rule=proxy why=\"no PROXY header\""});
    at.nothing_left();
}

TEST_CASE("a header is never accepted twice", "[server][proxy]") {
    auto const second = GENERATE(line, binary);
    fixture<manual_shard> at;
    auto client = at.connect();
    client.send(line).take();
    client.send(second + "\r\nNOOP\r\n");
    std::string const said = client.take();
    CHECK(said.starts_with("500 5.5."));
    CHECK(said.ends_with("250 2.0.0 OK\r\n"));
    CHECK(at.log->of("connect").size() == 1);
}

TEST_CASE("a proxy that does not say its piece in time is closed, and so is one that ends in the middle", "[server][proxy]") {
    fixture<manual_shard> at;
    auto client = at.connect();
    SECTION("silence") {
        at.shards.loop.pass(4s);
        CHECK_FALSE(client.closed());
        at.shards.loop.pass(2s);
        CHECK(at.log->of("refused-connect")[0].ends_with("why=\"no header in time\""));
    }
    SECTION("a drop at a time") {
        for (int i = 0; i < 6; ++i) {
            client.send(std::string{line[static_cast<std::size_t>(i)]});
            at.shards.loop.pass(1s);
        }
        CHECK(at.log->of("refused-connect").size() == 1);
    }
    SECTION("an end in the middle") {
        client.send("PROXY TCP4").end();
        CHECK(at.log->of("refused-connect")[0].ends_with("why=\"ended within the header\""));
    }
    SECTION("a health check that only connects leaves no line") {
        client.end();
        CHECK(at.log->lines.empty());
    }
    SECTION("a broken connection") {
        client.send("PROXY").vanish();
        CHECK(at.log->lines.empty());
    }
    CHECK(client.closed());
    CHECK(client.take().empty());
    at.nothing_left();
}

TEST_CASE("the limit per address is that of the client a header names, not of the proxy", "[server][proxy]") {
    fixture<manual_shard> at;
    at.setup->per_address = 1;
    auto first = at.connect();
    auto second = at.connect();
    auto third = at.connect();
    first.send(line);
    CHECK(first.take().starts_with("220 "));
    second.send(line);
    CHECK(second.take() == "421 4.7.0 Too many connections from your address\r\n");
    third.send("PROXY TCP4 198.51.100.8 192.0.2.25 1 25\r\n");
    CHECK(third.take().starts_with("220 "));
    CHECK(at.saw.asked == 2);
    CHECK(at.log->of("refused-connect")[0].find("client=198.51.100.7:49152") != std::string::npos);
    CHECK(at.log->of("refused-connect")[0].ends_with("rule=connections.per_address"));
    first.send("QUIT\r\n");
    third.send("QUIT\r\n");
    at.nothing_left();
    CHECK(at.shards.door->from(*ip_address::parse("198.51.100.7")) == 0);
}

TEST_CASE("LOCAL is served but takes no mail; of UNKNOWN nothing is known; neither counts for an address", "[server][proxy]") {
    fixture<manual_shard> at;
    at.setup->per_address = 1;
    auto checks = at.connect();
    auto unknown = at.connect();
    checks.send(local_header + "EHLO haproxy\r\n");
    CHECK(checks.take().starts_with("220 "));
    CHECK(at.saw.source == address_source::health_check);
    checks.send("MAIL FROM:<>\r\n");
    CHECK(checks.take() == "550 5.7.1 No mail from the proxy itself\r\n");
    unknown.send("PROXY UNKNOWN\r\nEHLO c\r\n");
    CHECK(unknown.take().starts_with("220 "));
    CHECK(at.saw.source == address_source::local);
    unknown.send("MAIL FROM:<>\r\n");
    CHECK(unknown.take() == "250 2.1.0 OK\r\n");
    CHECK(at.log->of("connect")[0].ends_with("client=203.0.113.1:4321 local=192.0.2.25:25 proxy=203.0.113.1:4321 health-check=yes"));
    CHECK(at.shards.door->from(*ip_address::parse("203.0.113.1")) == 0);
    checks.send("QUIT\r\n");
    unknown.send("QUIT\r\n");
    at.nothing_left();
}

TEST_CASE("a server that stops tells 421 to proxies whose header is awaited; one that is cut says nothing", "[server][proxy]") {
    fixture<manual_shard> at;
    auto client = at.connect();
    auto other = at.connect();
    client.send("PROXY");
    SECTION("stopped") {
        at.shards.home->stop();
        CHECK(client.take() == "421 4.3.2 Service stopping\r\n");
        CHECK(other.take() == "421 4.3.2 Service stopping\r\n");
    }
    SECTION("cut") {
        at.shards.home->detach();
        CHECK(client.take().empty());
        CHECK(client.closed());
    }
    at.nothing_left();
}

TEST_CASE("where TLS comes first nobody behind a proxy is told anything in clear", "[server][proxy][tls]") {
    fixture<manual_shard> at;
    at.setup->session.tls_first = true;
    at.setup->tls = std::make_shared<fake_tls>();
    at.setup->per_address = 1;
    auto first = at.connect();
    first.send(line + std::string{fake_hello});
    CHECK(first.take() == fake_welcome);
    auto second = at.connect();
    second.send(line);
    CHECK(at.log->of("refused-connect").size() == 1);
    auto waits = at.connect();
    waits.send("PROXY");
    at.shards.home->stop();
    CHECK(second.take().empty());
    CHECK(second.closed());
    CHECK(waits.take().empty());
    CHECK(waits.closed());
}

TEST_CASE("handshakes of clients that a proxy does not know count for no address", "[server][proxy][tls]") {
    auto const header = GENERATE(std::string{"PROXY UNKNOWN\r\n"}, local_header);
    fixture<manual_shard> at;
    at.setup->session.tls_first = true;
    at.setup->tls = std::make_shared<fake_tls>();
    connection_limits limits;
    limits.handshakes_per_address = 1;
    at.shards.door->limit(limits);
    auto first = at.connect(), second = at.connect();
    first.send(header + std::string{fake_hello});
    second.send(header + std::string{fake_hello});
    CHECK(first.take() == fake_welcome);
    CHECK(second.take() == fake_welcome);
    CHECK(at.shards.door->handshakes() == 2);
    first.end();
    second.end();
    CHECK(at.shards.door->handshakes() == 0);
    at.nothing_left();
}

}  // namespace test_proxy_arrival
