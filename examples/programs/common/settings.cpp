#include <mailquay/base/ascii.hpp>
#include <mailquay/session/extension_registry.hpp>

#include "common/settings.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace programs {
namespace {

std::string machine_name() {
    std::array<char, 256> name{};
    bool const known = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0';
    return known ? name.data() : "localhost";
}

void add_listener(settings& into, std::string protocol, std::string_view where, bool path_only) {
    bool const path = path_only || where.starts_with('/') || where.starts_with('.');
    std::string const full = (path && !where.starts_with("unix:") ? "unix:" : "") + std::string(where);
    into.listeners.push_back({std::move(protocol), full});
}

// Those that are on by themselves may be named too.
void enable(settings& into, std::string_view name) {
    auto const all = {mailquay::extension_registry::opt_in(), mailquay::extension_registry::standard()};
    std::string known;
    bool found = mailquay::iequals(name, "all");
    for (auto const& registry : all)
        for (auto const& one : registry.all()) {
            found = found || mailquay::iequals(one->keyword(), name);
            known += std::string(one->keyword()) + ", ";
        }
    if (!found) throw usage_error("no such extension here; choose among " + known + "all");
    into.enable.emplace_back(name);
}

void choose_level(settings& into, std::string_view name) {
    auto const level = mailquay::parse_log_level(name);
    if (!level) throw usage_error("no such level; choose trace, debug, info, warning, error or off");
    into.log_level = *level;
}

void trust(mailquay::network_set& into, std::string_view network) {
    if (auto const added = into.add(network); !added)
        throw usage_error(added.error().message() + "; write 192.0.2.0/24, 2001:db8::/32 or an address");
}

void show_profile(std::string_view name) {
    std::string text;
    for (std::string_view const one : {"mx", "submission", "lmtp"})
        if (name.empty() || name == one) text += (text.empty() ? "" : "\n") + describe(*mailquay::find_profile(one));
    if (text.empty())
        throw usage_error("no such profile; choose mx, submission or lmtp, or leave the value out to see all");
    std::fputs(text.c_str(), stdout);
    std::exit(0);
}

}  // namespace

void add_common_flags(flags& all, settings& into) {
    constexpr std::uint64_t many = 1'000'000'000;
    into.hostname = machine_name();
    all.value("--listen", "ADDR:PORT",
              "listen for SMTP; repeatable; port 0: any free one\n(default 127.0.0.1:2525 if nothing else is said)",
              [&into](std::string_view where) { add_listener(into, "smtp", where, false); })
        .value("--listen-lmtp", "ADDR:PORT|PATH", "listen for LMTP, on TCP or a UNIX socket; repeatable",
               [&into](std::string_view where) { add_listener(into, "lmtp", where, false); })
        .value("--listen-unix", "PATH", "listen for SMTP on a UNIX socket; repeatable",
               [&into](std::string_view where) { add_listener(into, "smtp", where, true); })
        .value("--listen-tls", "ADDR:PORT", "listen for SMTP under TLS from the start (port 465); repeatable",
               [&into](std::string_view where) { add_listener(into, "smtps", where, false); })
        .text("--hostname", "NAME", "who this server is (default " + into.hostname + ")", into.hostname)
        .number("--max-size", "OCTETS", "largest message; 0: no limit", into.max_size, 0, ~std::uint64_t{0} >> 1)
        .number("--max-recipients", "N", "recipients of a message; 100 or more", into.max_recipients, 100, many)
        .number("--max-connections", "N", "connections in all; 0: no limit", into.max_connections, 0, many)
        .number("--max-connections-per-address", "N",
                "connections from an IPv4 address or IPv6 /64;\n0: no limit; loopback has none",
                into.max_connections_per_address, 0, many)
        .number("--max-hops", "N", "Received fields before a message is taken to loop", into.max_hops, 1, 100'000)
        .number("--idle-timeout", "SECONDS", "silence of a client before it is sent away", into.idle_timeout, 1, 86'400)
        .number("--grace", "SECONDS", "what is under way may go on so long at the end", into.grace, 0, 86'400)
        .value("--enable", "EXTENSION|all", "announce an extension that is not on by itself; repeatable.\nall: every one, also what the sink does not keep",
               [&into](std::string_view name) { enable(into, name); })
        .value("--trust-proxy", "CIDR",
               "take PROXY headers from this network, whose connections\nmust begin with one; repeatable",
               [&into](std::string_view network) { trust(into.trusted_proxies, network); })
        .value("--trust-xclient", "CIDR", "let clients in this network use XCLIENT and XFORWARD; repeatable",
               [&into](std::string_view network) { trust(into.trusted_xclient, network); })
        .toggle("--trust-xclient-login", "who XCLIENT says is logged in counts as authenticated", into.trusted_xclient_login)
        .value("--trust-xforward", "CIDR", "let these clients, and not those of --trust-xclient, use\nXFORWARD; repeatable",
               [&into](std::string_view network) {
                   if (!into.trusted_xforward) into.trusted_xforward.emplace();
                   trust(*into.trusted_xforward, network);
               })
        .number("--threads", "N", "threads that serve connections", into.threads, 1, 1024)
        .toggle("--portable-reactor", "wait for readiness by Asio alone, as on systems without epoll", into.portable_reactor)
        .value("--log-level", "LEVEL",
               "trace, debug, info, warning, error or off (default " + std::string(to_string(into.log_level)) + ")",
               [&into](std::string_view name) { choose_level(into, name); })
        .optional_value("--show-profile", "NAME", "print what a listener profile sets, or all of them, and end",
                        show_profile);
    add_tls_flags(all, into.tls);
}

void add_tls_flags(flags& all, tls_settings& into) {
    all.list("--tls-cert", "FILE", "certificate with its chain, PEM; offers STARTTLS; repeatable: the name that a\nclient asks for (SNI) decides; SIGHUP reads the files anew", into.certificates)
        .list("--tls-key", "FILE", "private key of the --tls-cert at the same place", into.keys)
        .toggle("--require-tls", "refuse all but STARTTLS in clear (530 5.7.0)", into.required)
        .value("--tls-client-cert", "off|request|require", "ask clients for certificates (default off)",
               [&into](std::string_view rule) {
                   if (rule != "off" && rule != "request" && rule != "require") throw usage_error("choose off, request or require");
                   into.client_certificates = rule;
               })
        .text("--tls-client-ca", "FILE", "who signs clients' certificates, PEM", into.client_ca);
}

void add_recipient_flags(flags& all, local_recipients& into) {
    all.list("--domain", "NAME", "take mail for this domain, and for its postmaster; repeatable", into.domains)
        .list("--mailbox", "USER", "take mail for this user of the domains; repeatable (default any user)",
              into.mailboxes);
}

mailquay::recipient_table table_of(local_recipients const& from, std::string const& hostname) {
    mailquay::recipient_table table;
    auto const add = [&](char const* flag, std::string const& value, auto&& change) {
        try {
            change();
        } catch (std::invalid_argument const& wrong) {
            throw usage_error(fmt::format("{} {}: {}", flag, value, wrong.what()));
        }
    };
    for (std::string const& domain : from.domains) {
        if (from.mailboxes.empty()) add("--domain", domain, [&] { table.domain(domain); });
        for (std::string const& user : from.mailboxes) {
            // What "@domain" would mean to the table: anybody.
            if (user.empty()) throw usage_error("--mailbox: the name is empty; name a user, or leave the flag out to take any");
            add("--mailbox", user, [&] { table.add(user + '@' + domain); });
        }
    }
    add("--hostname", hostname, [&] { table.hostname(hostname); });
    return table;
}

mailquay::profile profile_of(settings const& chosen, std::string_view protocol) {
    auto made = protocol == "lmtp" ? mailquay::profile::lmtp() : chosen.smtp;
    if (!chosen.trusted_proxies.empty()) made.proxy = mailquay::proxy_mode::accepted;
    if (protocol == "smtps") made.tls = mailquay::tls_mode::implicit;
    else if (protocol != "lmtp" && chosen.tls.required) made.tls = mailquay::tls_mode::required;
    return made;
}

}  // namespace programs
