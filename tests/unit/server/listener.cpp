#include <mailquay/server/listener.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <deque>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test_listener {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// Connections and failures in the order a test wants them.
class scripted_source final : public accept_source {
public:
    struct script {
        std::deque<accepted_socket> next;
        unsigned asked = 0;
    };
    explicit scripted_source(std::shared_ptr<script> played) : script_(std::move(played)) {}
    accepted_socket accept() noexcept override {
        ++script_->asked;
        if (script_->next.empty()) return {-1, {}, std::make_error_code(std::errc::operation_would_block)};
        auto one = script_->next.front();
        script_->next.pop_front();
        return one;
    }
    int native_handle() const noexcept override { return -1; }
    ip_endpoint local() const noexcept override { return *ip_endpoint::parse("192.0.2.25:25"); }

private:
    std::shared_ptr<script> script_;
};

struct fixture {
    fixture() {
        server_config config;
        config.log = log_into(log);
        setup = make_test_setup(recording_plugins(record), config);
        listens = std::make_unique<listener>(*shards.home, std::make_unique<scripted_source>(script), setup);
        shards.home->on_accept_again([this] { listens->accept_again(); });
        REQUIRE_FALSE(listens->start());
    }
    ~fixture() {
        for (int const one : clients) ::close(one);
    }
    /// A connection that waits to be accepted. @return the client's end
    int waits(std::string_view peer = "192.0.2.1:4000") {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        script->next.push_back({ends[0], *ip_endpoint::parse(peer), {}});
        clients.push_back(ends[1]);
        return ends[1];
    }
    void fails(std::errc why) { script->next.push_back({-1, {}, std::make_error_code(why)}); }
    static std::string take(int client) {
        char octets[4096];
        auto const got = ::recv(client, octets, sizeof octets, 0);
        return got > 0 ? std::string(octets, static_cast<std::size_t>(got)) : std::string{};
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    std::shared_ptr<scripted_source::script> script = std::make_shared<scripted_source::script>();
    std::vector<int> clients;
    manual_shard shards{{}, log_into(log)};
    std::unique_ptr<listener> listens;
};

TEST_CASE("all connections that wait are accepted at one readiness and greeted", "[server][listener]") {
    fixture at;
    for (int i = 0; i < 10; ++i) at.waits();
    at.listens->ready(readiness::readable);
    CHECK(at.shards.home->connections() == 10);
    for (int const one : at.clients) CHECK(fixture::take(one).starts_with("220 "));
}

TEST_CASE("without descriptors accepting pauses, 100 ms to 1 s, with a line each, and then goes on", "[server][listener]") {
    auto const why = GENERATE(std::errc::too_many_files_open, std::errc::too_many_files_open_in_system, std::errc::no_buffer_space,
                              std::errc::not_enough_memory);
    fixture at;
    for (int i = 0; i < 6; ++i) at.fails(why);
    int const client = at.waits();

    at.listens->ready(readiness::readable);
    CHECK(at.listens->paused());
    at.listens->ready(readiness::readable);
    CHECK(at.script->asked == 1);
    at.shards.loop.pass(99ms);
    CHECK(at.script->asked == 1);
    at.shards.loop.pass(1ms);
    CHECK(at.script->asked == 2);
    at.shards.loop.pass(200ms + 400ms + 800ms);
    CHECK(at.script->asked == 5);
    at.shards.loop.pass(1s);
    CHECK(at.script->asked == 6);
    CHECK(at.listens->paused());
    CHECK(at.log->of("accept-paused").size() == 6);
    at.shards.loop.pass(1s);

    CHECK_FALSE(at.listens->paused());
    CHECK(fixture::take(client).starts_with("220 "));
    CHECK(at.log->of("accept-paused")[0].ends_with("for=0.100"));
    CHECK(at.log->of("accept-paused")[5].ends_with("for=1.000"));
}

TEST_CASE("connections above the limits get their 421, which is logged, and take no place", "[server][listener]") {
    fixture at;
    at.shards.door->limit({.total = 3, .per_address = 2});
    at.setup->per_address = 2;
    int const first = at.waits("192.0.2.1:1");
    at.waits("192.0.2.1:2");
    int const third = at.waits("192.0.2.1:3");
    at.waits("192.0.2.2:1");
    int const fifth = at.waits("192.0.2.3:1");

    at.listens->ready(readiness::readable);

    CHECK(fixture::take(first).starts_with("220 "));
    CHECK(fixture::take(third) == "421 4.7.0 Too many connections from your address\r\n");
    CHECK(fixture::take(fifth) == "421 4.3.2 Too busy, try again later\r\n");
    CHECK(at.shards.home->connections() == 3);
    CHECK(at.listens->refused() == 2);
    auto const lines = at.log->of("refused-connect");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "refused-connect client=192.0.2.1:3 local=192.0.2.25:25 "
                      "reply=\"421 4.7.0 Too many connections from your address\" rule=connections.per_address");
    CHECK(lines[1].ends_with("rule=connections.total"));

    // Closed gently: the end of the stream comes at once, the close a second later.
    char octet;
    CHECK(::recv(third, &octet, 1, 0) == 0);
    CHECK(::send(third, "EHLO c\r\n", 8, MSG_NOSIGNAL) == 8);
    at.shards.loop.pass(3s);
    CHECK(::send(third, "EHLO c\r\n", 8, MSG_NOSIGNAL) == -1);
}

TEST_CASE("a trusted proxy has no limit for its address, also where it says nothing of its clients", "[server][listener][proxy]") {
    fixture at;
    at.setup->per_address = 1;
    at.setup->trusted_proxies = network_set{"203.0.113.1"};
    for (int i = 0; i < 3; ++i) at.waits("203.0.113.1:1");
    int const other = at.waits("203.0.113.2:1");
    int const refused = at.waits("203.0.113.2:2");

    at.listens->ready(readiness::readable);

    CHECK(at.shards.home->connections() == 4);
    CHECK(fixture::take(at.clients[2]).starts_with("220 "));
    CHECK(fixture::take(other).starts_with("220 "));
    CHECK(fixture::take(refused).starts_with("421 4.7.0 "));
    CHECK(at.shards.door->from(*ip_address::parse("203.0.113.1")) == 3);
}

TEST_CASE("where TLS comes first those above the limits, and those that wait at a stop, are closed without a word", "[server][listener][tls]") {
    fixture at;
    at.setup->per_address = 1;
    at.setup->session.tls_first = true;
    int const first = at.waits(), second = at.waits();
    at.listens->ready(readiness::readable);
    int const late = at.waits();
    CHECK(at.listens->stop() == 1);
    char octet;
    CHECK(::recv(first, &octet, 1, 0) == -1);  // open, silent
    CHECK(::recv(second, &octet, 1, 0) == 0);
    CHECK(::recv(late, &octet, 1, 0) == 0);
}

TEST_CASE("a listener that stops tells 421 to those that wait", "[server][listener]") {
    fixture at;
    int const client = at.waits();
    CHECK(at.listens->stop() == 1);
    CHECK(fixture::take(client) == "421 4.3.2 Service stopping\r\n");
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.loop.reactor_.watched() == 0);
    at.listens->ready(readiness::readable);
    at.listens->accept_again();
    CHECK(at.listens->stop() == 0);
}

TEST_CASE("connections accepted later get the setup that is in use then", "[server][listener]") {
    fixture at;
    int const before = at.waits();
    at.listens->ready(readiness::readable);
    server_config config;
    config.hostname = "new.example.org";
    at.listens->use(make_test_setup(recording_plugins(at.record), config));
    int const after_change = at.waits();
    at.listens->ready(readiness::readable);
    CHECK(fixture::take(before).starts_with("220 mx.example.org"));
    CHECK(fixture::take(after_change).starts_with("220 new.example.org"));
}

TEST_CASE("in proxy mode a trusted proxy speaks for its client, and anybody else for himself, without trust", "[server][listener][proxy]") {
    fixture at;
    auto setup = make_test_setup(recording_plugins(at.record), {.log = log_into(at.log)});
    setup->proxy = proxy_mode::accepted;
    setup->trusted_proxies = network_set{"203.0.113.0/24"};
    at.listens->use(setup);
    int const proxy = at.waits("203.0.113.1:1");
    int const direct = at.waits("192.0.2.1:1");
    std::string_view const header = "PROXY TCP4 198.51.100.7 192.0.2.25 49152 25\r\n";
    REQUIRE(::send(proxy, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size()));

    at.listens->ready(readiness::readable);

    CHECK(fixture::take(proxy).starts_with("220 "));
    CHECK(fixture::take(direct).starts_with("220 "));
    auto const lines = at.log->of("connect");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find("client=198.51.100.7:49152 local=192.0.2.25:25 proxy=203.0.113.1:1") != std::string::npos);
    CHECK(lines[1].find("client=192.0.2.1:1 local=192.0.2.25:25") != std::string::npos);

    auto only = make_test_setup(recording_plugins(at.record), {.log = log_into(at.log)});
    only->proxy = proxy_mode::required;
    only->trusted_proxies = setup->trusted_proxies;
    at.listens->use(only);
    int const other = at.waits("192.0.2.1:2");
    at.listens->ready(readiness::readable);
    CHECK(fixture::take(other).empty());
    CHECK(at.log->of("refused-connect").back() ==
          "refused-connect client=192.0.2.1:2 local=192.0.2.25:25 rule=proxy why=\"no trusted proxy\"");
    CHECK(at.shards.home->connections() == 2);
}

TEST_CASE("without proxy mode a PROXY header is an unknown command", "[server][listener][proxy]") {
    fixture at;
    int const client = at.waits("203.0.113.1:1");
    std::string_view const header = "PROXY TCP4 198.51.100.7 192.0.2.25 49152 25\r\n";
    REQUIRE(::send(client, header.data(), header.size(), 0) == static_cast<ssize_t>(header.size()));
    at.listens->ready(readiness::readable);
    CHECK(fixture::take(client).starts_with("220 "));
    CHECK(at.log->of("connect")[0].find("client=203.0.113.1:1") != std::string::npos);
}

}  // namespace test_listener
