#include <mailquay/server/server.hpp>

#include <mailquay/handler/collecting_sink.hpp>
#include <mailquay/handler/recipient_table.hpp>
#include <mailquay/handler/relay_for.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include "support/catch.hpp"
#include "support/server_plugins.hpp"

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test_server {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// A client that blocks, on a thread of its own side of the wire.
template <class Protocol>
class blocking_client {
public:
    explicit blocking_client(typename Protocol::endpoint const& to) : socket_(io_) {
        socket_.connect(to);
        timeval const patience{20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void send(std::string_view octets) { asio::write(socket_, asio::buffer(octets)); }
    /// One reply, all its lines; what came before the connection ended otherwise.
    std::string reply() {
        std::string whole;
        for (;;) {
            auto const lf = read_.find('\n');
            if (lf == std::string::npos) {
                char more[4096];
                auto const got = ::recv(socket_.native_handle(), more, sizeof more, 0);
                if (got <= 0) return whole + std::exchange(read_, {});
                read_.append(more, static_cast<std::size_t>(got));
                continue;
            }
            std::string const line = read_.substr(0, lf + 1);
            read_.erase(0, lf + 1);
            whole += line;
            if (line.size() < 4 || line[3] != '-') return whole;
        }
    }
    std::string ask(std::string_view octets) {
        send(octets);
        return reply();
    }
    bool at_end() {
        char octet;
        return read_.empty() && ::recv(socket_.native_handle(), &octet, 1, 0) == 0;
    }

private:
    asio::io_context io_;
    typename Protocol::socket socket_;
    std::string read_;
};

using tcp_client = blocking_client<asio::ip::tcp>;
using unix_client = blocking_client<asio::local::stream_protocol>;

inline asio::ip::tcp::endpoint to_tcp(listen_endpoint const& where) {
    return {asio::ip::make_address(where.address.address.to_string()), where.port()};
}

template <class Client>
std::string deliver(Client& client, std::string_view body = "\r\nhello\r\n") {
    client.ask("MAIL FROM:<a@example.org>\r\n");
    client.ask("RCPT TO:<b@example.org>\r\n");
    client.ask("DATA\r\n");
    return client.ask(std::string{body} + ".\r\n");
}

inline std::string unix_path(std::string_view name) {
    return (std::filesystem::temp_directory_path() / fmt::format("mailquay-{}-{}", ::getpid(), name)).string();
}

/// A server in a context that a thread runs.
struct hosted {
    explicit hosted(server_config config = {}) : serves(io, named(std::move(config))) {
        record->takes = 20ms;
        plugins const made = recording_plugins(record);
        serves.recipients(made.all().recipients[0]).sink(made.all().sink);
    }
    ~hosted() { stop(); }
    static server_config named(server_config config) {
        config.hostname = "mx.example.org";
        return config;
    }
    void run() {
        thread = std::thread([this] { io.run(); });
    }
    shutdown_report stop(std::chrono::milliseconds grace = 0ms) {
        shutdown_report got;
        if (!thread.joinable()) return got;
        serves.shutdown(grace, [&got](shutdown_report const& told) { got = told; });
        thread.join();
        return got;
    }

    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    asio::io_context io{1};
    server serves;
    std::thread thread;
};

TEST_CASE("addresses that may speak for others may not relay as well: listen() throws and names the setting", "[server][proxy]") {
    server_config config;
    std::string name;
    SECTION("a proxy") { config.trusted_proxies = network_set{"192.0.2.9"}, name = "trusted_proxies"; }
    SECTION("a filter") { config.trusted_xclient = network_set{"192.0.2.9"}, name = "trusted_xclient"; }
    hosted at{config};
    at.serves.recipients(relay_for{"192.0.2.0/24"});
    CHECK_THROWS_WITH(at.serves.listen("127.0.0.1:0"), Catch::Contains(name));
    at.serves.recipients(relay_for{"198.51.100.0/24"});
    CHECK(at.serves.listen("127.0.0.1:0").port() != 0);
}

TEST_CASE("relay_for made for each shard is looked at before anything listens, too", "[server][proxy]") {
    server_config config;
    config.trusted_proxies = network_set{"192.0.2.9"};
    hosted at{config};
    auto const relay = [](std::string_view network) {
        return [network = std::string{network}] { return relay_for{network}; };
    };
    at.serves.recipients(per_shard(relay("192.0.2.0/24")));
    CHECK_THROWS_WITH(at.serves.listen("127.0.0.1:0"), Catch::Contains("trusted_proxies"));
    hosted well{config};
    well.serves.recipients(per_shard(relay("198.51.100.0/24")));
    CHECK(well.serves.listen("127.0.0.1:0").port() != 0);
}

TEST_CASE("a listener in proxy mode needs a trusted proxy", "[server][proxy]") {
    hosted at;
    profile behind = profile::mx();
    behind.proxy = proxy_mode::accepted;
    CHECK_THROWS_WITH(at.serves.listen("127.0.0.1:0", behind), Catch::Contains("trusted_proxies"));
}

TEST_CASE("a server in a host's context takes mail over TCP, and tells the port the system chose", "[server]") {
    auto const how = GENERATE(manner::at_once, manner::later);
    hosted at;
    at.record->recipient = at.record->write = at.record->finish = how;
    auto const where = at.serves.listen("127.0.0.1:0");
    REQUIRE(where.port() != 0);
    CHECK(where.to_string().starts_with("127.0.0.1:"));
    at.run();

    tcp_client client{to_tcp(where)};
    CHECK(client.reply().starts_with("220 mx.example.org"));
    CHECK(client.ask("EHLO c\r\n").starts_with("250-mx.example.org"));
    CHECK(deliver(client).starts_with("250 2.0.0"));
    CHECK(deliver(client, "\r\n" + std::string(300'000, 'x') + "\r\n").starts_with("250 2.0.0"));
    CHECK(client.ask("QUIT\r\n") == "221 2.0.0 Bye\r\n");
    CHECK(client.at_end());

    auto const report = at.stop();
    CHECK(report.in_time);
    REQUIRE(at.record->kept.size() == 2);
    CHECK(at.record->kept[1].octets.size() > 300'000);
    CHECK(at.record->writers == 0);
}

TEST_CASE("a server listens on IPv6 and on UNIX sockets", "[server]") {
    hosted at;
    std::string const path = unix_path("listen");
    std::error_code no_ipv6;
    auto const six = at.serves.listen("[::1]:0", no_ipv6);
    at.serves.listen("unix:" + path, profile::lmtp());
    at.run();

    if (!no_ipv6) {
        tcp_client client{to_tcp(six)};
        CHECK(client.reply().starts_with("220 "));
    }
    {
        unix_client client{asio::local::stream_protocol::endpoint{path}};
        CHECK(client.reply().starts_with("220 "));
        client.ask("LHLO c\r\n");
        CHECK(deliver(client).starts_with("250 2.0.0"));
    }
    at.stop();
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("start-up errors name the setting, its value and the cure", "[server]") {
    asio::io_context io;
    auto const message = [](auto&& does) -> std::string {
        try {
            does();
        } catch (std::exception const& thrown) {
            return thrown.what();
        }
        return "nothing was thrown";
    };
    using Catch::Contains;
    plugins const made = recording_plugins(std::make_shared<sink_record>());

    SECTION("no sink") {
        server serves{io, {.hostname = "mx.example.org"}};
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("sink(") && Contains("before listen()"));
    }
    SECTION("no hostname") {
        server serves{io, {}};
        serves.sink(made.all().sink);
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("hostname is empty") && Contains("mx.example.org"));
        CHECK_THROWS_AS(serves.listen("127.0.0.1:0"), std::invalid_argument);
    }
    SECTION("a limit that cannot be") {
        server serves{io, {.hostname = "mx.example.org", .limits = {.recipients = 5}}};
        serves.sink(made.all().sink);
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("limits.recipients is 5") && Contains("100"));
    }
    SECTION("an endpoint that is none") {
        server serves{io, {.hostname = "mx.example.org"}};
        serves.sink(made.all().sink);
        CHECK_THAT(message([&] { serves.listen("localhost"); }), Contains("\"localhost\"") && Contains("ADDR:PORT"));
    }
    SECTION("an address in use") {
        server serves{io, {.hostname = "mx.example.org"}};
        serves.sink(made.all().sink);
        auto const where = serves.listen("127.0.0.1:0").to_string();
        server second{io, {.hostname = "mx.example.org"}};
        second.sink(made.all().sink);
        CHECK_THAT(message([&] { second.listen(where); }), Contains(where) && Contains("another program listens there"));
        std::error_code failure;
        second.listen(where, failure);
        CHECK(failure == std::errc::address_in_use);
    }
    SECTION("an extension that the sink does not keep") {
        server_config config{.hostname = "mx.example.org"};
        config.enable = {"DSN", "RRVS"};
        server serves{io, config};
        serves.sink(made.all().sink);
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("extension DSN") && Contains("sink of profile \"mx\"") &&
                                                                         Contains("extension RRVS") && Contains("no recipient validator"));
        config.enable = {"all"};
        server conforming{io, config};
        conforming.sink(made.all().sink);
        CHECK(conforming.listen("127.0.0.1:0").port() != 0);
    }
    SECTION("RRVS that no validator judges") {
        struct judge {
            bool judges = true;
            eventual<verdict> validate(transaction const&, recipient const&) { return accept(); }
            bool judges_owner_since() const { return judges; }
        };
        server_config config{.hostname = "mx.example.org"};
        config.enable = {"RRVS"};
        server serves{io, config};
        serves.sink(made.all().sink).recipients(recipient_table{"alice@example.org"});
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("extension RRVS"));
        server judged{io, config};
        judged.sink(made.all().sink).recipients(recipient_table{"alice@example.org"}, judge{});
        CHECK(judged.listen("127.0.0.1:0").port() != 0);
        server sharded{io, config};
        sharded.sink(made.all().sink).recipients(per_shard([](unsigned) { return judge{false}; }));
        CHECK_THAT(message([&] { sharded.listen("127.0.0.1:0"); }), Contains("extension RRVS"));
        server judged_by_shard{io, config};
        judged_by_shard.sink(made.all().sink).recipients(per_shard([](unsigned) { return judge{}; }));
        CHECK(judged_by_shard.listen("127.0.0.1:0").port() != 0);
    }
    SECTION("an extension that the sink of a shard does not keep") {
        server_config config{.hostname = "mx.example.org"};
        config.enable = {"DELIVERBY"};
        server serves{io, config};
        serves.sink(per_shard([&] { return made.all().sink; }));
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("extension DELIVERBY"));
    }
    SECTION("bare line ends kept for a sink that relays") {
        auto const kept_and = [](bool relays) {
            return collecting_sink{[](received_message) {}}.promising({.relays = relays});
        };
        server_config config{.hostname = "mx.example.org"};
        config.line_endings = line_ending_policy::keep;
        server serves{io, config};
        serves.sink(kept_and(true));
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }),
                   Contains("line_endings is keep") && Contains("sink of profile \"mx\" relays") && Contains("use refuse or normalise"));
        profile strict = profile::mx();
        strict.line_endings = line_ending_policy::refuse;
        CHECK(serves.listen("127.0.0.1:0", strict).port() != 0);
        config.enable = {"all"};
        server conforming{io, config};
        conforming.sink(kept_and(true));
        CHECK_THAT(message([&] { conforming.listen("127.0.0.1:0"); }), Contains("line_endings is keep"));
        server sharded{io, config};
        sharded.sink(per_shard([&] { return kept_and(true); }));
        CHECK_THAT(message([&] { sharded.listen("127.0.0.1:0"); }), Contains("line_endings is keep"));
        server keeps{io, config};
        keeps.sink(kept_and(false));
        CHECK(keeps.listen("127.0.0.1:0").port() != 0);
    }
    SECTION("two extensions of one name") {
        server serves{io, {.hostname = "mx.example.org"}};
        serves.sink(made.all().sink).extensions(host_extension{"SIZE"});
        CHECK_THAT(message([&] { serves.listen("127.0.0.1:0"); }), Contains("SIZE") && Contains("remove"));
    }
    SECTION("LMTP on port 25") {
        server serves{io, {.hostname = "mx.example.org"}};
        serves.sink(made.all().sink);
        CHECK_THROWS_AS(serves.listen("127.0.0.1:25", profile::lmtp()), std::invalid_argument);
    }
    SECTION("run() in a host's context") {
        server serves{io, {.hostname = "mx.example.org"}};
        CHECK_THROWS_AS(serves.run(), std::logic_error);
    }
    SECTION("run() without listen()") {
        server serves{{.hostname = "mx.example.org"}};
        CHECK_THROWS_AS(serves.run(), std::logic_error);
    }
}

/// Takes the workers it is lent, to see whose they are.
struct borrower {
    std::shared_ptr<workers> lent{};
    // One job after the other, until the queue is full; each waits for `gate`.
    unsigned fill(std::shared_future<void> gate) const {
        unsigned taken = 0;
        while (taken < 100'000 && lent->post([gate] { gate.wait(); })) ++taken;
        return taken;
    }
};
struct borrowing_sink final : message_sink, uses_workers {
    explicit borrowing_sink(std::shared_ptr<borrower> by) : mine(std::move(by)) {}
    void lend(std::shared_ptr<workers> pool) override { mine->lent = std::move(pool); }
    eventual<opened> open(transaction const&) override { return opened{reject(replies::queue_full)}; }
    std::shared_ptr<borrower> mine;
};
struct borrowing_users final : authenticator, uses_workers {
    explicit borrowing_users(std::shared_ptr<borrower> by) : mine(std::move(by)) {}
    void lend(std::shared_ptr<workers> pool) override { mine->lent = std::move(pool); }
    mechanisms offered(session_info const&) const override { return {"PLAIN"}; }
    std::unique_ptr<auth_exchange> begin(std::string_view, session_info const&) override { return nullptr; }
    std::shared_ptr<borrower> mine;
};

TEST_CASE("a flood of AUTH fills a queue of its own and keeps no sink waiting", "[server][workers][auth]") {
    auto const users = std::make_shared<borrower>(), files = std::make_shared<borrower>();
    std::promise<void> let_go;
    auto const gate = let_go.get_future().share();
    std::promise<void> stored;
    asio::io_context io;
    server all{io.get_executor(), {.hostname = "mx.example.org"}};
    all.authentication(std::make_shared<borrowing_users>(users)).sink(std::make_shared<borrowing_sink>(files));
    all.listen("127.0.0.1:0");
    REQUIRE(users->lent);
    REQUIRE(files->lent);

    unsigned const taken = users->fill(gate);
    CHECK(taken >= 128);
    CHECK(taken <= 128 + 2);
    REQUIRE(files->lent->post([&] { stored.set_value(); }));
    CHECK(stored.get_future().wait_for(20s) == std::future_status::ready);
    let_go.set_value();
}

TEST_CASE("the end of a server does not wait for secrets that nobody waits for", "[server][workers][auth]") {
    auto const users = std::make_shared<borrower>(), files = std::make_shared<borrower>();
    std::atomic<int> judged{0}, stored{0};
    {
        asio::io_context io;
        server all{io.get_executor(), {.hostname = "mx.example.org"}};
        all.authentication(std::make_shared<borrowing_users>(users)).sink(std::make_shared<borrowing_sink>(files));
        all.listen("127.0.0.1:0");
        unsigned taken = 0;
        for (int i = 0; i < 100; ++i) taken += users->lent->post([&] { std::this_thread::sleep_for(50ms), ++judged; });
        CHECK(taken == 100);
        for (int i = 0; i < 10; ++i) files->lent->post([&] { ++stored; });
    }
    CHECK(judged < 50);
    CHECK(stored == 10);
}

TEST_CASE("listen() freezes the plug-ins", "[server]") {
    asio::io_context io;
    plugins const made = recording_plugins(std::make_shared<sink_record>());
    server serves{io, {.hostname = "mx.example.org"}};
    serves.sink(made.all().sink);
    serves.listen("127.0.0.1:0");
    CHECK_THROWS_AS(serves.sink(made.all().sink), std::logic_error);
    CHECK_THROWS_AS(serves.recipients(), std::logic_error);
}

TEST_CASE("reconfigure() is for sessions to come; those under way keep what they began with", "[server]") {
    hosted at;
    auto const where = at.serves.listen("127.0.0.1:0");
    at.run();
    tcp_client before{to_tcp(where)};
    before.reply();
    before.ask("EHLO c\r\n");
    before.ask("MAIL FROM:<a@example.org>\r\n");

    at.serves.reconfigure([](server_config& config, plugins& plugged) {
        config.hostname = "new.example.org";
        plugged.recipients();
    });

    tcp_client later{to_tcp(where)};
    CHECK(later.reply().starts_with("220 new.example.org"));
    later.ask("EHLO c\r\n");
    later.ask("MAIL FROM:<a@example.org>\r\n");
    CHECK(later.ask("RCPT TO:<b@example.org>\r\n").starts_with("550 5.7.1"));
    CHECK(before.ask("RCPT TO:<b@example.org>\r\n").starts_with("250 2.1.5"));

    CHECK_THROWS_AS(at.serves.reconfigure([](server_config& config, plugins&) { config.hostname.clear(); }), std::invalid_argument);
    tcp_client still{to_tcp(where)};
    CHECK(still.reply().starts_with("220 new.example.org"));
}

TEST_CASE("connections above the total are told 421 and the others go on", "[server]") {
    hosted at{{.connections = {.total = 2, .per_address = 0}}};
    auto const where = at.serves.listen("127.0.0.1:0");
    at.run();
    tcp_client first{to_tcp(where)};
    tcp_client second{to_tcp(where)};
    first.reply();
    second.reply();

    tcp_client third{to_tcp(where)};

    CHECK(third.reply() == "421 4.3.2 Too busy, try again later\r\n");
    CHECK(third.at_end());
    CHECK(first.ask("NOOP\r\n") == "250 2.0.0 OK\r\n");
    first.ask("QUIT\r\n");
    CHECK(first.at_end());
    for (int tries = 0; at.serves.connections() > 1 && tries < 100; ++tries) std::this_thread::sleep_for(10ms);
    tcp_client fourth{to_tcp(where)};
    CHECK(fourth.reply().starts_with("220 "));
}

TEST_CASE("a graceful stop lets a transaction finish and tells idle clients 421", "[server]") {
    hosted at;
    auto const where = at.serves.listen("127.0.0.1:0");
    at.run();
    tcp_client idle{to_tcp(where)};
    idle.reply();
    tcp_client busy{to_tcp(where)};
    busy.reply();
    busy.ask("EHLO c\r\n");
    busy.ask("MAIL FROM:<a@example.org>\r\n");
    busy.ask("RCPT TO:<b@example.org>\r\n");
    busy.ask("DATA\r\n");
    std::atomic<bool> told{false};
    shutdown_report report;

    at.serves.shutdown(30s, [&](shutdown_report const& got) {
        report = got;
        told = true;
    });

    CHECK(idle.reply() == "421 4.3.2 Service stopping\r\n");
    CHECK(idle.at_end());
    CHECK_FALSE(told);
    CHECK(busy.ask("\r\nx\r\n.\r\n").starts_with("250 2.0.0"));
    CHECK(busy.reply() == "421 4.3.2 Service stopping\r\n");
    CHECK(busy.at_end());
    at.thread.join();
    CHECK(told);
    CHECK(report.in_time);
    CHECK(report.connections == 2);
    CHECK(report.messages_accepted == 1);
    CHECK(report.messages_aborted == 0);
}

TEST_CASE("at the end of the grace a stop cuts what is left; a second call shortens it", "[server]") {
    hosted at;
    at.record->finish = manner::never;
    auto const where = at.serves.listen("127.0.0.1:0");
    at.run();
    tcp_client client{to_tcp(where)};
    client.reply();
    client.ask("EHLO c\r\n");
    client.ask("MAIL FROM:<a@example.org>\r\n");
    client.ask("RCPT TO:<b@example.org>\r\n");
    client.ask("DATA\r\n");
    client.send("\r\nx\r\n.\r\n");
    std::this_thread::sleep_for(50ms);
    std::atomic<int> told{0};
    shutdown_report report;

    at.serves.shutdown(1h, [&](shutdown_report const& got) { report = got, ++told; });
    at.serves.shutdown(50ms, [&](shutdown_report const&) { ++told; });

    CHECK(client.reply() == "421 4.3.2 Service stopping\r\n");
    at.thread.join();
    CHECK(told == 2);
    CHECK_FALSE(report.in_time);
    CHECK(report.messages_aborted == 1);
    CHECK(at.record->cancelled == 1);
    CHECK(at.record->writers == 0);
}

TEST_CASE("a server that is destroyed closes everything, also under hooks", "[server]") {
    asio::io_context io{1};
    auto const record = std::make_shared<sink_record>();
    record->finish = manner::never;
    plugins const made = recording_plugins(record);
    auto serves = std::make_unique<server>(io, server_config{.hostname = "mx.example.org"});
    serves->recipients(made.all().recipients[0]).sink(made.all().sink);
    auto const where = serves->listen("127.0.0.1:0");
    tcp_client client{to_tcp(where)};
    client.send("EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
    io.run_for(50ms);
    client.send("DATA\r\n");
    io.run_for(50ms);
    client.send("\r\nx\r\n.\r\n");
    io.run_for(50ms);
    REQUIRE(record->writers == 1);

    serves.reset();

    for (int i = 0; i < 5; ++i) client.reply();
    CHECK(client.at_end());
    SECTION("the context runs on") {
        io.run();
        CHECK(record->writers == 0);
        CHECK(record->cancelled == 1);
    }
    SECTION("the context does not run again") {}
}

TEST_CASE("shards on strands of one context serve many clients from several threads", "[server]") {
    asio::io_context io;
    std::mutex mutex;
    unsigned messages = 0;
    server serves{io, {.hostname = "mx.example.org", .shards = 3}};
    serves.recipients([](transaction const&, recipient const&) { return accept(); });
    serves.sink(per_shard([&] { return std::make_shared<recording_sink>(std::make_shared<sink_record>()); }));
    auto const where = serves.listen("127.0.0.1:0");
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { io.run(); });

    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i)
        clients.emplace_back([&] {
            for (int round = 0; round < 5; ++round) {
                tcp_client client{to_tcp(where)};
                client.reply();
                client.ask("EHLO c\r\n");
                bool const kept = deliver(client).starts_with("250 2.0.0");
                std::lock_guard const lock{mutex};
                messages += kept;
            }
        });
    for (auto& one : clients) one.join();
    std::atomic<bool> done{false};
    serves.shutdown(5s, [&](shutdown_report const&) { done = true; });
    for (auto& one : threads) one.join();

    CHECK(messages == 40);
    CHECK(done);
}

TEST_CASE("run(2) serves with a thread per shard until a shutdown is done", "[server]") {
    server serves{{.hostname = "mx.example.org"}};
    serves.recipients([](transaction const&, recipient const&) { return accept(); });
    serves.sink(per_shard([&] { return std::make_shared<recording_sink>(std::make_shared<sink_record>()); }));
    auto const where = serves.listen("127.0.0.1:0");
    std::string const path = unix_path("run");
    serves.listen("unix:" + path);
    std::thread runs([&] { serves.run(2); });

    for (int i = 0; i < 20; ++i) {
        tcp_client client{to_tcp(where)};
        CHECK(client.reply().starts_with("220 "));
        client.ask("EHLO c\r\n");
        CHECK(deliver(client).starts_with("250 2.0.0"));
    }
    unix_client local{asio::local::stream_protocol::endpoint{path}};
    CHECK(local.reply().starts_with("220 "));
    serves.shutdown(5s);
    CHECK(local.reply() == "421 4.3.2 Service stopping\r\n");
    runs.join();
    CHECK_THROWS_AS(serves.run(), std::logic_error);
}

TEST_CASE("a shutdown before run() makes it return at once", "[server]") {
    server serves{{.hostname = "mx.example.org"}};
    serves.sink(std::make_shared<recording_sink>(std::make_shared<sink_record>()));
    serves.listen("127.0.0.1:0");
    bool told = false;
    serves.shutdown(1h, [&](shutdown_report const&) { told = true; });
    CHECK(told);
    serves.run(2);
}

TEST_CASE("an inherited socket is accepted on; what does not listen is refused", "[server]") {
    auto opened = listen_socket::open(*listen_endpoint::parse("127.0.0.1:0"), {});
    REQUIRE(opened);
    int const inherited = ::dup((*opened)->native_handle());
    auto const where = (*opened)->where();
    hosted at;
    CHECK(at.serves.listen_inherited(inherited).port() == where.port());
    at.run();
    tcp_client client{to_tcp(where)};
    CHECK(client.reply().starts_with("220 "));

    asio::io_context io;
    server other{io, {.hostname = "mx.example.org"}};
    other.sink(std::make_shared<recording_sink>(std::make_shared<sink_record>()));
    int const plain = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK_THROWS_AS(other.listen_inherited(plain), std::system_error);
    CHECK_THROWS_AS(other.listen_inherited(-1), std::system_error);
    ::close(plain);
}

TEST_CASE("LMTP is not served on port 25, nor on an inherited socket that listens there", "[server][lmtp]") {
    auto const opened = listen_socket::open(*listen_endpoint::parse("127.0.0.25:25"), {});
    if (!opened) {
        WARN("port 25 cannot be had here");
        return;
    }
    int const inherited = ::dup((*opened)->native_handle());
    asio::io_context io;
    server serves{io, {.hostname = "mx.example.org"}};
    serves.sink(std::make_shared<recording_sink>(std::make_shared<sink_record>()));

    CHECK_THROWS_AS(serves.listen("127.0.0.26:25", profile::lmtp()), std::invalid_argument);
    CHECK_THROWS_AS(serves.listen_inherited(inherited, profile::lmtp()), std::invalid_argument);

    CHECK(::fcntl(inherited, F_GETFD) >= 0);  // refused, it is the caller's still
    CHECK(serves.listen_inherited(inherited).port() == 25);
}

}  // namespace test_server
