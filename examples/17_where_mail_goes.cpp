// Where mail for a domain goes: its hosts by MX, in the order in which they would be tried.
//
//   ./17_where_mail_goes example.org example.net
//   ./17_where_mail_goes --resolver 127.0.0.1:5353 example.org
//
// A resolver given by --resolver is trusted to have validated DNSSEC: use one on this machine. Needs the components dns
// (c-ares) and client.
#include <mailquay/client/dane.hpp>
#include <mailquay/client/mx_hosts.hpp>
#include <mailquay/dns/caching_resolver.hpp>
#include <mailquay/dns/cares_resolver.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <iostream>
#include <string>
#include <vector>

using namespace mailquay;

namespace {

asio::awaitable<void> show(std::shared_ptr<resolver> dns, mx_hosts hosts, std::string domain) {
    auto asked = hosts.find(domain);
    auto const found = co_await std::move(asked).wait();
    if (!found) {
        std::cout << domain << ": " << found.error().code() << ' ' << found.error().status() << ' ' << found.error().text() << '\n';
        co_return;
    }
    std::cout << domain << ": " << (found->by_mx ? "by MX" : "the domain itself") << (found->secure ? ", validated\n" : "\n");
    for (mx_host const& host : found->hosts) {
        auto records = find_dane(dns, *found, host);
        auto const dane = co_await std::move(records).wait();
        std::cout << "  " << host.preference << ' ' << host.name << (dane.state == dane_state::usable ? " with DANE\n" : "\n");
        for (ip_address const& address : host.addresses) std::cout << "    " << address.to_string() << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> domains(argv + 1, argv + argc);
    cares_settings settings;
    if (domains.size() > 1 && domains.front() == "--resolver") {
        settings.servers = {domains[1]};
        settings.trusted = true;
        domains.erase(domains.begin(), domains.begin() + 2);
    }
    if (domains.empty()) {
        std::cerr << "usage: 17_where_mail_goes [--resolver ADDR:PORT] DOMAIN...\n";
        return 2;
    }
    try {
        asio::io_context io;
        auto const dns = std::make_shared<caching_resolver>(std::make_shared<cares_resolver>(io, settings));
        mx_hosts const hosts{dns};
        for (std::string const& domain : domains) asio::co_spawn(io, show(dns, hosts, domain), asio::detached);
        io.run();
    } catch (std::exception const& wrong) {
        std::cerr << wrong.what() << '\n';
        return 2;
    }
}
