#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <string>

// VRFY, EXPN and verbs of a host's own: asked at once, later, or of a handler that fails.

namespace test_connection_commands {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

struct fixture {
    explicit fixture(manner how, asked_by whom = asked_by::everybody) : shards({}, log_into(log)) {
        auto const answer = [seen = record, how](session_info const&, std::string_view argument) -> eventual<reply> {
            return in_manner<reply>(how, reply{250, "2.1.5", "asked about " + std::string(argument)}, *seen);
        };
        auto plugged = recording_plugins(record);
        plugged.extensions(host_extension{"ETRN"}.verb("ETRN", answer)).verify(answer, whom).expand(answer, whom);
        server_config config;
        config.log = log_into(log);
        setup = make_test_setup(plugged, std::move(config));
    }
    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards;
};

TEST_CASE("verbs of a host's own, VRFY and EXPN reach their handler, which may answer later", "[server][connection][commands]") {
    fixture at{GENERATE(manner::at_once, manner::later)};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n");
    CHECK(client.take().find("250 ETRN\r\n") != std::string::npos);
    for (std::string const verb : {"ETRN", "VRFY", "EXPN"}) {
        client.send(verb + " example.org\r\n");
        CHECK(client.take() == "250 2.1.5 asked about example.org\r\n");
    }
}

TEST_CASE("a handler that throws is 451 and a log line", "[server][connection][commands]") {
    fixture at{GENERATE(manner::throws, manner::throws_later)};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").take();
    client.send("ETRN example.org\r\n");
    CHECK(client.take().starts_with("451 4.3.0 "));
    CHECK(at.log->of("hook-failed").size() == 1);
    client.send("NOOP\r\n");
    CHECK(client.take().starts_with("250 "));
}

TEST_CASE("a check of a host's parameter that throws is 451 and a log line, and the session goes on", "[server][connection][commands]") {
    auto const record = std::make_shared<sink_record>();
    auto const log = std::make_shared<log_record>();
    auto const throws = [](parameter const&) -> std::optional<reply> { throw std::runtime_error("no table"); };
    auto plugged = recording_plugins(record);
    plugged.extensions(host_extension{"X-OWN"}.mail_parameter("X-FROM", throws).recipient_parameter("X-TO", throws));
    server_config config;
    config.log = log_into(log);
    manual_shard shards{{}, log_into(log)};
    auto client = shards.connect(make_test_setup(plugged, std::move(config)));
    client.send("EHLO client.example\r\n").take();

    client.send("MAIL FROM:<a@example.org> X-FROM=1\r\n");
    CHECK(client.take().starts_with("451 4.3.0 "));
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org> X-TO=1\r\n");
    CHECK(client.take().starts_with("250 2.1.0 OK\r\n451 4.3.0 "));
    client.send("RCPT TO:<b@example.org>\r\nDATA\r\n");
    CHECK(client.take().starts_with("250 2.1.5 OK\r\n354 "));

    auto const failed = log->of("hook-failed");
    REQUIRE(failed.size() == 2);
    CHECK(failed[0].find(" hook=parameter keyword=X-FROM error=\"no table\"") != std::string::npos);
    CHECK(failed[1].find(" id=") != std::string::npos);
}

TEST_CASE("a reply that cannot answer a command is 451 and a log line", "[server][connection][commands]") {
    int const code = GENERATE(0, 99, 199, 220, 300, 354, 600, 2500);
    bool const late = GENERATE(false, true);
    auto const record = std::make_shared<sink_record>();
    auto const log = std::make_shared<log_record>();
    auto plugged = recording_plugins(record);
    plugged.extensions(host_extension{"ETRN"}.verb("ETRN", [&](session_info const&, std::string_view) -> eventual<reply> {
        return in_manner<reply>(late ? manner::later : manner::at_once, reply{code, "2.0.0", "What"}, *record);
    }));
    server_config config;
    config.log = log_into(log);
    manual_shard shards{{}, log_into(log)};
    auto client = shards.connect(make_test_setup(plugged, std::move(config)));
    client.send("EHLO client.example\r\n").take();
    client.send("ETRN example.org\r\n");
    CHECK(client.take().starts_with("451 4.3.0 "));
    REQUIRE(log->of("hook-failed").size() == 1);
    CHECK(log->of("hook-failed")[0].find("hook=command") != std::string::npos);
    client.send("NOOP\r\n");
    CHECK(client.take().starts_with("250 "));
}

TEST_CASE("what the session refuses of a host's verb is logged with its name", "[server][connection][commands]") {
    auto const record = std::make_shared<sink_record>();
    auto const log = std::make_shared<log_record>();
    auto plugged = recording_plugins(record);
    plugged.extensions(host_extension{"X-OWN"}.verb("X-OWN", [](session_info const&, std::string_view) { return reply{250, "2.0.0", "OK"}; }));
    server_config config;
    config.log = log_into(log);
    manual_shard shards{{}, log_into(log)};
    auto client = shards.connect(make_test_setup(plugged, std::move(config)));
    client.send("x-own\r\nX-OTHER\r\n");
    REQUIRE(log->of("refused").size() == 2);
    CHECK(log->of("refused")[0].find(" verb=X-OWN reply=\"503 5.5.1 ") != std::string::npos);
    CHECK(log->of("refused")[1].find(" verb=unknown reply=\"500 5.5.1 ") != std::string::npos);
}

TEST_CASE("strangers are not answered about mailboxes unless a host says so", "[server][connection][commands]") {
    fixture at{manner::at_once, asked_by::users};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").take();
    client.send("VRFY alice\r\n");
    CHECK(client.take().starts_with("252 2.0.0 "));
    client.send("EXPN staff\r\n");
    CHECK(client.take().starts_with("502 5.5.1 "));
    REQUIRE(at.log->of("refused").size() == 1);
    CHECK(at.log->of("refused")[0].find("stage=command") != std::string::npos);
    CHECK(at.record->chunks == 0);
}

TEST_CASE("a client that is gone cancels the handler", "[server][connection][commands]") {
    fixture at{manner::never};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").take();
    client.send("ETRN example.org\r\n");
    CHECK(client.take().empty());
    client.vanish();
    CHECK(at.record->cancelled == 1);
}

TEST_CASE("a handler that takes too long is overtaken, and the session goes on", "[server][connection][commands]") {
    fixture at{manner::never};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").take();
    client.send("ETRN example.org\r\n");
    at.shards.loop.pass(61s);
    CHECK(client.take().starts_with("451 4.3.0 "));
    client.send("NOOP\r\n");
    CHECK(client.take().starts_with("250 "));
}

}  // namespace test_connection_commands
