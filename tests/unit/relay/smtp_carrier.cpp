#include <mailquay/relay/smtp_carrier.hpp>

#include <mailquay/server/server.hpp>
#include <mailquay/sink/collect.hpp>
#include <mailquay/sink/discard.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/scripted_server.hpp"
#include "support/spool_place.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace test_smtp_carrier {

using namespace mailquay;

asio::awaitable<void> note(std::vector<carried>* into, std::vector<carried> known) {
    into->insert(into->end(), known.begin(), known.end());
    co_return;
}

/// A message in a spool, and a carrier for it.
struct place : mailquay_test::spool_place {
    asio::io_context io{};
    smtp_carrier_settings how{};
    std::vector<carried> told{};
    std::shared_ptr<consignment> what = std::make_shared<consignment>();

    place() {
        how.client.hello_name = "mx.example.org";
        how.workers = std::make_shared<mailquay_test::inline_workers>();
    }
    void message(std::vector<std::string> const& to, std::string const& content = "Subject: s\r\n\r\n.body\r\n") {
        start();
        mailquay_test::made_transaction given;
        for (auto const& one : to) given.to(one);
        REQUIRE(send(given, content).accepts());
        what->message = std::make_shared<claimed_message>(*queue->claim());
        for (std::uint32_t i = 0; i < to.size(); ++i) what->recipients.push_back({i, to[i]});
    }
    carry_report carry(delivery_way way, std::string name) {
        what->to = {way, std::move(name)};
        smtp_carrier by{io.get_executor(), how};
        outcomes_known const note_it = [this](std::vector<carried> known) { return note(&told, std::move(known)); };
        std::optional<carry_report> got;
        bool ended = false;
        // Not until the context runs dry: a server on it waits for more.
        asio::co_spawn(io, mailquay_test::keep_value(by.carry(what, note_it), &got), [&](std::exception_ptr) { ended = true; });
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!ended && std::chrono::steady_clock::now() < end) io.run_one_for(std::chrono::milliseconds{10});
        REQUIRE(got);
        carry_report const report = *got;
        by.close();
        return report;
    }
};

TEST_CASE("a message goes from the spool to a server by SMTP, each recipient with its outcome", "[relay][smtp_carrier]") {
    for (std::size_t const octets : {100u, 400'000u}) {
        place at;
        std::vector<std::string> got;
        server_config config;
        config.hostname = "in.example.org";
        server inside{at.io, config};
        inside.recipients([](transaction const&, recipient const& to) { return to.local_part() == "bad" ? reject(550, "5.1.1", "no such user") : accept(); })
            .sink(sinks::collect([&](received_message const& mail) { got.emplace_back(mail.octets); return accept(); }));
        auto const bound = inside.listen("127.0.0.1:0");
        std::string const content = "Subject: s\r\n\r\n.body\r\n" + std::string(octets, 'x') + "\r\n";
        at.settings.memory_octets = 300'000;
        at.message({"good@example.org", "bad@example.org"}, content);

        auto report = at.carry(delivery_way::smarthost, bound.to_string());
        inside.shutdown(std::chrono::seconds{0});
        at.io.run_for(std::chrono::milliseconds{100});

        CHECK(report.end == carry_end::done);
        REQUIRE(at.told.size() == 2);
        CHECK(at.told[0].number == 1);
        CHECK(at.told[0].state == carried_state::permanent);
        CHECK(at.told[0].reply == "550 5.1.1 no such user");
        CHECK(at.told[0].remote == bound.to_string());
        CHECK(at.told[1].number == 0);
        CHECK(at.told[1].state == carried_state::delivered);
        CHECK_FALSE(at.told[1].final_delivery);
        REQUIRE(got.size() == 1);
        CHECK(got[0].ends_with(content));
    }
}

TEST_CASE("a host that cannot be reached is the destination's problem", "[relay][smtp_carrier]") {
    place at;
    at.message({"a@example.org"});
    auto const report = at.carry(delivery_way::smarthost, "127.0.0.1:1");
    CHECK(report.end == carry_end::unreachable);
    CHECK(report.reply.starts_with("4.4.1 127.0.0.1:1: "));
    CHECK(at.told.empty());
}

TEST_CASE("how a host is talked to is looked at at the start", "[relay][smtp_carrier][settings]") {
    asio::io_context io;
    smtp_carrier_settings how;
    how.lmtp.timeouts.quit = std::chrono::milliseconds{0};
    CHECK_THROWS_WITH((smtp_carrier{io.get_executor(), how}),
                      "smtp_carrier_settings::lmtp: client_timeouts::quit is 0 ms: choose from 1 ms to a day (86400000 ms)");
    smtp_carrier_settings other;
    other.smarthost.limits.recipients = 0;
    CHECK_THROWS_AS((smtp_carrier{io.get_executor(), other}), std::invalid_argument);
}

asio::awaitable<found_hops> found(found_hops answer) { co_return answer; }

TEST_CASE("a handshake that fails under REQUIRETLS is no reason to leave the destination alone", "[relay][smtp_carrier][tls]") {
    struct broken final : tls_connector {
        std::unique_ptr<tls_client_stream> connect(tls_target const&) override { return nullptr; }
    };
    place at;
    at.start();
    mailquay_test::made_transaction given;
    given.to("a@example.org");
    bool const requiretls = GENERATE(true, false);
    given.edit().requests().requiretls = requiretls;
    REQUIRE(at.send(given, "Subject: s\r\n\r\nbody\r\n").accepts());
    at.what->message = std::make_shared<claimed_message>(*at.queue->claim());
    at.what->recipients.push_back({0, "a@example.org"});
    at.how.client.tls = std::make_shared<broken>();
    mailquay_test::server_script const fails{"220 hi", ">EHLO", "250-hi\r\n250 STARTTLS", ">STARTTLS", "220 go", "close"};
    mailquay_test::scripted_server server{at.io, {fails, {"220 hi", ">EHLO", "250 hi", ">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 ok", "hang"}}};

    auto const report = at.carry(delivery_way::smarthost, "127.0.0.1:" + std::to_string(server.port()));

    CHECK(report.end == (requiretls ? carry_end::message_alone : carry_end::done));
    CHECK(at.told.size() == (requiretls ? 0u : 1u));
}

TEST_CASE("TLS-Required: No lifts what policies demand, but not REQUIRETLS", "[relay][smtp_carrier][tls]") {
    struct row {
        std::string header;
        bool requiretls;
        bool lifts;
    };
    auto const given = GENERATE(values<row>({{"TLS-Required: No\r\n", false, true},
                                             {"Subject: s\r\ntls-required:\r\n  no\r\n", false, true},
                                             {"Subject: TLS-Required: No\r\n", false, false},
                                             {"TLS-Required: Never\r\n", false, false},
                                             {"TLS-Required: No\r\nTLS-Required: No\r\n", false, false},
                                             {"\r\nTLS-Required: No\r\n", false, false},
                                             {"TLS-Required: No\r\n", true, false}}));
    CAPTURE(given.header, given.requiretls);
    place at;
    at.start();
    mailquay_test::made_transaction mail;
    mail.to("a@example.org");
    mail.edit().requests().requiretls = given.requiretls;
    REQUIRE(at.send(mail, given.header + "\r\nbody\r\n").accepts());
    at.what->message = std::make_shared<claimed_message>(*at.queue->claim());
    at.what->recipients.push_back({0, "a@example.org"});
    mailquay_test::scripted_server server{at.io, {{"220 hi", ">EHLO", "250 hi", ">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "250 ok", "hang"}}};
    found_hops both;
    both.failure = "4.7.5 the MTA-STS policy does not name its host";
    both.without_demands.push_back(server.hop());
    at.how.find_hops = [&](std::string) { return found(both); };

    auto const report = at.carry(delivery_way::mx, "example.org");

    CHECK((report.end == carry_end::done) == given.lifts);
    CHECK(at.told.size() == (given.lifts ? 1u : 0u));
    CHECK(server.connections() == (given.lifts ? 1u : 0u));
}

TEST_CASE("what a look-up finds out is an outcome or a reason to wait", "[relay][smtp_carrier]") {
    for (bool const permanent : {true, false}) {
        place at;
        at.message({"a@example.org"});
        found_hops none;
        none.failure = permanent ? "5.1.2 no such domain" : "4.4.3 no answer from the DNS";
        at.how.find_hops = [&](std::string) { return found(none); };
        auto const report = at.carry(delivery_way::mx, "example.org");
        CHECK((report.end == carry_end::done) == permanent);
        REQUIRE(at.told.size() == (permanent ? 1u : 0u));
        if (permanent) CHECK(at.told[0].state == carried_state::permanent);
        if (permanent) CHECK(at.told[0].reply == "5.1.2 no such domain");
        if (!permanent) CHECK(report.reply == "4.4.3 no answer from the DNS");
    }
    place at;
    at.message({"a@example.org"});
    CHECK(at.carry(delivery_way::mx, "example.org").reply == "4.4.3 no resolver is set");
}

/// A server that takes all mail, and remembers the recipients of each.
struct taking_server {
    std::vector<std::vector<std::string>> got{};
    server inside;
    next_hop hop{};

    explicit taking_server(asio::io_context& io) : inside(io, named()) {
        inside.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::collect([this](received_message const& mail) {
            std::vector<std::string> to;
            for (auto const& one : mail.envelope.recipients) to.push_back(one.address);
            got.push_back(std::move(to));
            return accept();
        }));
        hop = *next_hop::parse(inside.listen("127.0.0.1:0").to_string());
    }
    static server_config named() {
        server_config config;
        config.hostname = "in.example.org";
        return config;
    }
};

TEST_CASE("recipients of domains with the same hosts go in one transaction", "[relay][smtp_carrier][places]") {
    place at;
    taking_server to{at.io};
    at.message({"a@one.example", "b@two.example", "c@one.example", "d@gone.example"});
    for (std::size_t i = 0; i < 4; ++i) {
        std::string const& address = at.what->recipients[i].address;
        at.what->recipients[i].domain = address.substr(address.find('@') + 1);
    }
    std::vector<std::string> told;
    at.how.find_hops = [&](std::string domain) {
        found_hops hops;
        if (domain == "gone.example") {
            hops.failure = "5.1.2 no such domain";
            return found(hops);
        }
        hops.hops.push_back(to.hop);
        hops.key = "mx:in.example.org";
        hops.came_out = [&told, domain](std::size_t, send_report const&) { told.push_back(domain); };
        return found(hops);
    };
    auto const report = at.carry(delivery_way::mx, "mx:in.example.org");
    to.inside.shutdown(std::chrono::seconds{0});
    at.io.run_for(std::chrono::milliseconds{100});

    CHECK(report.end == carry_end::done);
    CHECK(to.got == std::vector<std::vector<std::string>>{{"a@one.example", "b@two.example", "c@one.example"}});
    CHECK(told == std::vector<std::string>{"one.example", "two.example"});  // of TLS, each domain's reporter
    REQUIRE(at.told.size() == 4);
    for (carried const& one : at.told) CHECK(one.state == (one.number == 3 ? carried_state::permanent : carried_state::delivered));
}

asio::awaitable<std::string> place_named(std::string name) { co_return name; }

TEST_CASE("the place of a domain is what its finder says; other ways have their own", "[relay][smtp_carrier][places]") {
    asio::io_context io;
    smtp_carrier_settings how;
    how.client.hello_name = "mx.example.org";
    how.find_hops = [](std::string) { return found({}); };
    how.find_hops.find_place = [](std::string domain) { return place_named(domain == "one.example" ? "mx:in.example.org" : ""); };
    smtp_carrier by{io.get_executor(), how};
    auto const place_of = [&](delivery_way way, std::string name) { return mailquay_test::run(io, by.place_of({way, std::move(name)})); };

    CHECK(place_of(delivery_way::mx, "one.example") == destination{delivery_way::mx, "mx:in.example.org"});
    CHECK(place_of(delivery_way::mx, "unknown.example") == destination{delivery_way::mx, "unknown.example"});
    CHECK(place_of(delivery_way::smarthost, "one.example") == destination{delivery_way::smarthost, "one.example"});
}

TEST_CASE("a domain that has other hosts by now goes by itself, and has its own outcome", "[relay][smtp_carrier][places]") {
    place at;
    taking_server first{at.io};
    taking_server second{at.io};
    at.message({"a@moved.example", "b@one.example", "c@down.example", "d@slow.example"});
    for (std::size_t i = 0; i < 4; ++i) {
        std::string const& address = at.what->recipients[i].address;
        at.what->recipients[i].domain = address.substr(address.find('@') + 1);
    }
    at.how.find_hops = [&](std::string domain) {
        found_hops hops;
        if (domain == "slow.example") {
            hops.failure = "4.4.3 no answer from the DNS";
            return found(hops);
        }
        hops.hops.push_back(domain == "down.example" ? *next_hop::parse("127.0.0.1:1") : domain == "one.example" ? first.hop : second.hop);
        hops.key = domain == "one.example" ? "mx:in.example.org" : "mx:" + domain;
        return found(hops);
    };
    auto const report = at.carry(delivery_way::mx, "mx:in.example.org");
    first.inside.shutdown(std::chrono::seconds{0});
    second.inside.shutdown(std::chrono::seconds{0});
    at.io.run_for(std::chrono::milliseconds{100});

    CHECK(report.end == carry_end::done);
    CHECK(first.got == std::vector<std::vector<std::string>>{{"b@one.example"}});
    CHECK(second.got == std::vector<std::vector<std::string>>{{"a@moved.example"}});
    REQUIRE(at.told.size() == 4);
    for (carried const& one : at.told) {
        CHECK(one.state == (one.number < 2 ? carried_state::delivered : carried_state::temporary));
        if (one.number == 2) CHECK(one.reply.starts_with("4.4.1 "));
        if (one.number == 3) CHECK(one.reply == "4.4.3 no answer from the DNS");
    }
}

/// As a runner asks: it is told the end in any case.
asio::awaitable<void> unless_thrown(asio::awaitable<void> asked) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(asked);
}

asio::awaitable<found_hops> found_later(found_hops answer) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    timer.expires_after(std::chrono::milliseconds{100});
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
    co_return answer;
}

TEST_CASE("an attempt that is cancelled looks up no further domains", "[relay][smtp_carrier][places]") {
    place at;
    std::vector<std::string> to;
    for (int i = 0; i < 20; ++i) to.push_back("a@d" + std::to_string(i) + ".example");
    at.message(to);
    for (consigned_recipient& one : at.what->recipients) one.domain = one.address.substr(2);
    std::size_t asked = 0;
    at.how.find_hops = [&](std::string) {
        ++asked;
        found_hops none;
        none.failure = "4.4.3 no answer from the DNS";
        return found_later(none);
    };
    at.what->to = {delivery_way::mx, "mx:in.example.org"};
    smtp_carrier by{at.io.get_executor(), at.how};
    outcomes_known const note_it = [&at](std::vector<carried> known) { return note(&at.told, std::move(known)); };
    std::optional<carry_report> got;
    asio::cancellation_signal stop;
    auto carrying = mailquay_test::keep_value(by.carry(at.what, note_it), &got);
    asio::co_spawn(at.io, unless_thrown(std::move(carrying)), asio::bind_cancellation_slot(stop.slot(), asio::detached));
    at.io.run_for(std::chrono::milliseconds{250});
    stop.emit(asio::cancellation_type::terminal);
    at.io.run_for(std::chrono::milliseconds{500});

    REQUIRE(got);
    CHECK(got->end == carry_end::cancelled);
    CHECK(asked <= 4);
    CHECK(at.told.empty());
}

asio::awaitable<found_hops> found_after(std::chrono::milliseconds time, found_hops answer) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    timer.expires_after(time);
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
    co_return answer;
}

TEST_CASE("an attempt ends at the time of its message also while hosts are looked up", "[relay][smtp_carrier][give-up]") {
    using namespace std::chrono_literals;
    auto const look_up = GENERATE(0ms, 30'000ms);
    place at;
    taking_server to{at.io};
    at.message({"a@slow.example"});
    at.what->give_up_after = 3s;
    if (look_up != 0ms) at.what->give_up_after = 150ms;
    at.how.find_hops = [&](std::string) {
        found_hops hops;
        hops.hops.push_back(to.hop);
        return found_after(look_up, hops);
    };
    auto const begun = std::chrono::steady_clock::now();
    auto const report = at.carry(delivery_way::mx, "slow.example");
    to.inside.shutdown(0s);
    at.io.run_for(100ms);

    CHECK(std::chrono::steady_clock::now() - begun < 10s);
    CHECK(report.end == (look_up == 0ms ? carry_end::done : carry_end::cancelled));
    CHECK(at.told.size() == (look_up == 0ms ? 1u : 0u));
}

TEST_CASE("what its runner or a broken finder ends is ended so too where its message has a time", "[relay][smtp_carrier][give-up]") {
    using namespace std::chrono_literals;
    bool const throws = GENERATE(false, true);
    place at;
    at.message({"a@slow.example"});
    at.what->give_up_after = 40s;
    at.how.find_hops = [&](std::string) {
        if (throws) throw std::runtime_error("broken");
        return found_after(30s, {});
    };
    at.what->to = {delivery_way::mx, "slow.example"};
    smtp_carrier by{at.io.get_executor(), at.how};
    outcomes_known const note_it = [&at](std::vector<carried> known) { return note(&at.told, std::move(known)); };
    std::optional<carry_report> got;
    bool ended = false, threw = false;
    asio::cancellation_signal stop;
    auto carrying = mailquay_test::keep_value(by.carry(at.what, note_it), &got);
    asio::co_spawn(at.io, unless_thrown(std::move(carrying)), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr why) {
                       ended = true;
                       threw = why != nullptr;
                   }));
    at.io.run_for(100ms);
    CHECK(ended == throws);
    stop.emit(asio::cancellation_type::terminal);
    at.io.restart();
    at.io.run_for(500ms);

    CHECK(ended);
    CHECK(threw == throws);
    if (!throws) {
        REQUIRE(got);
        CHECK(got->end == carry_end::cancelled);
    }
}

TEST_CASE("domains that meet full hosts wait for a connection, wherever they come among others", "[relay][smtp_carrier][places]") {
    using namespace std::chrono_literals;
    bool const others = GENERATE(false, true);
    place at;
    taking_server free{at.io};
    mailquay_test::scripted_server busy{at.io, {{"hang"}}};
    at.how.client.pool.per_destination = 1;
    at.message({"a@one.example", "b@full.example"});
    at.how.find_hops = [&](std::string domain) {
        found_hops hops;
        hops.hops.push_back(domain == "one.example" ? free.hop : busy.hop());
        hops.key = domain == "one.example" ? "mx:in.example.org" : "mx:busy.example.org";
        return found(hops);
    };
    smtp_carrier by{at.io.get_executor(), at.how};
    outcomes_known const note_it = [&at](std::vector<carried> known) { return note(&at.told, std::move(known)); };
    auto const all = at.what->recipients;
    auto const to = [&](std::string name, std::vector<consigned_recipient> whom) {
        auto made = std::make_shared<consignment>(*at.what);
        made->to = {delivery_way::mx, std::move(name)};
        made->recipients = std::move(whom);
        for (auto& one : made->recipients) one.domain = one.address.substr(2);
        return made;
    };
    std::optional<carry_report> first, second;
    asio::cancellation_signal stop;
    auto carrying = mailquay_test::keep_value(by.carry(to("mx:busy.example.org", {all[1]}), note_it), &first);
    asio::co_spawn(at.io, unless_thrown(std::move(carrying)), asio::bind_cancellation_slot(stop.slot(), asio::detached));
    at.io.run_for(100ms);
    REQUIRE(busy.connections() == 1);

    auto whom = all;
    if (!others) whom.erase(whom.begin());
    asio::co_spawn(at.io, mailquay_test::keep_value(by.carry(to("mx:in.example.org", whom), note_it), &second), asio::detached);
    at.io.restart();
    at.io.run_for(300ms);
    stop.emit(asio::cancellation_type::terminal);
    free.inside.shutdown(0s);
    at.io.restart();
    at.io.run_for(200ms);
    by.close();

    REQUIRE(second);
    CHECK(second->end == carry_end::full);
    REQUIRE(at.told.size() == (others ? 1 : 0));
    if (others) CHECK((at.told[0].number == 0 && at.told[0].state == carried_state::delivered));
}

TEST_CASE("what could not be used for one domain a moment ago is used where the next one finds it", "[relay][smtp_carrier][places]") {
    place at;
    taking_server to{at.io};
    at.message({"a@one.example", "b@two.example"});
    for (consigned_recipient& one : at.what->recipients) one.domain = one.address.substr(2);
    at.how.find_hops = [&](std::string domain) {
        found_hops hops;
        hops.key = "mx:in.example.org";
        if (domain == "one.example") hops.failure = "4.7.5 the look-up of TLSA records failed";
        else hops.hops.push_back(to.hop);
        return found(hops);
    };
    auto const report = at.carry(delivery_way::mx, "mx:in.example.org");
    to.inside.shutdown(std::chrono::seconds{0});
    at.io.run_for(std::chrono::milliseconds{100});

    CHECK(report.end == carry_end::done);
    CHECK(to.got == std::vector<std::vector<std::string>>{{"a@one.example", "b@two.example"}});
}

TEST_CASE("a domain whose look-up fails by now is no reason to leave its place alone", "[relay][smtp_carrier][places]") {
    bool const moved = GENERATE(false, true);
    place at;
    at.message({"a@gone.example"});
    at.what->recipients[0].domain = "gone.example";
    at.how.find_hops = [&](std::string) {
        found_hops hops;
        if (moved) hops.hops.push_back(*next_hop::parse("127.0.0.1:1"));
        else hops.failure = "4.4.3 no answer from the DNS";
        return found(hops);
    };
    auto const report = at.carry(delivery_way::mx, "mx:in.example.org");

    CHECK(report.end == carry_end::message_alone);
    REQUIRE(at.told.size() == 1);
    CHECK(at.told[0].state == carried_state::temporary);
    CHECK(at.told[0].reply.starts_with(moved ? "4.4.1 127.0.0.1:1" : "4.4.3 no answer"));
}

TEST_CASE("the next host takes what the first one could not be asked for", "[relay][smtp_carrier]") {
    place at;
    std::vector<std::string> got;
    server_config config;
    config.hostname = "in.example.org";
    server inside{at.io, config};
    inside.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::collect([&](received_message const& mail) {
        got.emplace_back(mail.octets);
        return accept();
    }));
    auto const bound = inside.listen("127.0.0.1:0");
    at.message({"a@example.org"});
    found_hops two;
    two.hops.push_back(*next_hop::parse("127.0.0.1:1"));
    two.hops.push_back(*next_hop::parse(bound.to_string()));
    std::vector<std::pair<std::size_t, hop_problem>> sessions;
    two.came_out = [&](std::size_t hop, send_report const& of) { sessions.emplace_back(hop, of.problem); };
    at.how.find_hops = [&](std::string) { return found(two); };
    auto const report = at.carry(delivery_way::mx, "example.org");
    CHECK(sessions == std::vector<std::pair<std::size_t, hop_problem>>{{0, hop_problem::unreachable}, {1, hop_problem::none}});
    inside.shutdown(std::chrono::seconds{0});
    at.io.run_for(std::chrono::milliseconds{100});
    CHECK(report.end == carry_end::done);
    CHECK(got.size() == 1);
    REQUIRE(at.told.size() == 1);
    CHECK(at.told[0].remote == bound.to_string());
}

/// Says 521 to everybody.
asio::awaitable<void> never_takes_mail(asio::ip::tcp::acceptor* from) {
    for (;;) {
        auto peer = co_await from->async_accept(asio::use_awaitable);
        std::string const words = "521 5.3.2 no mail here\r\n";
        auto const data = asio::buffer(words);
        co_await asio::async_write(peer, data, asio::use_awaitable);
    }
}

TEST_CASE("that a host never takes mail fails a recipient only if all hosts say so", "[relay][smtp_carrier][hosts]") {
    for (std::string const order : {"down, never", "never, down", "never, never"}) {
        place at;
        asio::ip::tcp::acceptor never{at.io, {asio::ip::make_address("127.0.0.1"), 0}};
        asio::co_spawn(at.io, never_takes_mail(&never), asio::detached);
        auto const closed = *next_hop::parse("127.0.0.1:1");
        auto const says_no = *next_hop::parse("127.0.0.1:" + std::to_string(never.local_endpoint().port()));
        at.message({"a@example.org"});
        found_hops two;
        two.hops.push_back(order.starts_with("down") ? closed : says_no);
        two.hops.push_back(order.ends_with("down") ? closed : says_no);
        at.how.find_hops = [&](std::string) { return found(two); };
        auto const report = at.carry(delivery_way::mx, "example.org");
        never.close();
        at.io.run_for(std::chrono::milliseconds{50});
        CAPTURE(order, report.reply);
        if (order == "never, never") {
            REQUIRE(at.told.size() == 1);
            CHECK(at.told[0].state == carried_state::permanent);
            CHECK(report.end == carry_end::done);
        } else {
            CHECK(at.told.empty());
            CHECK(report.end == carry_end::unreachable);
            CHECK(report.reply.starts_with("4.4.1 127.0.0.1:1: "));
        }
    }
}

TEST_CASE("what one host lacks the next one may have; only if none has it a recipient fails", "[relay][smtp_carrier][hosts]") {
    for (bool const second_has : {true, false}) {
        place at;
        server_config config;
        config.hostname = "has.example.org";
        config.limits.message_octets = second_has ? 2'000'000 : 70'000;
        std::size_t got = 0;
        server has{at.io, config};
        has.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::collect([&](received_message const&) {
            ++got;
            return accept();
        }));
        server_config small = config;
        small.limits.message_octets = 70'000;
        server first{at.io, small};
        first.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sinks::discard());
        found_hops two;
        two.hops.push_back(*next_hop::parse(first.listen("127.0.0.1:0").to_string()));
        two.hops.push_back(*next_hop::parse(has.listen("127.0.0.1:0").to_string()));
        at.message({"a@example.org"}, "Subject: s\r\n\r\n" + std::string(100'000, 'x') + "\r\n");
        at.how.find_hops = [&](std::string) { return found(two); };
        auto const report = at.carry(delivery_way::mx, "example.org");
        first.shutdown(std::chrono::seconds{0});
        has.shutdown(std::chrono::seconds{0});
        at.io.run_for(std::chrono::milliseconds{100});
        CHECK(report.end == carry_end::done);
        REQUIRE(at.told.size() == 1);
        CHECK(at.told[0].state == (second_has ? carried_state::delivered : carried_state::permanent));
        CHECK(got == (second_has ? 1u : 0u));
        if (!second_has) CHECK(at.told[0].reply.starts_with("5.3.4 "));
    }
}

}  // namespace test_smtp_carrier
