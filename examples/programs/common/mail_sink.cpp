#include "common/mail_sink.hpp"

#include "common/own_addresses.hpp"

#include <fmt/format.h>

#ifdef PROGRAMS_HAVE_SQLITE
#include <mailquay/sink/sqlite.hpp>
#endif

#include <string_view>
#include <utility>

namespace programs {
namespace {

mailquay::promises kept_by_next_hop(std::string_view list) {
    mailquay::promises keeps;
    keeps.utf8 = list.empty();
    while (!list.empty()) {
        auto const comma = list.find(',');
        std::string_view const name = list.substr(0, comma);
        if (mailquay::iequals(name, "8BITMIME")) keeps.eight_bit = true;
        else if (mailquay::iequals(name, "SMTPUTF8")) keeps.utf8 = true;
        else if (mailquay::iequals(name, "BINARYMIME")) keeps.binary = true;
        else if (mailquay::iequals(name, "DSN")) keeps.dsn = true;
        else if (mailquay::iequals(name, "REQUIRETLS")) keeps.requiretls = true;
        else if (mailquay::iequals(name, "DELIVERBY")) keeps.deliver_by = true;
        else if (mailquay::iequals(name, "MT-PRIORITY")) keeps.priority = true;
        else
            throw usage_error(fmt::format("--next-hop-keeps: \"{}\" is unknown; choose among 8BITMIME, SMTPUTF8, BINARYMIME, "
                                          "DSN, REQUIRETLS, DELIVERBY and MT-PRIORITY, separated by commas", name));
        list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    }
    return keeps;
}

}  // namespace

void add_mail_sink_flags(flags& all, mail_sink_flags& into) {
    all.text("--maildir", "DIR", "file messages there: one file in DIR/new for each mailbox", into.maildir)
        .text("--mbox", "FILE", "append messages to this file", into.mbox)
        .text("--spool", "DIR", "keep messages there, in a durable queue (mailquay-queue shows it)", into.spool)
        .text("--next-hop-keeps", "LIST", "with --spool or --relay-now: extensions that the way onward keeps,\nas in SMTPUTF8,DSN (default SMTPUTF8)",
              into.next_hop_keeps)
        .text("--relay-now", "HOST:PORT", "pass each message on at once: this host's reply is the client's. lmtp:HOST:PORT and\nlmtp:PATH go by LMTP. With --spool what it cannot take now is kept there, and sent later", into.relay_now);
    add_onward_flags(all, into.onward);
#ifdef PROGRAMS_HAVE_SQLITE
    all.text("--sqlite", "FILE", "file messages in this database", into.sqlite);
#endif
}

mail_sink::mail_sink(mail_sink_flags const& chosen, settings const& common) {
    auto const log = mailquay::logger::to_stderr(common.log_level);
    int named = 0;
    for (std::string const* one : {&chosen.maildir, &chosen.mbox, &chosen.spool, &chosen.sqlite}) named += one->empty() ? 0 : 1;
    if (named == 0 && chosen.relay_now.empty())
        throw usage_error("--maildir is missing: name the folder where mail is filed, as in --maildir /var/mail/new, or give "
                          "--mbox, --spool, --sqlite or --relay-now");
    check_onward_flags(chosen.onward, !chosen.relay_now.empty() || !chosen.onward.relay_to.empty());
    if (!chosen.relay_now.empty()) {
        if (named > (chosen.spool.empty() ? 0 : 1)) throw usage_error("--relay-now: mail goes one way; only --spool can be given with it");
        if (chosen.onward.any()) throw usage_error("--relay-now, --relay-to, --deliver-lmtp, --resolver: mail goes one way; give only one of them");
        link_ = next_hop_link::open("--relay-now", chosen.relay_now, chosen.onward.hop, common.hostname, log);
    } else if (!chosen.onward.relay_to.empty()) {
        link_ = next_hop_link::open("--relay-to", chosen.onward.relay_to, chosen.onward.hop, common.hostname, log);
    } else if (!chosen.onward.deliver_lmtp.empty()) {
        link_ = next_hop_link::open("--deliver-lmtp", "lmtp:" + chosen.onward.deliver_lmtp, {}, common.hostname, log);
    }
    if (named > 1) throw usage_error("--maildir, --mbox, --spool and --sqlite: give only one of them");
    if (!chosen.maildir.empty()) sink_ = std::make_shared<mailquay::sinks::maildir>(chosen.maildir);
    if (!chosen.mbox.empty()) sink_ = std::make_shared<mailquay::sinks::mbox>(chosen.mbox);
#ifdef PROGRAMS_HAVE_SQLITE
    if (!chosen.sqlite.empty()) {
        mailquay::sinks::sqlite_settings settings;
        settings.log = log;
        sink_ = std::make_shared<mailquay::sinks::sqlite>(chosen.sqlite, settings);
    }
#endif
    if (chosen.spool.empty()) {
        if (!chosen.relay_now.empty()) sink_ = link_->relay_now(nullptr, kept_by_next_hop(chosen.next_hop_keeps));
        if (chosen.onward.any()) throw usage_error("--relay-to, --deliver-lmtp, --resolver: mail goes onward from a spool; add --spool, as in --spool /var/spool/mailquay");
        return;
    }
    mailquay::sinks::spool_settings settings;
    settings.next_hop_keeps = kept_by_next_hop(chosen.next_hop_keeps);
    // What the next hop lacks of these is done here: notices, the end of the time, and the order in the queue.
    onward_flags way = chosen.onward;
    if (chosen.relay_now.starts_with("lmtp:")) way.deliver_lmtp = chosen.relay_now.substr(5);
    else if (chosen.relay_now.starts_with('/')) way.deliver_lmtp = chosen.relay_now;
    else way.relay_to = chosen.relay_now.empty() ? way.relay_to : chosen.relay_now;
    if (way.any()) settings.next_hop_keeps.dsn = settings.next_hop_keeps.deliver_by = settings.next_hop_keeps.priority = true;
    way.own_addresses = own_addresses(common.listeners, static_cast<std::uint16_t>(way.mx_port));
    settings.log = log;
    auto spool = std::make_shared<mailquay::sinks::spool>(chosen.spool, settings);
    control_ = std::make_unique<mailquay::spool_control>(spool->queue(), chosen.spool + "/control.sock", log);
    sink_ = chosen.relay_now.empty() ? spool : link_->relay_now(spool, kept_by_next_hop(chosen.next_hop_keeps));
    if (way.any())
        onward_ = onward::start(way, spool->queue(), common.hostname, chosen.spool + "/undeliverable", common.grace, log);
}

std::shared_ptr<mailquay::recipient_validator> mail_sink::verifier(std::vector<std::string> domains) {
    return link_ ? link_->verifier(std::move(domains)) : nullptr;
}

}  // namespace programs
