#include <mailquay/client/mx_hosts.hpp>
#include <mailquay/dns/caching_resolver.hpp>
#include <mailquay/dns/cares_resolver.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

/// `cares_resolver` against a real name server, where NSD is installed: a private one, on a port of its own.
namespace test_real_nsd {
using namespace mailquay;
using namespace mailquay_test;

inline unsigned free_port() {
    asio::io_context io;
    for (;;) {
        asio::ip::udp::socket udp{io, {asio::ip::address_v4::loopback(), 0}};
        std::error_code taken;
        asio::ip::tcp::acceptor tcp{io};
        tcp.open(asio::ip::tcp::v4());
        tcp.bind({asio::ip::address_v4::loopback(), udp.local_endpoint().port()}, taken);
        if (!taken) return udp.local_endpoint().port();
    }
}

class nsd_process {
public:
    explicit nsd_process(std::filesystem::path program) {
        std::filesystem::create_directories(folder);
        std::ofstream{folder / "example.zone"}
            << "$ORIGIN example.test.\n$TTL 600\n"
               "@ IN SOA ns.example.test. root.example.test. 1 7200 3600 86400 120\n"
               "@ IN NS ns\nns IN A 127.0.0.1\n"
               "@ IN MX 20 mx2\n@ IN MX 10 mx1\n@ IN TXT \"v=spf1 -all\" \n"
               "mx1 IN A 192.0.2.1\nmx1 IN A 192.0.2.2\nmx1 IN AAAA 2001:db8::1\nmx2 300 IN A 192.0.2.3\n"
               "_25._tcp.mx1 IN TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
               "null IN MX 0 .\n"
               "textonly IN TXT \"one \" \"two\"\n"
               "c1 IN CNAME c2\nc2 100 IN CNAME mx1\n"
               "away IN CNAME host.other.test.\nloop1 IN CNAME loop2\nloop2 IN CNAME loop1\n"
               "nowhere IN CNAME gone\n*.wild IN A 192.0.2.9\n"
               "sub IN NS ns.sub\nns.sub IN A 192.0.2.66\n"
               "public IN MX 10 mail.public\nmail.public IN A 198.51.100.7\n";
        std::ofstream big{folder / "example.zone", std::ios::app};
        for (int i = 0; i < 120; ++i) big << "big IN TXT \"" << i << std::string(200, 'x') << "\"\n";
        big.close();
        std::ofstream{folder / "other.zone"} << "$ORIGIN other.test.\n$TTL 60\n@ IN SOA ns.other.test. root.other.test. 1 7200 3600 86400 120\n"
                                               "@ IN NS ns\nns IN A 127.0.0.1\nhost IN A 192.0.2.77\n";
        std::ofstream{folder / "reverse.zone"} << "$ORIGIN 2.0.192.in-addr.arpa.\n$TTL 60\n@ IN SOA ns.example.test. root.example.test. 1 7200 3600 86400 120\n"
                                                 "@ IN NS ns.example.test.\n1 IN PTR mx1.example.test.\n";
        std::ofstream conf{folder / "nsd.conf"};
        conf << "server:\n  ip-address: 127.0.0.1@" << port << "\n  username: \"\"\n  zonesdir: \"" << folder.string() << "\"\n  database: \"\"\n  pidfile: \""
             << (folder / "pid").string() << "\"\n  xfrdfile: \"" << (folder / "xfrd.state").string() << "\"\n  zonelistfile: \""
             << (folder / "zone.list").string() << "\"\n  logfile: \"" << (folder / "log").string() << "\"\n  xfrdir: \"" << folder.string()
             << "\"\n  server-count: 1\n  hide-version: yes\nremote-control:\n  control-enable: no\n";
        for (auto const& [name, file] : {std::pair{"example.test", "example.zone"}, {"other.test", "other.zone"},
                                         {"2.0.192.in-addr.arpa", "reverse.zone"}, {"broken.test", "missing.zone"}})
            conf << "zone:\n  name: \"" << name << "\"\n  zonefile: \"" << file << "\"\n";
        conf.close();
        process_ = ::fork();
        if (process_ == 0) {
            ::execl(program.c_str(), "nsd", "-d", "-c", (folder / "nsd.conf").c_str(), static_cast<char*>(nullptr));
            ::_exit(127);
        }
    }
    nsd_process(nsd_process const&) = delete;
    nsd_process& operator=(nsd_process const&) = delete;
    ~nsd_process() {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        std::filesystem::remove_all(folder);
    }
    cares_settings settings() const {
        cares_settings ask;
        ask.servers = {"127.0.0.1:" + std::to_string(port)};
        ask.timeout = std::chrono::milliseconds{2000};
        return ask;
    }

    unsigned port = free_port();
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("mailquay-nsd-" + std::to_string(::getpid()));

private:
    pid_t process_ = -1;
};

inline std::optional<std::filesystem::path> nsd() {
    for (auto const* path : {"/usr/sbin/nsd", "/usr/local/sbin/nsd"})
        if (std::filesystem::exists(path)) return path;
    WARN("no NSD: passed over");
    return std::nullopt;
}

TEST_CASE("a real name server is understood", "[dns][real]") {
    auto const program = nsd();
    if (!program) return;
    nsd_process server{*program};
    asio::io_context io;
    auto const dns = std::make_shared<cares_resolver>(io, server.settings());
    bool up = false;
    for (int i = 0; i < 100 && !up; ++i) {
        up = bool{run(io, dns->a("mx1.example.test"))};
        if (!up) std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    REQUIRE(up);

    auto const a = run(io, dns->a("mx1.example.test")).value();
    CHECK(a.records.size() == 2);
    CHECK(a.ttl == std::chrono::seconds{600});
    CHECK(run(io, dns->aaaa("MX1.Example.Test.")).value().records.at(0).to_string() == "2001:db8::1");
    CHECK(run(io, dns->mx("example.test")).value().records.size() == 2);
    CHECK(run(io, dns->txt("example.test")).value().records.at(0) == "v=spf1 -all");
    CHECK(run(io, dns->txt("textonly.example.test")).value().records.at(0) == "one two");
    CHECK(run(io, dns->ptr(*ip_address::parse("192.0.2.1"))).value().records.at(0) == "mx1.example.test");
    auto const tlsa = run(io, dns->tlsa("_25._tcp.mx1.example.test")).value();
    CHECK(tlsa.records.at(0).usage == 3);
    CHECK(tlsa.records.at(0).data.size() == 32);
    CHECK(run(io, dns->mx("null.example.test")).value().records.at(0).exchange.empty());
    CHECK(run(io, dns->a("anything.wild.example.test")).value().records.at(0).to_string() == "192.0.2.9");

    auto const chain = run(io, dns->a("c1.example.test")).value();
    CHECK(chain.name == "mx1.example.test");
    CHECK(chain.ttl == std::chrono::seconds{100});
    auto const away = run(io, dns->a("away.example.test")).value();
    CHECK(away.name == "host.other.test");
    CHECK(away.records.at(0).to_string() == "192.0.2.77");

    auto const none = run(io, dns->mx("textonly.example.test"));
    CHECK(none.error() == dns_errc::no_data);
    CHECK(none.error().ttl == std::chrono::seconds{120});
    CHECK(run(io, dns->a("gone.example.test")).error() == dns_errc::no_such_name);
    CHECK(run(io, dns->a("nowhere.example.test")).error() == dns_errc::no_such_name);
    CHECK(run(io, dns->a("loop1.example.test")).error() == dns_errc::temporary);
    CHECK(run(io, dns->a("www.broken.test")).error() == dns_errc::temporary);     // SERVFAIL: its zone could not be read
    CHECK(run(io, dns->a("www.not-here.test")).error() == dns_errc::temporary);   // REFUSED
    CHECK(run(io, dns->a("www.sub.example.test")).error() == dns_errc::temporary);  // a referral: lame for us

    auto const big = run(io, dns->txt("big.example.test"));  // some 25 KB: by TCP
    REQUIRE(big);
    CHECK(big->records.size() == 120);

    caching_resolver cached{dns};
    CHECK(run(io, cached.a("c1.example.test")));
    CHECK(cached.a("c1.example.test").ready());

    mx_hosts const hosts{dns};
    auto const route = run(io, hosts.find("public.example.test"));
    REQUIRE(route);
    CHECK(route->hosts.at(0).name == "mail.public.example.test");
    CHECK(route->hosts.at(0).addresses.at(0).to_string() == "198.51.100.7");
    CHECK(run(io, hosts.find("null.example.test")).error().status() == "5.1.10");
    CHECK(run(io, hosts.find("gone.example.test")).error().status() == "5.1.2");
    CHECK(run(io, hosts.find("www.broken.test")).error().status() == "4.4.3");
}

}  // namespace test_real_nsd
