#include <mailquay/dns/cares_resolver.hpp>

#include "support/catch.hpp"
#include "support/fake_dns_server.hpp"
#include "support/run_eventual.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <unistd.h>

/// c-ares behind the seam, against a server that says what it likes. Real servers: `integration/dns`.
namespace test_cares_resolver {
using namespace mailquay;
using namespace mailquay_test;
using std::chrono::milliseconds;

inline cares_settings ask(fake_dns_server const& server) {
    cares_settings settings;
    settings.servers = {server.address()};
    settings.timeout = milliseconds{200};
    settings.tries = 2;
    return settings;
}

inline std::string a_record(dns_question const& question, std::string const& owner, unsigned ttl = 300) {
    return dns_question::record(owner.empty() ? question.name : owner, 1, ttl, std::string{"\xc0\0\2\1", 4});
}

TEST_CASE("records of each type are found", "[cares]") {
    fake_dns_server server{[](dns_question const& q) {
        std::string data;
        switch (q.type) {
            case 1: data = std::string{"\xc0\0\2\1", 4}; break;
            case 28: data = std::string{"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16}; break;
            case 15: data = dns_question::mx_data(10, "mx.example.org"); break;
            case 16: data = "\5hello\6 there"; break;
            case 12: data = dns_question::wire_name("host.example.org"); break;
            case 52: data = "\3\1\1digest"; break;
        }
        return q.reply(0x0080, {dns_question::record(q.name, q.type, 300, data)});
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    CHECK(dns.servers() == std::vector<std::string>{server.address()});
    auto const a = run(io, dns.a("example.org"));
    REQUIRE(a);
    CHECK(a->records.at(0).to_string() == "192.0.2.1");
    CHECK(a->ttl == std::chrono::seconds{300});
    CHECK(a->name.empty());
    CHECK(run(io, dns.aaaa("example.org")).value().records.at(0).to_string() == "2001:db8::1");
    CHECK(run(io, dns.mx("Example.ORG.")).value().records.at(0).exchange == "mx.example.org");
    CHECK(run(io, dns.txt("example.org")).value().records.at(0) == "hello there");
    CHECK(run(io, dns.ptr(*ip_address::parse("192.0.2.1"))).value().records.at(0) == "host.example.org");
    CHECK(run(io, dns.tlsa("_25._tcp.example.org")).value().records.at(0).data == "digest");
}

TEST_CASE("what is no name is not asked for", "[cares]") {
    fake_dns_server server{[](dns_question const& q) { return q.reply(0x0080); }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    CHECK(run(io, dns.a("a..b")).error() == dns_errc::bad_name);
    CHECK(run(io, dns.mx("")).error() == dns_errc::bad_name);
    CHECK(run(io, dns.ptr({})).error() == dns_errc::bad_name);
    CHECK(server.asked() == 0);
}

TEST_CASE("the AD bit counts only where the server is trusted", "[cares][dnssec]") {
    fake_dns_server server{[](dns_question const& q) {
        bool const wants_to_know = (static_cast<unsigned char>(q.octets[3]) & 0x20) != 0;
        if (q.type == 15) return q.reply(0x00a0, {}, {dns_question::record(dns_question::wire_name("example"), 6, 60, dns_question::soa_data(60))});
        return q.reply(wants_to_know ? 0x00a0 : 0x0080, {a_record(q, "")});
    }};
    asio::io_context io;
    auto settings = ask(server);
    cares_resolver doubted{io, settings};
    settings.trusted = true;
    cares_resolver trusted{io, settings};
    CHECK_FALSE(run(io, doubted.a("example.org")).value().authenticated);
    CHECK(run(io, trusted.a("example.org")).value().authenticated);
    CHECK_FALSE(run(io, doubted.mx("example.org")).error().authenticated);
    CHECK(run(io, trusted.mx("example.org")).error().authenticated);
}

TEST_CASE("no such name and no data are told apart, with their time", "[cares]") {
    fake_dns_server server{[](dns_question const& q) {
        std::vector<std::string> const soa{dns_question::record(dns_question::wire_name("example"), 6, 3600, dns_question::soa_data(90))};
        return q.reply(q.name.find("gone") != std::string::npos ? 0x0083u : 0x0080u, {}, soa);
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    auto const gone = run(io, dns.a("gone.example"));
    CHECK(gone.error() == dns_errc::no_such_name);
    CHECK(gone.error().ttl == std::chrono::seconds{90});
    CHECK(run(io, dns.a("here.example")).error() == dns_errc::no_data);
}

TEST_CASE("an alias that the server did not follow is followed", "[cares]") {
    fake_dns_server server{[](dns_question const& q) {
        std::string const target = dns_question::wire_name("real.other.org");
        if (q.name == target) return q.reply(0x0080, {a_record(q, "", 600)});
        return q.reply(0x0080, {dns_question::record(q.name, 5, 30, target)});
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    auto const found = run(io, dns.a("alias.example.org"));
    REQUIRE(found);
    CHECK(found->name == "real.other.org");
    CHECK(found->ttl == std::chrono::seconds{30});
    CHECK(server.asked() == 2);
}

TEST_CASE("an endless chain of aliases ends", "[cares]") {
    unsigned number = 0;
    fake_dns_server server{[&number](dns_question const& q) {
        return q.reply(0x0080, {dns_question::record(q.name, 5, 30, dns_question::wire_name("n" + std::to_string(++number) + ".example"))});
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    CHECK(run(io, dns.a("n0.example")).error() == dns_errc::temporary);
    CHECK(server.asked() <= 16);
}

TEST_CASE("what is no proper answer is temporary", "[cares]") {
    fake_dns_server server{[](dns_question const& q) -> std::optional<std::string> {
        char const kind = q.name[1];
        if (kind == 's') return q.reply(0x0082);  // SERVFAIL
        if (kind == 'r') return q.reply(0x0085);  // REFUSED
        if (kind == 'n') return q.reply(0x0084);  // NOTIMP
        if (kind == 'l') return q.reply(0, {}, {dns_question::record(dns_question::wire_name("example"), 2, 60, dns_question::wire_name("ns.example"))});
        if (kind == 'm') return q.reply(0x0080, {dns_question::record(q.name, 1, 60, "abc")});  // no address
        if (kind == 'x') return q.reply(0x0080, {dns_question::record(q.name, 28, 60, std::string(16, 'x'))}) + "trailing";
        return q.reply(0x0080, {a_record(q, "")}).substr(0, 40);  // cut
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    CHECK(run(io, dns.a("servfail.example")).error() == dns_errc::temporary);
    CHECK(run(io, dns.a("refused.example")).error() == dns_errc::temporary);
    CHECK(run(io, dns.a("notimp.example")).error() == dns_errc::temporary);
    CHECK(run(io, dns.a("lame.example")).error() == dns_errc::temporary);
    CHECK(run(io, dns.a("malformed.example")).error() == dns_errc::temporary);
    CHECK(run(io, dns.a("xx.example")).error() == dns_errc::no_data);  // records of another type only
    CHECK(is_temporary(run(io, dns.a("cut.example")).error()));
}

TEST_CASE("an answer that was cut by UDP comes by TCP", "[cares]") {
    std::atomic<unsigned> by_tcp{0};
    fake_dns_server server{[&by_tcp](dns_question const& q) {
        if (!q.tcp) return q.reply(0x0280);
        ++by_tcp;
        std::vector<std::string> many;
        for (int i = 0; i < 200; ++i) many.push_back(dns_question::record(q.name, 16, 60, "\x1e" + std::string(30, 'a')));
        return q.reply(0x0080, many);
    }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    auto const found = run(io, dns.txt("big.example"));
    REQUIRE(found);
    CHECK(found->records.size() == 200);
    CHECK(by_tcp == 1);
}

TEST_CASE("a server from before EDNS is asked without", "[cares]") {
    fake_dns_server server{[](dns_question const& q) { return q.edns() ? q.reply(0x0081) : q.reply(0x0080, {a_record(q, "")}); }};
    asio::io_context io;
    cares_resolver dns{io, ask(server)};
    for (int i = 0; i < 3; ++i) CHECK(run(io, dns.a("old.example")));
}

TEST_CASE("a server that is silent or away is given up", "[cares]") {
    std::string nobody;
    fake_dns_server silent{[](dns_question const&) { return std::nullopt; }};
    {
        fake_dns_server gone{[](dns_question const&) { return std::nullopt; }};
        nobody = gone.address();
    }
    asio::io_context io;
    auto settings = ask(silent);
    auto const begun = std::chrono::steady_clock::now();
    {
        cares_resolver dns{io, settings};
        CHECK(run(io, dns.a("x.example")).error() == dns_errc::timed_out);
    }
    CHECK(silent.asked() == 2);  // tries
    settings.tries = 20;
    settings.patience = milliseconds{300};
    {
        cares_resolver dns{io, settings};
        CHECK(run(io, dns.a("x.example")).error() == dns_errc::timed_out);
    }
    settings.servers = {nobody};
    settings.tries = 1;
    {
        cares_resolver dns{io, settings};
        CHECK(is_temporary(run(io, dns.a("x.example")).error()));
    }
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
}

TEST_CASE("a further query for an alias has what is left of the time, whoever else waits", "[cares][time]") {
    fake_dns_server server{[](dns_question const& q) -> std::optional<std::string> {
        if (q.name.find("alias") == std::string::npos) return std::nullopt;
        std::this_thread::sleep_for(milliseconds{300});
        return q.reply(0x0080, {dns_question::record(q.name, 5, 30, dns_question::wire_name("silent.example"))});
    }};
    asio::io_context io;
    auto settings = ask(server);
    settings.timeout = std::chrono::seconds{10};
    settings.patience = milliseconds{1000};
    cares_resolver dns{io, settings};
    auto const begun = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::duration> took;
    auto const one = [](resolver::answer<ip_address> asked, std::optional<std::chrono::steady_clock::duration>* into,
                        std::chrono::steady_clock::time_point since) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        CHECK(answer.error() == dns_errc::timed_out);
        *into = std::chrono::steady_clock::now() - since;
    };
    asio::co_spawn(io, one(dns.a("alias.example"), &took, begun), asio::detached);
    std::optional<std::chrono::steady_clock::duration> other;
    asio::steady_timer later{io, milliseconds{250}};  // a look-up that began later has its number before the further query
    later.async_wait([&](std::error_code) { asio::co_spawn(io, one(dns.a("other.example"), &other, begun), asio::detached); });
    io.run();
    REQUIRE(took);
    REQUIRE(other);
    CHECK(*took >= milliseconds{1000});
    CHECK(*took < *other);
}

TEST_CASE("the next server is asked when one fails", "[cares]") {
    fake_dns_server bad{[](dns_question const& q) { return q.reply(0x0085); }};
    fake_dns_server good{[](dns_question const& q) { return q.reply(0x0080, {a_record(q, "")}); }};
    asio::io_context io;
    auto settings = ask(bad);
    settings.servers.push_back(good.address());
    cares_resolver dns{io, settings};
    CHECK(run(io, dns.a("x.example")));
    CHECK(bad.asked() >= 1);
}

TEST_CASE("the loop runs dry after the last answer", "[cares]") {
    fake_dns_server server{[](dns_question const& q) { return q.reply(0x0080, {a_record(q, "")}); }};
    asio::io_context io;
    auto settings = ask(server);
    settings.timeout = std::chrono::seconds{30};
    cares_resolver dns{io, settings};
    auto const begun = std::chrono::steady_clock::now();
    CHECK(run(io, dns.a("x.example")));
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{5});
}

TEST_CASE("many look-ups go together, few of them at a time", "[cares]") {
    fake_dns_server server{[](dns_question const& q) { return q.reply(0x0080, {a_record(q, "")}); }};
    asio::io_context io;
    auto settings = ask(server);
    settings.in_flight = 7;
    settings.timeout = std::chrono::seconds{5};
    cares_resolver dns{io, settings};
    int found = 0;
    auto const one = [](resolver::answer<ip_address> asked, int* count) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        if (answer) ++*count;
    };
    for (int i = 0; i < 300; ++i) {
        auto asked = dns.a("h" + std::to_string(i) + ".example");
        asio::co_spawn(io, one(std::move(asked), &found), asio::detached);
    }
    io.run();
    CHECK(found == 300);
}

TEST_CASE("above the bound a look-up fails at once", "[cares]") {
    fake_dns_server server{[](dns_question const&) { return std::nullopt; }};
    asio::io_context io;
    auto settings = ask(server);
    settings.in_flight = 1;
    settings.waiting = 1;
    settings.tries = 1;
    cares_resolver dns{io, settings};
    std::vector<dns_errc> why;
    auto const one = [](resolver::answer<ip_address> asked, std::vector<dns_errc>* into) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        into->push_back(answer.error());
    };
    for (int i = 0; i < 4; ++i) {
        auto asked = dns.a("h" + std::to_string(i) + ".example");
        asio::co_spawn(io, one(std::move(asked), &why), asio::detached);
    }
    io.run();
    CHECK(std::count(why.begin(), why.end(), dns_errc::temporary) == 2);
    CHECK(std::count(why.begin(), why.end(), dns_errc::timed_out) == 2);
}

TEST_CASE("a look-up is cancelled by its slot, at once", "[cares][cancel]") {
    fake_dns_server server{[](dns_question const&) { return std::nullopt; }};
    asio::io_context io;
    auto settings = ask(server);
    settings.timeout = std::chrono::seconds{20};
    cares_resolver dns{io, settings};
    asio::cancellation_signal signal;
    std::optional<dns_errc> why;
    auto const one = [](resolver::answer<ip_address> asked, std::optional<dns_errc>* into) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        *into = answer.error();
    };
    auto const begun = std::chrono::steady_clock::now();
    asio::co_spawn(io, one(dns.a("x.example"), &why), asio::bind_cancellation_slot(signal.slot(), asio::detached));
    asio::steady_timer timer{io, milliseconds{50}};
    timer.async_wait([&signal](std::error_code) { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    CHECK(why == dns_errc::cancelled);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{5});
}

TEST_CASE("a resolver that goes ends what is under way", "[cares][cancel]") {
    fake_dns_server server{[](dns_question const&) { return std::nullopt; }};
    asio::io_context io;
    auto settings = ask(server);
    settings.timeout = std::chrono::seconds{20};
    auto dns = std::make_unique<cares_resolver>(io, settings);
    std::optional<dns_errc> why;
    auto const one = [](resolver::answer<ip_address> asked, std::optional<dns_errc>* into) -> asio::awaitable<void> {
        auto const answer = co_await std::move(asked).wait();
        *into = answer.error();
    };
    asio::co_spawn(io, one(dns->a("x.example"), &why), asio::detached);
    asio::steady_timer timer{io, milliseconds{50}};
    timer.async_wait([&dns](std::error_code) { dns.reset(); });
    auto const begun = std::chrono::steady_clock::now();
    io.run();
    CHECK(why == dns_errc::cancelled);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{5});
}

TEST_CASE("a context that ends with look-ups under way leaks nothing", "[cares][cancel]") {
    fake_dns_server server{[](dns_question const&) { return std::nullopt; }};
    auto const settings = ask(server);
    auto const alive = std::make_shared<int>(0);
    {
        asio::io_context io;
        cares_resolver dns{io, settings};
        auto const one = [](resolver::answer<ip_address> asked, std::shared_ptr<int> held) -> asio::awaitable<void> {
            auto const answer = co_await std::move(asked).wait();
            *held += answer ? 1 : 0;
        };
        asio::co_spawn(io, one(dns.a("x.example"), alive), asio::detached);
        io.run_for(milliseconds{50});
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("several threads ask at once", "[cares][threads]") {
    fake_dns_server server{[](dns_question const& q) { return q.reply(0x0080, {a_record(q, "")}); }};
    asio::io_context pool;
    auto work = asio::make_work_guard(pool);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back([&pool] { pool.run(); });
    auto settings = ask(server);
    settings.timeout = std::chrono::seconds{5};
    std::atomic<int> found{0};
    {
        cares_resolver dns{pool, settings};
        std::vector<std::thread> askers;
        for (int t = 0; t < 3; ++t) {
            askers.emplace_back([&dns, &found] {
                asio::io_context mine;
                auto const here = std::this_thread::get_id();
                for (int i = 0; i < 40; ++i) {
                    auto const answer = run(mine, dns.a("x.example"));
                    if (answer && here == std::this_thread::get_id()) ++found;
                }
            });
        }
        for (auto& one : askers) one.join();
    }
    work.reset();
    for (auto& one : threads) one.join();
    CHECK(found == 120);
}

TEST_CASE("wrong settings are named at the start", "[cares][settings]") {
    asio::io_context io;
    auto const with = [&io](auto change) {
        cares_settings settings;
        settings.servers = {"127.0.0.1:53"};
        change(settings);
        cares_resolver dns{io, settings};
        return dns.servers();
    };
    auto const refused = [&with](auto change, std::string_view word) {
        try {
            with(change);
        } catch (std::invalid_argument const& thrown) {
            return std::string_view{thrown.what()}.find(word) != std::string_view::npos;
        }
        return false;
    };
    CHECK(with([](cares_settings& s) { s.servers = {"192.0.2.1", "[2001:db8::1]:5353", "2001:db8::2"}; }) ==
          std::vector<std::string>{"192.0.2.1:53", "[2001:db8::1]:5353", "[2001:db8::2]:53"});
    CHECK(refused([](cares_settings& s) { s.servers = {"ns.example.org"}; }, "cares_settings::servers: 'ns.example.org'"));
    CHECK_THROWS_AS(with([](cares_settings& s) { s.servers = {"127.0.0.1:0"}; }), std::invalid_argument);
    CHECK(refused([](cares_settings& s) { s.tries = 0; }, "tries"));
    CHECK(refused([](cares_settings& s) { s.timeout = milliseconds{0}; }, "timeout"));
    CHECK(refused([](cares_settings& s) { s.patience = milliseconds{0}; }, "patience"));
    CHECK(refused([](cares_settings& s) { s.in_flight = 0; }, "in_flight"));
}

TEST_CASE("servers are read from a file like resolv.conf", "[cares][settings]") {
    auto const file = std::filesystem::temp_directory_path() / ("mailquay-resolv-" + std::to_string(::getpid()));
    std::ofstream{file} << "search example.org\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n";
    asio::io_context io;
    cares_settings settings;
    settings.resolv_conf = file.string();
    cares_resolver dns{io, settings};
    CHECK(dns.servers() == std::vector<std::string>{"192.0.2.53:53", "[2001:db8::53]:53"});
    std::filesystem::remove(file);
}

}  // namespace test_cares_resolver
