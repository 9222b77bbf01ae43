#include <mailquay/server/connection.hpp>

#include <mailquay/handler/relay_for.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/plain_users.hpp"
#include "support/socket_shard.hpp"

#include <string>
#include <vector>

/// AUTH between the session and an authenticator, on every reactor.
namespace test_connection_auth {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

struct told {
    observation_kind kind;
    std::string user;
    std::string mechanism;
    auth_outcome outcome;
};

struct note_auth final : observer {
    explicit note_auth(std::vector<told>& into) : notes(into) {}
    observation_kind wants() const noexcept override { return observation_kind::auth_succeeded | observation_kind::auth_failed; }
    void on_event(observation const& what) noexcept override {
        notes.push_back({what.kind, std::string(what.client->user()), std::string(what.mechanism), what.authentication});
    }
    std::vector<told>& notes;
};

profile in_clear() {
    auto kind = profile::submission();
    kind.tls.reset();
    kind.auth_without_tls = true;
    return kind;
}

template <class Shard>
struct fixture {
    explicit fixture(shard_limits limits = {}) : shards(limits, log_into(log)) {
        server_config config;
        config.log = log_into(log);
        plugins plugged = recording_plugins(record);
        plugged.recipients(relay_for{authenticated});
        plugged.authentication(plain_users{users});
        plugged.observers(note_auth{notes});
        setup = make_test_setup(plugged, std::move(config), in_clear());
    }
    typename Shard::client greeted() {
        auto client = shards.connect(setup);
        client.send("EHLO client.example\r\n");
        return client;
    }
    bool nothing_left() const {
        return users->exchanges == 0 && shards.home->connections() == 0 && shards.home->hooks_running() == 0;
    }
    std::string lines() const {
        std::string all;
        for (auto const& one : log->lines) all.append(one).append("\n");
        return all;
    }

    std::shared_ptr<users_record> users = std::make_shared<users_record>();
    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::vector<told> notes;
    std::shared_ptr<listener_setup> setup;
    Shard shards;
};

std::string plain(std::string_view response) { return "AUTH PLAIN " + std::string(response) + "\r\n"; }

TEMPLATE_TEST_CASE("who authenticates may relay, whether the authenticator answers at once or later", "[server][auth][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::at_once, manner::later);
    fixture<TestType> at;
    at.users->next = how;
    auto client = at.greeted();
    CHECK(client.take().find(" AUTH PLAIN LOGIN\r\n") != std::string::npos);
    client.send("MAIL FROM:<alice@example.org>\r\n");
    CHECK(client.take().starts_with("530 5.7.0 "));
    client.send(plain(plain_users::wrong));
    CHECK(client.take().starts_with("535 5.7.8 "));
    client.send("AUTH LOGIN\r\n");
    CHECK(client.take() == "334 VXNlcm5hbWU6\r\n");
    client.send("YWxpY2U=\r\n");
    CHECK(client.take() == "334 UGFzc3dvcmQ6\r\n");
    client.send("c2VjcmV0\r\n");
    CHECK(client.take().starts_with("235 2.7.0 "));
    client.send(whole_transaction).take();
    client.send("\r\nhello\r\n.\r\n");
    CHECK(client.take().starts_with("250 2.0.0 "));
    client.send("QUIT\r\n");

    REQUIRE(at.record->kept.size() == 1);
    CHECK(at.record->kept[0].octets.find(" with ESMTPA id ") != std::string::npos);
    REQUIRE(at.notes.size() == 2);
    CHECK(at.notes[0].kind == observation_kind::auth_failed);
    CHECK(at.notes[0].user.empty());
    CHECK(at.notes[0].mechanism == "PLAIN");
    CHECK(at.notes[0].outcome == auth_outcome::failed);
    CHECK(at.notes[1].kind == observation_kind::auth_succeeded);
    CHECK(at.notes[1].user == "alice");
    CHECK(at.notes[1].mechanism == "LOGIN");
    CHECK(at.nothing_left());
}

TEMPLATE_TEST_CASE("an authenticator that throws, now or later, is 454 and costs nobody anything", "[server][auth][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    auto const how = GENERATE(manner::throws, manner::throws_later);
    fixture<TestType> at;
    auto client = at.greeted();
    client.take();
    at.users->next = how;
    client.send(plain(plain_users::right));
    CHECK(client.take().starts_with("454 4.7.0 "));
    at.users->next = manner::at_once;
    at.users->begin = manner::throws;
    client.send(plain(plain_users::right));
    CHECK(client.take().starts_with("454 4.7.0 "));
    at.users->begin = manner::at_once;
    client.send(plain(plain_users::right));
    CHECK(client.take().starts_with("235 2.7.0 "));

    CHECK(at.lines().find("hook-failed") != std::string::npos);
    CHECK(at.users->exchanges == 0);
}

TEMPLATE_TEST_CASE("a client that vanishes cancels the authenticator, and nothing stays", "[server][auth][reactors]", manual_shard,
                   local_pair, loopback, portable_pair, portable_loopback) {
    fixture<TestType> at;
    at.users->next = manner::later;
    at.users->seen.takes = 24h;
    auto client = at.greeted();
    client.send(plain(plain_users::right));
    CHECK(at.users->exchanges == 1);

    client.vanish();

    CHECK(at.users->seen.cancelled == 1);
    CHECK(at.nothing_left());
    REQUIRE(at.notes.size() == 1);
    CHECK(at.notes[0].outcome == auth_outcome::aborted);
}

TEMPLATE_TEST_CASE("a client that cancels ends the mechanism's state", "[server][auth][reactors]",
                   manual_shard, local_pair, loopback, portable_pair, portable_loopback) {
    fixture<TestType> at;
    auto client = at.greeted();
    client.send("AUTH LOGIN\r\n").take();
    CHECK(at.users->exchanges == 1);
    client.send("*\r\n");
    CHECK(client.take().starts_with("501 5.0.0 "));
    CHECK(at.users->exchanges == 0);
    client.send("AUTH LOGIN\r\n").take();
    client.vanish();
    CHECK(at.nothing_left());
}

TEST_CASE("an authenticator that takes longer than a hook may is 454, and cancelled", "[server][auth]") {
    fixture<manual_shard> at;
    at.users->next = manner::never;
    auto client = at.greeted();
    client.take();
    client.send(plain(plain_users::right));
    CHECK(client.take().empty());

    at.shards.loop.pass(62s);

    CHECK(client.take().starts_with("454 4.7.0 "));
    CHECK(at.users->seen.cancelled == 1);
    CHECK(at.users->exchanges == 0);
    REQUIRE(at.notes.size() == 1);
    CHECK(at.notes[0].outcome == auth_outcome::unavailable);
    at.users->next = manner::at_once;
    client.send(plain(plain_users::right));
    CHECK(client.take().starts_with("235 "));
}

TEST_CASE("too many hooks under way is 454 for AUTH", "[server][auth]") {
    shard_limits limits;
    limits.hook_frames = 1;
    fixture<manual_shard> at{limits};
    at.users->next = manner::never;
    auto first = at.greeted();
    first.send(plain(plain_users::right));
    auto second = at.greeted();
    second.take();
    second.send(plain(plain_users::right));
    CHECK(second.take().starts_with("454 4.7.0 "));
    first.vanish();
}

TEST_CASE("a server that stops ends an exchange", "[server][auth]") {
    fixture<manual_shard> at;
    auto client = at.greeted();
    client.send("AUTH LOGIN\r\n").take();
    at.shards.home->stop();
    at.shards.loop.settle();
    CHECK(client.take().starts_with("421 4.3.2 "));
    client.vanish();
    CHECK(at.users->exchanges == 0);
}

TEST_CASE("the log says who, how and with what result, and never a secret", "[server][auth][log]") {
    fixture<manual_shard> at;
    auto client = at.greeted();
    client.send(plain(plain_users::wrong)).send("AUTH LOGIN\r\n").send("*\r\n").send("AUTH LOGIN\r\n").send("!\r\n");
    client.send("AUTH FOO c2VjcmV0\r\n").send("AUTH PLAIN c2VjcmV0!\r\n").send(plain(plain_users::right)).send("QUIT\r\n");

    std::string const all = at.lines();
    CHECK(all.find("auth id=") != std::string::npos);
    CHECK(all.find(" mechanism=PLAIN result=failed reply=\"535 5.7.8 Authentication failed\"\n") != std::string::npos);
    CHECK(all.find(" mechanism=LOGIN result=cancelled reply=\"501 5.0.0 Authentication cancelled\"\n") != std::string::npos);
    CHECK(all.find(" mechanism=LOGIN result=malformed reply=\"501 5.5.2 Cannot decode response\"\n") != std::string::npos);
    CHECK(all.find(" mechanism=PLAIN user=alice result=succeeded reply=\"235 2.7.0 Authentication successful\"\n") != std::string::npos);
    CHECK(all.find(" verb=AUTH reply=\"504 5.5.4 ") != std::string::npos);
    CHECK(all.find(" junk=2 auth=1\n") != std::string::npos);
    for (std::string_view const secret : {"secret", "wrong", "c2VjcmV0", "AHNlY3JldA", "AHdyb25n"}) CHECK(all.find(secret) == std::string::npos);
}

}  // namespace test_connection_auth
