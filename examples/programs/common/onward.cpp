#include "common/onward.hpp"

#ifdef PROGRAMS_HAVE_RELAY
#include <mailquay/relay/queue_runner.hpp>
#include <mailquay/relay/smtp_carrier.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#endif
#ifdef PROGRAMS_HAVE_DNS
#include <mailquay/dns/caching_resolver.hpp>
#include <mailquay/dns/cares_resolver.hpp>
#include <mailquay/relay/mx_finder.hpp>
#endif

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/domain.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace programs {
namespace {

// An address, as a literal too, or a domain name; what looks like an address and is none would never be met in the DNS.
std::string read_own(std::string_view one) {
    std::string_view bare = one;
    bool const literal = bare.starts_with('[') && bare.ends_with(']');
    if (literal) bare = bare.substr(1, bare.size() - 2);
    if (literal && mailquay::istarts_with(bare, "IPv6:")) bare.remove_prefix(5);
    if (mailquay::ip_address::parse(bare)) return std::string(bare);
    if (!literal && bare.ends_with('.')) bare.remove_suffix(1);
    mailquay::cursor in{bare};
    bool const name = !literal && mailquay::domain(in, mailquay::address_options{.utf8 = true}) && in.at_end();
    std::string_view const last = bare.substr(bare.rfind('.') + 1);
    if (!name || std::all_of(last.begin(), last.end(), mailquay::is_digit))
        throw usage_error("neither an address nor a domain name; write 192.0.2.1, 2001:db8::1 or mx2.example.org");
    return std::string(bare);
}

}  // namespace

void check_onward_flags(onward_flags const& chosen, bool to_host) {
    onward_flags const unsaid;
    next_hop_flags const& hop = chosen.hop;
    bool const by_mx = !chosen.resolver.empty();
    for (auto const& [flag, given] : {std::pair{"--mx-self", !chosen.mx_self.empty()}, std::pair{"--mx-port", chosen.mx_port != unsaid.mx_port},
                                      std::pair{"--mx-allow-private", chosen.mx_allow_private}})
        if (given && !by_mx) throw usage_error(fmt::format("{}: no mail goes by MX; add --resolver, as in --resolver system, or leave it out", flag));
    for (auto const& [flag, given] : {std::pair{"--relay-tls", hop.tls != unsaid.hop.tls}, std::pair{"--relay-ca", !hop.ca.empty() && !by_mx},
                                      std::pair{"--relay-user", !hop.user.empty()}, std::pair{"--relay-user-file", !hop.user_file.empty()},
                                      std::pair{"--relay-chunking", hop.chunking != unsaid.hop.chunking}, std::pair{"--relay-xforward", hop.xforward}})
        if (given && !to_host) throw usage_error(fmt::format("{}: only for the host of --relay-to or --relay-now; give one of them, or leave it out", flag));
}

void add_onward_flags(flags& all, onward_flags& into) {
    all.text("--relay-to", "HOST:PORT", "with --spool: send its mail to this host (a smarthost)", into.relay_to)
        .text("--deliver-lmtp", "ADDR:PORT|PATH", "with --spool: deliver its mail by LMTP", into.deliver_lmtp)
        .text("--resolver", "ADDR:PORT", "with --spool: send its mail to the hosts of each domain (MX), asking this name\nserver; \"system\": those of resolv.conf", into.resolver)
        .value("--mx-self", "NAME|ADDRESS", "a further name or address of this machine: where MX leads to it, mail is not sent in\na circle; repeatable. Known are --hostname and what --listen says",
               [&into](std::string_view one) { into.mx_self.push_back(read_own(one)); })
        .number("--mx-port", "PORT", "port of the hosts found by MX; for tests", into.mx_port, 1, 65'535)
        .toggle("--mx-allow-private", "send also where MX leads to loopback and private addresses; for tests", into.mx_allow_private)
        .text("--retry", "SECONDS,...", "waits between attempts, the last one repeating (default 300,600,1200,2400,3960)", into.retry)
        .number("--lifetime", "SECONDS", "after so long what could not be delivered is returned", into.lifetime, 1, 366 * 86'400)
        .text("--double-bounce-to", "ADDRESS", "who gets notices that fail; else they are dropped", into.double_bounce_to);
    add_next_hop_flags(all, into.hop);
}

#ifdef PROGRAMS_HAVE_RELAY
namespace {

std::vector<std::chrono::seconds> waits_of(std::string_view list) {
    std::vector<std::chrono::seconds> waits;
    for (;;) {
        auto const comma = list.find(',');
        try {
            waits.emplace_back(flags::read_number(list.substr(0, comma), 1, 30 * 86'400));
        } catch (usage_error const& wrong) {
            throw usage_error(fmt::format("--retry: {}; write waits in seconds with commas between, as in 300,600,3600", wrong.what()));
        }
        if (comma == list.npos) return waits;
        list.remove_prefix(comma + 1);
    }
}

mailquay::router route_of(onward_flags const& chosen) {
    if (int{!chosen.relay_to.empty()} + int{!chosen.deliver_lmtp.empty()} + int{!chosen.resolver.empty()} > 1)
        throw usage_error("--relay-to, --deliver-lmtp, --resolver: mail goes one way; give only one of them");
    if (!chosen.resolver.empty()) return mailquay::route_by_mx();
    auto const check = [](std::string_view flag, std::string const& where) {
        if (!mailquay::next_hop::parse(where))
            throw usage_error(fmt::format("{} {}: no host and port; write mail.example.org:25, 127.0.0.1:24 or unix:/run/lmtp", flag, where));
    };
    if (!chosen.relay_to.empty()) {
        check("--relay-to", chosen.relay_to);
        return mailquay::route_to(mailquay::delivery_way::smarthost, chosen.relay_to);
    }
    std::string const where = chosen.deliver_lmtp.starts_with('/') ? "unix:" + chosen.deliver_lmtp : chosen.deliver_lmtp;
    check("--deliver-lmtp", where);
    return mailquay::route_to(mailquay::delivery_way::lmtp, where);
}

mailquay::hop_finder finder_of(onward_flags const& chosen, asio::io_context& io, std::string const& hostname) {
    if (chosen.resolver.empty()) return {};
#ifdef PROGRAMS_HAVE_DNS
    mailquay::cares_settings servers;
    if (chosen.resolver != "system") servers.servers = {chosen.resolver};
    mailquay::mx_settings how;
    how.own_names = {hostname};
    how.own_addresses = chosen.own_addresses;
    for (std::string const& one : chosen.mx_self) {
        if (auto const address = mailquay::ip_address::parse(one)) how.own_addresses.push_back(*address);
        else how.own_names.push_back(one);
    }
    how.allow_private = chosen.mx_allow_private;
    try {
        auto dns = std::make_shared<mailquay::caching_resolver>(std::make_shared<mailquay::cares_resolver>(io, servers));
        return mailquay::find_by_mx(mailquay::mx_hosts{std::move(dns), how}, {}, static_cast<std::uint16_t>(chosen.mx_port));
    } catch (std::invalid_argument const& wrong) {
        throw usage_error(fmt::format("--resolver {}: {}", chosen.resolver, wrong.what()));
    }
#else
    (void)io, (void)hostname;
    throw usage_error("--resolver: this program was built without the component \"dns\"; install c-ares and build it");
#endif
}

class running final : public onward {
public:
    running(std::unique_ptr<asio::io_context> io, std::shared_ptr<mailquay::spool_queue> queue, mailquay::router where, mailquay::runner_settings how, mailquay::smtp_carrier_settings by,
            std::chrono::seconds grace)
        : io_(std::move(io)),
          carrier_(std::make_shared<mailquay::smtp_carrier>(io_->get_executor(), std::move(by))),
          runner_(io_->get_executor(), std::move(queue), carrier_, std::move(where), std::move(how)),
          grace_(grace) {
        runner_.start();
        thread_ = std::thread{[this] { io_->run(); }};
    }
    ~running() override {
        std::promise<void> ended;
        runner_.stop(grace_, [&] { ended.set_value(); });
        ended.get_future().wait();
        carrier_->close();
        work_.reset();
        io_->stop();
        thread_.join();
    }

private:
    std::unique_ptr<asio::io_context> io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_->get_executor()};
    std::shared_ptr<mailquay::smtp_carrier> carrier_;
    mailquay::queue_runner runner_;
    std::chrono::seconds grace_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<onward> onward::start(onward_flags const& chosen, std::shared_ptr<mailquay::spool_queue> queue, std::string hostname,
                                      std::string undeliverable, unsigned grace, mailquay::logger log) {
    mailquay::runner_settings how;
    how.hostname = hostname;
    if (!chosen.retry.empty()) how.retry = waits_of(chosen.retry);
    how.lifetime = std::chrono::seconds{chosen.lifetime};
    how.undeliverable_folder = std::move(undeliverable);
    how.double_bounce_to = chosen.double_bounce_to;
    how.log = log;
    mailquay::smtp_carrier_settings by;
    by.client = client_of(chosen.hop, std::move(hostname), log);
    by.smarthost = hop_settings_of(chosen.hop);
    by.lmtp = lmtp_settings_of(chosen.hop);
    auto io = std::make_unique<asio::io_context>(1);
    by.find_hops = finder_of(chosen, *io, how.hostname);
    return std::make_unique<running>(std::move(io), std::move(queue), route_of(chosen), std::move(how), std::move(by), std::chrono::seconds{grace});
}
#else
std::unique_ptr<onward> onward::start(onward_flags const&, std::shared_ptr<mailquay::spool_queue>, std::string, std::string, unsigned,
                                      mailquay::logger) {
    throw usage_error("--relay-to, --deliver-lmtp, --resolver: this program was built without the component \"relay\"; build it");
}
#endif

}  // namespace programs
