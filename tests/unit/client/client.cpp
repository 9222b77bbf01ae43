#include <mailquay/client/client.hpp>

#include "support/catch.hpp"
#include "support/scripted_server.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// The client on real sockets, against servers that do what real ones only do on bad days.
namespace test_client {

using namespace mailquay_test;
using namespace std::chrono_literals;
using state = recipient_state;

client_config named() {
    client_config made;
    made.hello_name = "client.example";
    return made;
}
outgoing_message mail() { return outgoing_message{"a@client.example", {"b@mx.example"}, "Subject: x\r\n\r\nhello\r\n"}; }

send_report deliver(asio::io_context& io, client& with, next_hop const& to, outgoing_message const& message = mail()) {
    std::optional<send_report> got;
    with.send(to, message, [&got](send_report report) { got = std::move(report); });
    io.restart();
    while (!got && io.run_one_for(20s) != 0) {}
    REQUIRE(got);
    return *got;
}
/// Lets the loop turn for a while.
void turn(asio::io_context& io, std::chrono::milliseconds time) {
    io.restart();
    io.run_for(time);
}

server_script const opening{"220 hi", ">EHLO client.example", "250 hi"};
server_script const transaction{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 2.0.0 queued"};
server_script joined(std::initializer_list<server_script> parts) {
    server_script all;
    for (auto const& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

TEST_CASE("a priority that a host cannot be told goes in the header, in place of any that was there", "[client][sockets][priority]") {
    std::string const content = "Received: by x\r\nmt-priority: 9\r\nSubject: x\r\nMT-Priority:\r\n 5\r\nTo: b\r\n\r\nMT-Priority: 8\r\n";
    struct row {
        bool asks, offered, wanted;
        std::string sent;
    };
    std::string const edited = "MT-Priority: -3\r\nReceived: by x\r\nSubject: x\r\nTo: b\r\n\r\nMT-Priority: 8\r\n";
    auto const given = GENERATE_COPY(values<row>({{true, false, true, edited}, {true, true, true, content}, {true, false, false, content},
                                                  {false, false, true, content}}));
    CAPTURE(given.asks, given.offered, given.wanted);
    asio::io_context io;
    scripted_server server{io, {joined({{"220 hi", ">EHLO", given.offered ? "250-hi\r\n250-SIZE\r\n250 MT-PRIORITY" : "250-hi\r\n250 SIZE"}, transaction, {"hang"}})}};
    client sends{io, named()};
    auto hop = server.hop();
    hop.settings.priority_field = given.wanted;
    outgoing_message message{"a@client.example", {"b@mx.example"}, content};
    if (given.asks) message.requests.priority = priority_request{-3, -3};

    auto const report = deliver(io, sends, hop, message);

    CHECK(report.recipients.at(0).state == state::delivered);
    CHECK(server.heard().find(" SIZE=" + std::to_string(given.sent.size())) != std::string::npos);
    CHECK(server.heard().find("DATA\r\n" + given.sent + ".\r\n") != std::string::npos);
}

TEST_CASE("a message is given up at its time, unless the host has it whole", "[client][sockets][give-up]") {
    auto const at = GENERATE(values<std::string>({"connected", "mail", "content", "dot"}));
    CAPTURE(at);
    asio::io_context io;
    server_script talk = opening;
    if (at == "connected") talk = {"hang"};
    if (at == "mail") talk = joined({opening, {">MAIL", "hang"}});
    if (at == "content") talk = joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "hang"}});
    if (at == "dot") talk = joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "wait", "250 2.0.0 queued", "hang"}});
    scripted_server server{io, {talk, joined({opening, transaction, {"hang"}})}};
    client sends{io, named()};
    outgoing_message message = mail();
    message.give_up_at = std::chrono::steady_clock::now() + 150ms;

    auto const report = deliver(io, sends, server.hop(), message);

    bool const has_it = at == "dot";
    CHECK(report.problem == (has_it ? hop_problem::none : hop_problem::cancelled));
    CHECK(report.recipients.at(0).state == (has_it ? state::delivered : state::untried));
    message.give_up_at.reset();
    if (!has_it) CHECK(deliver(io, sends, server.hop(), message).recipients.at(0).state == state::delivered);
}

TEST_CASE("a message that a priority field would make too large goes without", "[client][sockets][priority]") {
    asio::io_context io;
    outgoing_message message = mail();
    message.requests.priority = priority_request{4, 4};
    std::string const size = std::to_string(message.content->size());
    scripted_server server{io, {joined({{"220 hi", ">EHLO", "250-hi\r\n250 SIZE " + size}, transaction, {"hang"}})}};
    client sends{io, named()};

    CHECK(deliver(io, sends, server.hop(), message).recipients.at(0).state == state::delivered);
    CHECK(server.heard().find("MT-Priority") == std::string::npos);
}

TEST_CASE("a priority field goes before a header of any length", "[client][sockets][priority]") {
    std::string header;
    for (std::size_t i = 0; i < 3'000; ++i) header += "X-Line-" + std::to_string(i) + ": " + std::string(i % 50, 'x') + "\r\n";
    std::string const body = "\r\n" + std::string(90'000, 'y') + "\r\nMT-Priority: 1\r\n";
    asio::io_context io;
    scripted_server server{io, {joined({opening, transaction, {"hang"}})}};
    client sends{io, named()};
    outgoing_message message{"a@client.example", {"b@mx.example"}, header + "MT-Priority: 7\r\n" + body};
    message.requests.priority = priority_request{4, 4};

    auto const report = deliver(io, sends, server.hop(), message);

    CHECK(report.recipients.at(0).state == state::delivered);
    CHECK(server.heard().find("DATA\r\nMT-Priority: 4\r\n" + header + body + ".\r\n") != std::string::npos);
}

TEST_CASE("a message goes over a connection that the next one uses again", "[client][sockets]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, transaction, transaction, {">QUIT", "221 bye"}})}};
    client sends{io, named()};

    auto const first = deliver(io, sends, server.hop());
    CHECK(first.delivered());
    CHECK_FALSE(first.reused);
    CHECK(first.address.port == server.port());
    CHECK(sends.idle_connections() == 1);
    auto const second = deliver(io, sends, server.hop());
    CHECK(second.delivered());
    CHECK(second.reused);

    CHECK(server.connections() == 1);
    sends.close();
    turn(io, 300ms);
    CHECK(server.surprises().empty());
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("an idle connection is closed with QUIT in time", "[client][sockets]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, transaction, {">QUIT", "221 bye"}})}};
    auto config = named();
    config.pool.idle = 50ms;
    client sends{io, config};

    CHECK(deliver(io, sends, server.hop()).delivered());
    turn(io, 500ms);

    CHECK(server.heard().ends_with("QUIT\r\n"));
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("only so many connections wait for the reply to QUIT, and none for long", "[client][sockets][limits]") {
    asio::io_context io;
    server_script const never_leaves = joined({opening, transaction, {">QUIT", "!2", "hang"}});
    scripted_server server{io, {never_leaves, joined({opening, transaction, {"hang"}})}};
    auto config = named();
    config.pool.messages_per_connection = 1;
    config.pool.leaving = 1;
    client sends{io, config};

    CHECK(deliver(io, sends, server.hop()).delivered());
    turn(io, 50ms);
    CHECK(server.heard().ends_with("QUIT\r\n"));
    CHECK(deliver(io, sends, server.hop()).delivered());
    turn(io, 50ms);
    CHECK(server.heard().ends_with("\r\n.\r\n"));
    CHECK(server.connections() == 2);
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("a kept connection that the server closed is opened anew, and that is no attempt", "[client][sockets][fault]") {
    asio::io_context io;
    client sends{io, named()};
    SECTION("while it was idle") {
        scripted_server server{io, {joined({opening, transaction, {"421 4.4.2 idle", "close"}}), joined({opening, transaction})}};
        CHECK(deliver(io, sends, server.hop()).delivered());
        turn(io, 100ms);
        CHECK(sends.idle_connections() == 0);
        auto const got = deliver(io, sends, server.hop());
        CHECK(got.delivered());
        CHECK_FALSE(got.reused);
    }
    SECTION("at MAIL, without a word or with 421") {
        for (server_script const& last : {server_script{">MAIL", "close"}, server_script{">MAIL", "421 4.4.2 idle", "close"}}) {
            scripted_server server{io, {joined({opening, transaction, last}), joined({opening, transaction})}};
            CHECK(deliver(io, sends, server.hop()).delivered());
            auto const got = deliver(io, sends, server.hop());
            CHECK(got.delivered());
            CHECK(got.problem == hop_problem::none);
            CHECK(server.connections() == 2);
        }
    }
    SECTION("once only") {
        scripted_server server{io, {joined({opening, transaction, {">MAIL", "close"}}), joined({opening, {">MAIL", "close"}})}};
        CHECK(deliver(io, sends, server.hop()).delivered());
        auto const got = deliver(io, sends, server.hop());
        CHECK(got.problem == hop_problem::connection_lost);
        CHECK(got.recipients[0].state == state::untried);
        CHECK(got.advice == hop_advice::try_another);
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("addresses are tried in order until one works", "[client][sockets]") {
    asio::io_context io;
    scripted_server server{io, {{"554 5.7.1 not here"}, joined({opening, transaction})}};
    asio::ip::tcp::acceptor nobody{io, asio::ip::tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
    ip_endpoint dead = *ip_endpoint::parse("127.0.0.1:1");
    dead.port = nobody.local_endpoint().port();
    nobody.close();
    ip_endpoint alive = *ip_endpoint::parse("127.0.0.1:1");
    alive.port = server.port();
    client sends{io, named()};

    auto to = server.hop();
    to.addresses = {dead, alive, alive};
    CHECK(deliver(io, sends, to).delivered());

    to.addresses = {dead};
    auto const got = deliver(io, sends, to);
    CHECK(got.problem == hop_problem::unreachable);
    CHECK(got.stage == send_stage::connect);
    CHECK(got.address == dead);
    CHECK(got.advice == hop_advice::try_another);
    CHECK(sends.open_connections() == 0);  // the script's end closed the first one
}

TEST_CASE("521 at one address is no answer for another that was not reached", "[client][sockets]") {
    asio::io_context io;
    scripted_server server{io, {{"521 5.3.2 takes no mail", "hang"}}};
    client sends{io, named()};
    asio::ip::tcp::acceptor nobody{io, asio::ip::tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
    ip_endpoint dead = *ip_endpoint::parse("127.0.0.1:1");
    dead.port = nobody.local_endpoint().port();
    nobody.close();
    ip_endpoint refuses = dead;
    refuses.port = server.port();
    auto to = server.hop();
    to.addresses = {dead, refuses};

    auto const got = deliver(io, sends, to);

    CHECK(got.recipients[0].state == state::untried);
    CHECK(got.problem == hop_problem::refused);
    CHECK(got.reply.code == 521);
    CHECK(got.advice == hop_advice::try_another);
}

TEST_CASE("521 as greeting is final for the recipients, but another host may do", "[client][sockets]") {
    asio::io_context io;
    scripted_server server{io, {{"521 5.3.2 takes no mail", "hang"}}};
    client sends{io, named()};

    auto const got = deliver(io, sends, server.hop());

    CHECK(got.recipients[0].state == state::permanent);
    CHECK(got.recipients[0].status == "5.3.2");
    CHECK(got.advice == hop_advice::try_another);
}

TEST_CASE("a server that says nothing costs no more than the time-out", "[client][sockets][fault]") {
    asio::io_context io;
    scripted_server server{io, {{"hang"}, joined({opening, {"hang"}})}};
    client sends{io, named()};
    auto to = server.hop();
    to.settings.timeouts.greeting = 100ms;
    to.settings.timeouts.mail = 100ms;

    auto const silent = deliver(io, sends, to);
    CHECK(silent.problem == hop_problem::timed_out);
    CHECK(silent.stage == send_stage::greeting);
    auto const later = deliver(io, sends, to);
    CHECK(later.problem == hop_problem::timed_out);
    CHECK(later.stage == send_stage::mail);
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("closed after the dot: the outcome is unknown, and whoever listens is told before the end", "[client][sockets][fault]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">RCPT", "550 5.1.1 no", ">DATA", "354 go", ">.", "close"}})}};
    client sends{io, named()};
    auto message = mail();
    message.recipients.push_back({"c@mx.example", {}});
    std::vector<std::string> told;
    settled_listener const listener = [&told](std::vector<std::size_t> which, send_report const& so_far) -> asio::awaitable<void> {
        for (std::size_t const one : which) told.push_back(std::to_string(one) + std::string{to_string(so_far.recipients[one].state)});
        co_return;
    };

    std::optional<send_report> got;
    auto sending = sends.send(server.hop(), message, listener);
    asio::co_spawn(io, std::move(sending), [&got](std::exception_ptr, send_report report) { got = std::move(report); });
    while (!got && io.run_one_for(20s) != 0) {}

    REQUIRE(got);
    CHECK(told == std::vector<std::string>{"1permanent", "0unknown"});
    CHECK(got->recipients[0].state == state::unknown);
    CHECK(got->advice == hop_advice::wait);
}

TEST_CASE("the final dot's outcome is told before the next command goes out", "[client][sockets]") {
    asio::io_context io;
    auto const one = server_script{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 ok"};
    scripted_server server{io, {joined({{"220 hi", ">EHLO", "250-hi\r\n250 LIMITS RCPTMAX=1"}, one, one})}};
    client sends{io, named()};
    auto message = mail();
    message.recipients.push_back({"c@mx.example", {}});
    std::string heard_at_first;
    settled_listener const listener = [&](std::vector<std::size_t>, send_report const&) -> asio::awaitable<void> {
        auto const runs_on = co_await asio::this_coro::executor;
        asio::steady_timer pause{runs_on, 100ms};
        co_await pause.async_wait(asio::use_awaitable);
        if (heard_at_first.empty()) heard_at_first = server.heard();
    };

    std::optional<send_report> got;
    auto sending = sends.send(server.hop(), message, listener);
    asio::co_spawn(io, std::move(sending), [&got](std::exception_ptr, send_report report) { got = std::move(report); });
    while (!got && io.run_one_for(20s) != 0) {}

    REQUIRE(got);
    CHECK(got->delivered());
    CHECK(heard_at_first.ends_with("\r\n.\r\n"));
}

TEST_CASE("MAILMAX: what is left goes over another connection", "[client][sockets]") {
    asio::io_context io;
    auto const first = server_script{"220 hi", ">EHLO", "250-hi\r\n250 LIMITS RCPTMAX=1 MAILMAX=1"};
    scripted_server server{io, {joined({first, transaction, {">QUIT", "221 bye"}}), joined({first, transaction, {">QUIT", "221 bye"}})}};
    client sends{io, named()};
    auto message = mail();
    message.recipients.push_back({"c@mx.example", {}});

    CHECK(deliver(io, sends, server.hop(), message).delivered());
    turn(io, 200ms);

    CHECK(server.connections() == 2);
    CHECK(server.surprises().empty());
}

TEST_CASE("a host that takes one domain in a transaction is known as such on the next connection", "[client][sockets][domains]") {
    asio::io_context io;
    server_script const first = joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">RCPT", "451 4.3.0 one domain", ">DATA", "354 go", ">.", "250 ok"},
                                        transaction, {"close"}});
    scripted_server server{io, {first, joined({opening, transaction, transaction, {"hang"}})}};
    client sends{io, named()};
    outgoing_message const message{"a@client.example", {"b@one.example", "c@two.example"}, "Subject: x\r\n\r\nhello\r\n"};

    CHECK(deliver(io, sends, server.hop(), message).delivered());
    turn(io, 50ms);
    CHECK(deliver(io, sends, server.hop(), message).delivered());

    CHECK(server.connections() == 2);
    CHECK(server.surprises().empty());
}

TEST_CASE("more messages than connections wait their turn", "[client][sockets][pool]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, transaction, transaction, transaction})}};
    auto config = named();
    config.pool.per_destination = 1;
    client sends{io, config};
    int delivered = 0;

    for (int i = 0; i < 3; ++i) sends.send(server.hop(), mail(), [&](send_report report) { delivered += report.delivered() ? 1 : 0; });
    turn(io, 1s);

    CHECK(delivered == 3);
    CHECK(server.connections() == 1);
}

TEST_CASE("waiting for a connection has an end, too", "[client][sockets][pool]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, {"hang"}})}};
    auto config = named();
    config.pool.total = 1;
    client sends{io, config};
    std::optional<send_report> first;
    sends.send(server.hop(), mail(), [&first](send_report report) { first = std::move(report); });
    turn(io, 50ms);
    auto other = server.hop();
    other.host = "127.0.0.2";
    other.settings.timeouts.attempt = 100ms;

    auto const got = deliver(io, sends, other);

    CHECK(got.problem == hop_problem::no_connection_free);
    CHECK(got.recipients[0].state == state::untried);
    CHECK_FALSE(first);
}

TEST_CASE("a handshake that fails is tried again in clear, but not where TLS is demanded", "[client][sockets][tls]") {
    struct broken final : tls_connector {
        struct stream final : tls_client_stream {
            void lend(std::span<char const>) override { got = true; }
            bool wants_input() const noexcept override { return true; }
            void keep_rest() override {}
            void input_closed() noexcept override {}
            result<tls_stream::state> handshake() override {
                if (got) return std::make_error_code(std::errc::protocol_error);
                return tls_stream::state::handshake;
            }
            result<std::size_t> read(std::span<char>) override { return std::size_t{0}; }
            result<std::size_t> write(std::span<char const>) override { return std::size_t{0}; }
            std::size_t take_output(std::span<char> room) override {
                if (said) return 0;
                said = true;
                room[0] = 'T';
                return 1;
            }
            bool has_output() const noexcept override { return !said; }
            void close_notify() override {}
            tls_stream::state current() const noexcept override { return tls_stream::state::handshake; }
            bool closed_cleanly() const noexcept override { return false; }
            tls_info info() const override { return {}; }
            tls_server_facts server() const override { return {}; }
            bool got = false;
            bool said = false;
        };
        std::unique_ptr<tls_client_stream> connect(tls_target const&) override { return std::make_unique<stream>(); }
    };
    asio::io_context io;
    server_script const breaks{"220 hi", ">EHLO", "250-hi\r\n250 STARTTLS", ">STARTTLS", "220 go", "garbage", "hang"};
    scripted_server server{io, {breaks, joined({opening, transaction, {">QUIT", "221 bye"}}), breaks}};
    auto config = named();
    config.tls = std::make_shared<broken>();
    client sends{io, config};
    auto to = server.hop();

    to.settings.tls = tls_use::opportunistic;
    auto const got = deliver(io, sends, to);
    CHECK(got.delivered());
    CHECK(got.tls_given_up);
    CHECK(sends.idle_connections() == 0);  // the next message tries TLS again

    to.settings.tls = tls_use::required;
    auto const failed = deliver(io, sends, to);
    CHECK(failed.problem == hop_problem::tls_failed);
    CHECK(failed.recipients[0].state == state::untried);
}

TEST_CASE("who sends may cancel, also while he waits for a connection", "[client][sockets][cancel]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, {"hang"}})}};
    auto config = named();
    config.pool.per_destination = 1;
    client sends{io, config};
    asio::cancellation_signal first_stop, second_stop;
    std::optional<send_report> first, second;
    auto const start = [&](asio::cancellation_signal& stop, std::optional<send_report>& got) {
        auto sending = sends.send(server.hop(), mail());
        asio::co_spawn(io, std::move(sending),
                       asio::bind_cancellation_slot(stop.slot(), [&got](std::exception_ptr, send_report report) { got = std::move(report); }));
    };
    start(first_stop, first);
    start(second_stop, second);
    turn(io, 200ms);
    CHECK_FALSE(first);

    second_stop.emit(asio::cancellation_type::terminal);
    turn(io, 100ms);
    REQUIRE(second);
    CHECK(second->problem == hop_problem::cancelled);
    CHECK_FALSE(first);
    first_stop.emit(asio::cancellation_type::terminal);
    turn(io, 100ms);
    REQUIRE(first);
    CHECK(first->problem == hop_problem::cancelled);
    CHECK(first->recipients[0].state == state::untried);
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("cancelled while the content is read: nothing of it goes out", "[client][sockets][cancel]") {
    struct cancelling final : message_content {
        std::uint64_t size() const noexcept override { return 9; }
        static asio::awaitable<result<std::size_t>> later(asio::cancellation_signal* stop, std::span<char> room) {
            stop->emit(asio::cancellation_type::terminal);
            std::string_view const octets = "a: b\r\n\r\nc";
            std::copy_n(octets.begin(), 9, room.begin());
            co_return std::size_t{9};
        }
        eventual<result<std::size_t>> read(std::uint64_t, std::span<char> room) override { return later(stop, room); }
        asio::cancellation_signal* stop = nullptr;
    };
    asio::io_context io;
    scripted_server server{io, {joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", "hang"}})}};
    client sends{io, named()};
    asio::cancellation_signal stop;
    auto content = std::make_shared<cancelling>();
    content->stop = &stop;
    auto message = mail();
    message.content = content;
    std::optional<send_report> got;
    auto sending = sends.send(server.hop(), message);
    asio::co_spawn(io, std::move(sending), asio::bind_cancellation_slot(stop.slot(), [&got](std::exception_ptr, send_report report) { got = std::move(report); }));
    turn(io, 300ms);

    REQUIRE(got);
    CHECK(got->problem == hop_problem::cancelled);
    CHECK(got->recipients[0].state == state::untried);
    CHECK(server.heard().ends_with("DATA\r\n"));
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("cancelled while the listener runs: no further command goes out", "[client][sockets][cancel]") {
    asio::io_context io;
    auto const one = server_script{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 ok"};
    scripted_server server{io, {joined({{"220 hi", ">EHLO", "250-hi\r\n250 LIMITS RCPTMAX=1"}, one, {"hang"}})}};
    client sends{io, named()};
    auto message = mail();
    message.recipients.push_back({"c@mx.example", {}});
    asio::cancellation_signal stop;
    settled_listener const listener = [&stop](std::vector<std::size_t>, send_report const&) -> asio::awaitable<void> {
        stop.emit(asio::cancellation_type::terminal);
        co_return;
    };
    std::optional<send_report> got;
    auto sending = sends.send(server.hop(), message, listener);
    asio::co_spawn(io, std::move(sending), asio::bind_cancellation_slot(stop.slot(), [&got](std::exception_ptr, send_report report) { got = std::move(report); }));
    turn(io, 300ms);

    REQUIRE(got);
    CHECK(got->problem == hop_problem::cancelled);
    CHECK(got->recipients[0].state == state::delivered);
    CHECK(got->recipients[1].state == state::untried);
    CHECK(server.heard().ends_with("\r\n.\r\n"));
}

TEST_CASE("a connection does not remember that the attempt before was cancelled at its end", "[client][sockets][cancel]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, transaction, transaction})}};
    client sends{io, named()};
    asio::cancellation_signal stop;
    settled_listener const listener = [&stop](std::vector<std::size_t>, send_report const&) -> asio::awaitable<void> {
        stop.emit(asio::cancellation_type::terminal);
        co_return;
    };
    std::optional<send_report> got;
    auto sending = sends.send(server.hop(), mail(), listener);
    asio::co_spawn(io, std::move(sending), asio::bind_cancellation_slot(stop.slot(), [&got](std::exception_ptr, send_report report) { got = std::move(report); }));
    turn(io, 300ms);

    REQUIRE(got);
    CHECK(got->delivered());
    CHECK(deliver(io, sends, server.hop()).delivered());
}

TEST_CASE("content that cannot be read ends the attempt, and nothing is delivered", "[client][sockets][fault]") {
    struct throwing final : message_content {
        std::uint64_t size() const noexcept override { return 10; }
        eventual<result<std::size_t>> read(std::uint64_t, std::span<char>) override { throw std::runtime_error("gone"); }
    };
    asio::io_context io;
    scripted_server server{io, {joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", "hang"}})}};
    client sends{io, named()};
    auto message = mail();
    message.content = std::make_shared<throwing>();

    auto const got = deliver(io, sends, server.hop(), message);

    CHECK(got.problem == hop_problem::content_unreadable);
    CHECK(got.recipients[0].state == state::untried);
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("a reply that comes while the message is sent is read, and the rest not sent", "[client][sockets][fault]") {
    asio::io_context io;
    scripted_server server{io, {joined({opening, {">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", "552 5.3.4 too big", "hang"}})}};
    client sends{io, named()};

    auto const got = deliver(io, sends, server.hop(), outgoing_message{"a@client.example", {"b@mx.example"}, std::string(50'000'000, 'x')});

    CHECK(got.recipients[0].state == state::permanent);
    CHECK(got.recipients[0].stage == send_stage::content);
    CHECK(sends.open_connections() == 0);
}

TEST_CASE("a name that does not resolve is told", "[client][sockets]") {
    asio::io_context io;
    client sends{io, named()};
    next_hop to{"no-such-host.invalid", 25};
    to.settings.timeouts.connect = 5s;

    auto const got = deliver(io, sends, to);

    CHECK((got.problem == hop_problem::not_resolved || got.problem == hop_problem::timed_out));
    CHECK(got.recipients[0].state == state::untried);
}

TEST_CASE("settings that cannot be are refused at once, and messages without recipients never leave", "[client][settings]") {
    asio::io_context io;
    client_config bad;
    bad.hello_name = "a b";
    CHECK_THROWS_AS(client(io, bad), std::invalid_argument);
    client_config none = named();
    none.pool.total = 0;
    CHECK_THROWS_AS(client(io, none), std::invalid_argument);

    client sends{io, named()};
    CHECK(deliver(io, sends, next_hop{"127.0.0.1", 1}, outgoing_message{"a@b.example", {}, "x"}).text == "the message has no recipients");
    next_hop injects{"127.0.0.1", 1};
    injects.settings.hello_name = "a\r\nQUIT";
    CHECK(deliver(io, sends, injects).problem == hop_problem::content_unreadable);
    next_hop unchecked{"127.0.0.1", 1};
    unchecked.settings.tls = tls_use::off;
    unchecked.settings.verify = tls_verification::certificate;
    CHECK(deliver(io, sends, unchecked).text.starts_with("hop_settings::verify needs TLS"));
}

}  // namespace test_client
