// XCLIENT as the server sees it: another client's connection, counted and asked about as such.
#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <string>
#include <vector>

namespace test_connection_peer {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// Notes whom it is asked about, and refuses 198.51.100.66.
struct doorkeeper {
    std::vector<std::string>* seen;
    manner how;

    eventual<verdict> on_connect(session_info const& client) {
        seen->push_back("+" + client.client().address.to_string());
        bool const bad = client.client().address == *ip_address::parse("198.51.100.66");
        if (client.source() != address_source::xclient || how == manner::at_once) return bad ? reject() : pass();
        return later<verdict>(0ms, bad ? reject() : accept(), &record);
    }
    void on_close(session_info const& client) { seen->push_back("-" + client.client().address.to_string()); }

    static inline sink_record record{};
};

struct fixture {
    explicit fixture(manner how = manner::at_once) {
        server_config config;
        config.log = log_into(log);
        config.trusted_xclient = network_set{"192.0.2.1"};
        plugins plugged = recording_plugins(record);
        plugged.policies(doorkeeper{&seen, how});
        setup = make_test_setup(plugged, config);
    }
    std::size_t from(std::string_view address) { return shards.door->from(*ip_address::parse(address)); }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::vector<std::string> seen;
    std::shared_ptr<listener_setup> setup;
    manual_shard shards{{}, log_into(log)};
};

TEST_CASE("XCLIENT is an admission of the client it names: counted, asked about, logged", "[server][connection][xclient]") {
    fixture at{GENERATE(manner::at_once, manner::later)};
    auto client = at.shards.connect(at.setup);
    client.take();
    CHECK(at.from("192.0.2.1") == 1);

    client.send("XCLIENT ADDR=198.51.100.7 PORT=25 NAME=mail.example.com HELO=mail.example.com LOGIN=alice\r\n");

    CHECK(client.take() == "220 mx.example.org ESMTP\r\n");
    CHECK(at.from("192.0.2.1") == 0);
    CHECK(at.from("198.51.100.7") == 1);
    CHECK(at.seen == std::vector<std::string>{"+192.0.2.1", "+198.51.100.7", "-192.0.2.1"});
    auto const lines = at.log->of("xclient");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with("client=198.51.100.7:25 was=192.0.2.1:4321 helo=mail.example.com ptr=mail.example.com user=alice"));
    client.send("QUIT\r\n");
    CHECK(at.seen.back() == "-198.51.100.7");
    CHECK(at.from("198.51.100.7") == 0);
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("a client that policies refuse is not taken over, nor counted", "[server][connection][xclient]") {
    fixture at{GENERATE(manner::at_once, manner::later)};
    auto client = at.shards.connect(at.setup);
    client.take();
    client.send("XCLIENT ADDR=198.51.100.66\r\n");
    CHECK(client.take() == "550 5.7.1 Rejected by policy\r\n");
    CHECK(at.from("192.0.2.1") == 1);
    CHECK(at.from("198.51.100.66") == 0);
    CHECK(at.log->of("refused")[0].find("stage=peer verb=XCLIENT") != std::string::npos);
    client.send("EHLO c\r\n");
    CHECK(client.take().find("XCLIENT") != std::string::npos);
    client.send("QUIT\r\n");
    CHECK(at.seen.back() == "-192.0.2.1");
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("the limit per address holds for XCLIENT as well: 421, and the connection ends", "[server][connection][xclient]") {
    fixture at;
    at.setup->per_address = 1;
    auto first = at.shards.connect(at.setup);
    first.send("XCLIENT ADDR=198.51.100.7\r\n").take();
    auto second = at.shards.connect(at.setup);
    second.take();
    second.send("XCLIENT ADDR=198.51.100.7\r\n");
    CHECK(second.take() == "421 4.7.0 Too many connections from your address\r\n");
    CHECK(at.from("198.51.100.7") == 1);
    second.end();
    first.send("QUIT\r\n");
    CHECK(at.shards.door->total() == 0);
    CHECK(at.from("192.0.2.1") == 0);
}

TEST_CASE("a client that is lost while it is asked about counts as the one it was", "[server][connection][xclient]") {
    fixture at{manner::later};
    auto client = at.shards.connect(at.setup);
    client.take();
    client.on_wire().to_server = "XCLIENT ADDR=198.51.100.7\r\n";
    at.shards.loop.reactor_.round();  // asked, and not answered yet
    CHECK(at.seen.back() == "+198.51.100.7");
    client.vanish();
    CHECK(at.from("192.0.2.1") == 0);
    CHECK(at.from("198.51.100.7") == 0);
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("what XFORWARD told stands in the line of the accepted message", "[server][connection][xforward]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO filter\r\nXFORWARD NAME=m.example.com ADDR=198.51.100.7 PORT=4 PROTO=ESMTP HELO=h IDENT=abc SOURCE=REMOTE\r\n");
    client.send(whole_transaction).send("\r\nhi\r\n.\r\n").send(whole_transaction).send("\r\nhi\r\n.\r\n");
    auto const lines = at.log->of("accepted");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].ends_with(" fwd-client=198.51.100.7 fwd-port=4 fwd-ptr=m.example.com fwd-helo=h fwd-proto=ESMTP fwd-id=abc fwd-source=remote"));
    CHECK(lines[0].find(" client=192.0.2.1:4321 ") != std::string::npos);
    CHECK(lines[1].find("fwd-") == std::string::npos);
}

}  // namespace test_connection_peer
