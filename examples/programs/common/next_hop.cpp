#include "common/next_hop.hpp"

#ifdef PROGRAMS_HAVE_RELAY
#include <mailquay/client/client.hpp>
#include <mailquay/relay/recipient_verifier.hpp>
#include <mailquay/relay/relay_now.hpp>
#include <mailquay/server/memory_store.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#endif
#ifdef PROGRAMS_HAVE_TLS
#include <mailquay/tls/client_context.hpp>
#endif
#ifdef PROGRAMS_HAVE_SASL
#include <mailquay/sasl/client_mechanisms.hpp>
#endif

#include <fmt/format.h>

#include <fstream>
#include <thread>
#include <utility>

namespace programs {

void add_next_hop_flags(flags& all, next_hop_flags& into) {
    all.value("--relay-tls", "off|opportunistic|required|verified", "TLS to the host of --relay-to or --relay-now (default opportunistic)",
              [&into](std::string_view use) {
                  if (use != "off" && use != "opportunistic" && use != "required" && use != "verified")
                      throw usage_error("choose off, opportunistic, required or verified");
                  into.tls = use;
              })
        .text("--relay-ca", "FILE", "who signs the certificate of that host, PEM (default: the system's)", into.ca)
        .text("--relay-user", "NAME:PASSWORD", "log in there; needs --relay-tls required or verified", into.user)
        .text("--relay-user-file", "FILE", "the same from the first line of a file, which others cannot see", into.user_file)
        .value("--relay-chunking", "needed|offered|off", "when messages go there by BDAT: for binary ones, wherever it is offered, never\n(default needed)",
               [&into](std::string_view use) {
                   if (use != "needed" && use != "offered" && use != "off") throw usage_error("choose needed, offered or off");
                   into.chunking = use;
               })
        .toggle("--relay-xforward", "pass on there what clients of --trust-xforward told of theirs, where it is offered", into.xforward);
}

#ifdef PROGRAMS_HAVE_RELAY
namespace {

std::string login_of(next_hop_flags const& chosen) {
    if (chosen.user_file.empty()) return chosen.user;
    if (!chosen.user.empty()) throw usage_error("--relay-user, --relay-user-file: give only one of them");
    std::ifstream file{chosen.user_file};
    std::string line;
    if (!std::getline(file, line) || line.empty())
        throw usage_error(fmt::format("--relay-user-file {}: cannot be read, or its first line is empty; write NAME:PASSWORD there", chosen.user_file));
    if (line.back() == '\r') line.pop_back();
    return line;
}

mailquay::next_hop parse_hop(std::string_view flag, std::string const& where, next_hop_flags const& how) {
    constexpr std::string_view by_lmtp = "lmtp:";
    bool const lmtp = where.starts_with(by_lmtp) || where.starts_with('/');
    std::string target = where.starts_with(by_lmtp) ? where.substr(by_lmtp.size()) : where;
    if (target.starts_with('/')) target = "unix:" + target;
    auto hop = mailquay::next_hop::parse(target);
    if (!hop) throw usage_error(fmt::format("{} {}: no host and port; write mail.example.org:25, lmtp:127.0.0.1:24 or lmtp:/run/lmtp", flag, where));
    hop->settings = lmtp ? lmtp_settings_of(how) : hop_settings_of(how);
    return *std::move(hop);
}

class linked final : public next_hop_link {
public:
    linked(mailquay::next_hop to, mailquay::client_config by) : to_(std::move(to)), by_(std::move(by)), thread_([this] { io_.run(); }) {}
    ~linked() override {
        if (asks_) asks_->close();
        work_.reset();
        io_.stop();
        thread_.join();
    }
    std::shared_ptr<mailquay::message_sink> relay_now(std::shared_ptr<mailquay::sinks::spool> overflow, mailquay::promises keeps) override {
        mailquay::sinks::relay_now_settings settings;
        settings.client = by_;
        settings.to = to_;
        settings.next_hop_keeps = keeps;
        settings.log = by_.log;
        auto made = std::make_shared<mailquay::sinks::relay_now>(io_, std::move(settings));
        made->overflow(std::move(overflow));
        return made;
    }
    std::shared_ptr<mailquay::recipient_validator> verifier(std::vector<std::string> domains) override {
        asks_ = std::make_shared<mailquay::client>(io_, by_);
        mailquay::verifier_settings settings;
        settings.domains = std::move(domains);
        return std::make_shared<mailquay::recipient_verifier>(asks_, to_, std::make_shared<mailquay::memory_store>(), std::move(settings));
    }

private:
    mailquay::next_hop to_;
    mailquay::client_config by_;
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::shared_ptr<mailquay::client> asks_{};
    std::thread thread_;
};

}  // namespace

mailquay::hop_settings hop_settings_of(next_hop_flags const& chosen) {
    mailquay::hop_settings how;
    how.refuse_own_name = true;
    how.name_is_secure = true;  // we were told it
    if (chosen.tls == "off") how.tls = mailquay::tls_use::off;
    if (chosen.tls == "required" || chosen.tls == "verified") how.tls = mailquay::tls_use::required;
    if (chosen.tls == "verified") how.verify = mailquay::tls_verification::certificate;
    how.xforward = chosen.xforward;
    if (chosen.chunking == "offered") how.chunking = mailquay::chunking_use::where_offered;
    if (chosen.chunking == "off") how.chunking = mailquay::chunking_use::off;
#ifndef PROGRAMS_HAVE_TLS
    if (how.tls == mailquay::tls_use::required)
        throw usage_error("--relay-tls: this program was built without TLS; install OpenSSL and build the component \"tls\"");
#endif
    std::string const login = login_of(chosen);
    if (login.empty()) return how;
    auto const colon = login.find(':');
    if (colon == 0 || colon == login.npos)
        throw usage_error("--relay-user needs a name and a password with a colon between, as in --relay-user alice:secret");
    if (how.tls != mailquay::tls_use::required)
        throw usage_error("--relay-user: the password might travel in clear; add --relay-tls verified, or required");
#ifdef PROGRAMS_HAVE_SASL
    how.credentials = std::make_shared<mailquay::sasl::client_login>(login.substr(0, colon), mailquay::secret{login.substr(colon + 1)});
    return how;
#else
    throw usage_error("--relay-user: this program was built without the component \"sasl\"; build it");
#endif
}

mailquay::hop_settings lmtp_settings_of(next_hop_flags const& chosen) {
    mailquay::hop_settings how = hop_settings_of(chosen);
    how.protocol = mailquay::dialect::lmtp;
    how.refuse_own_name = false;  // who delivers here is often on this machine, and bears its name
    return how;
}

mailquay::client_config client_of(next_hop_flags const& chosen, std::string hostname, mailquay::logger log) {
    mailquay::client_config by;
    by.hello_name = std::move(hostname);
    by.log = std::move(log);
#ifdef PROGRAMS_HAVE_TLS
    mailquay::tls::client_context_config trust;
    if (!chosen.ca.empty()) trust.ca_file = chosen.ca;
    by.tls = std::make_shared<mailquay::tls::client_context>(trust);
#else
    (void)chosen;
#endif
    return by;
}

std::unique_ptr<next_hop_link> next_hop_link::open(std::string_view flag, std::string const& where, next_hop_flags const& how, std::string hostname,
                                                   mailquay::logger log) {
    return std::make_unique<linked>(parse_hop(flag, where, how), client_of(how, std::move(hostname), std::move(log)));
}
#else
std::unique_ptr<next_hop_link> next_hop_link::open(std::string_view flag, std::string const&, next_hop_flags const&, std::string, mailquay::logger) {
    throw usage_error(fmt::format("{}: this program was built without the component \"relay\"; build it", flag));
}
#endif

}  // namespace programs
