#pragma once

#include <mailquay/server/connection_log.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::log_lines {

namespace detail {

inline std::string first_line(std::string reply) {
    reply.resize(std::min(reply.find('\r'), reply.size()));
    return reply;
}

/// The reply that a verdict leads to; `usual` where it has none of its own. Of several lines the first.
inline std::string reply_of(verdict const& given, reply_text const& usual) {
    if (given.named() != nullptr) return std::string{given.named()->wire()};
    std::string_view const text = given.text().empty() ? usual.text() : given.text();
    std::string said;
    if (given.code() == 0)
        append_reply(said, usual.code(), usual.enhanced(), text);
    else
        append_reply(said, given.code(), given.enhanced(), text);
    return first_line(std::move(said));
}

}  // namespace detail

MAILQUAY_DECL log_line connected(session_info const& client) {
    log_line line{"connect"};
    line.add("id", client.id()).add("client", client.client()).add("local", client.local());
    bool const known = client.source() == address_source::socket || client.source() == address_source::direct;
    if (!known && !client.socket_peer().address.is_none()) line.add("proxy", client.socket_peer());
    if (client.source() == address_source::health_check) line.add("health-check", true);
    if (proxy_facts const* const told = client.proxy()) {
        if (!told->authority.empty()) line.add("authority", told->authority);
        if (told->tls && told->tls->secure) line.add("proxy-tls", told->tls->cipher.empty() ? told->tls->protocol : told->tls->cipher);
        if (told->tls && told->tls->verified) line.add("proxy-cn", told->tls->client_name);
    }
    return line;
}

MAILQUAY_DECL log_line refused_proxy(session_info const& proxy, std::string_view why) {
    log_line line{"refused-connect"};
    line.add("client", proxy.socket_peer()).add("local", proxy.local()).add("rule", std::string_view{"proxy"}).add("why", why);
    return line;
}

MAILQUAY_DECL log_line xclient(session_info const& client, ip_endpoint const& was) {
    log_line line{"xclient"};
    line.add("id", client.id()).add("client", client.client()).add("was", was);
    if (!client.hello_name().empty()) line.add("helo", client.hello_name());
    if (!client.verified_ptr().empty()) line.add("ptr", client.verified_ptr());
    if (!client.claimed_user().empty()) line.add("user", client.claimed_user());
    return line;
}

MAILQUAY_DECL log_line refused_connect(session_info const& client, verdict const& given, reply_text const& usual) {
    return refused_connect(client, detail::reply_of(given, usual), given.rule());
}

MAILQUAY_DECL log_line refused_connect(session_info const& client, std::string_view reply, std::string_view rule) {
    log_line line{"refused-connect"};
    if (!client.id().empty()) line.add("id", client.id());
    line.add("client", client.client()).add("local", client.local()).add("reply", reply);
    if (!rule.empty()) line.add("rule", rule);
    return line;
}

MAILQUAY_DECL log_line refused(session_info const& client, std::string_view stage, std::string_view verb, transaction const* mail,
                               recipient const* to, verdict const& given, reply_text const& usual) {
    log_line line{"refused"};
    line.add("id", log_id(client, mail != nullptr ? mail->id() : std::string_view{}));
    line.add("client", client.client()).add("stage", stage);
    if (!verb.empty()) line.add("verb", verb);
    if (mail != nullptr) line.add("from", mail->reverse_path().wire);
    if (to != nullptr) line.add("to", to->wire());
    line.add("reply", detail::reply_of(given, usual));
    if (!given.rule().empty()) line.add("rule", given.rule());
    if (given.delay().count() != 0) line.add("delay", given.delay());
    return line;
}

MAILQUAY_DECL log_line refused(session_info const& client, std::string_view verb, reply const& given) {
    std::string said;
    append_reply(said, given);
    log_line line{"refused"};
    line.add("id", client.id()).add("client", client.client()).add("stage", std::string_view{"command"}).add("verb", verb);
    return line.add("reply", detail::first_line(std::move(said)));
}

MAILQUAY_DECL log_line refused_by_session(session_info const& client, command_refused const& what) {
    log_line line{"refused"};
    line.add("id", log_id(client, what.mail != nullptr ? what.mail->id() : std::string_view{}));
    line.add("client", client.client());
    line.add("stage", what.of_message ? std::string_view{"message"} : std::string_view{"command"}).add("verb", what.name);
    if (what.mail != nullptr && !what.mail->id().empty()) line.add("from", what.mail->reverse_path().wire);
    line.add("reply", what.reply);
    return line;
}

MAILQUAY_DECL log_line accepted(transaction const& mail, std::size_t recipients, std::uint64_t octets, std::string_view message_id,
                                std::chrono::milliseconds in_sink) {
    session_info const& client = mail.session();
    log_line line{"accepted"};
    line.add("id", log_id(client, mail.id())).add("from", mail.reverse_path().wire);
    line.add("nrcpt", recipients).add("size", octets);
    if (!message_id.empty()) line.add("msgid", message_id);
    line.add("helo", client.hello_name());
    line.add("client", client.client());
    if (!client.verified_ptr().empty()) line.add("ptr", client.verified_ptr());
    if (auto const* const tls = client.tls()) line.add("tls", tls->cipher);
    if (!client.user().empty()) line.add("user", client.user());
    line.add("body", to_string(mail.parameters().body)).add("time", in_sink);
    if (forwarded_client const* const told = mail.forwarded()) {
        auto const add = [&](std::string_view key, std::string_view value) {
            if (!value.empty()) line.add(key, value);
        };
        add("fwd-client", told->address);
        if (told->port != 0) line.add("fwd-port", told->port);
        add("fwd-ptr", told->name);
        add("fwd-helo", told->hello_name);
        add("fwd-proto", told->protocol);
        add("fwd-id", told->ident);
        if (told->source != forwarded_client::origin::unknown)
            add("fwd-source", told->source == forwarded_client::origin::local ? "local" : "remote");
    }
    return line;
}

MAILQUAY_DECL log_line accepted_unsent(session_info const& client, std::string_view mail_id) {
    return log_line{"accepted"}.add("id", log_id(client, mail_id)).add("reply", std::string_view{"unsent"});
}

MAILQUAY_DECL log_line aborted(session_info const& client, std::string_view mail_id, std::string_view stage, std::uint64_t octets,
                               std::string_view why, bool outcome_unknown) {
    log_line line{"aborted"};
    line.add("id", log_id(client, mail_id)).add("stage", stage).add("octets", octets).add("why", why);
    if (outcome_unknown) line.add("outcome", std::string_view{"unknown"});
    return line;
}

MAILQUAY_DECL log_line authentication(session_info const& client, auth_finished const& how) {
    log_line line{"auth"};
    line.add("id", client.id()).add("client", client.client()).add("mechanism", how.mechanism);
    if (how.outcome == auth_outcome::succeeded) line.add("user", client.user());
    line.add("result", to_string(how.outcome));
    if (!how.reply.empty()) line.add("reply", how.reply);
    return line;
}

MAILQUAY_DECL log_line secured(session_info const& client) {
    log_line line{"tls"};
    line.add("id", client.id()).add("client", client.client());
    tls_info const& facts = *client.tls();
    line.add("protocol", facts.protocol).add("cipher", facts.cipher);
    if (!facts.group.empty()) line.add("group", facts.group);
    if (!facts.server_name.empty()) line.add("sni", facts.server_name);
    if (!facts.client_identity.empty()) line.add("identity", facts.client_identity);
    return line;
}

MAILQUAY_DECL log_line not_secured(session_info const& client, std::string_view why) {
    return log_line{"tls"}.add("id", client.id()).add("client", client.client()).add("failed", why);
}

MAILQUAY_DECL log_line plaintext_dropped(session_info const& client, std::size_t octets) {
    return log_line{"tls"}.add("id", client.id()).add("client", client.client()).add("plaintext_dropped", octets);
}

MAILQUAY_DECL log_line closed(session_info const& client, close_reason why, session::counts const& totals) {
    log_line line{"closed"};
    line.add("id", client.id()).add("why", to_string(why)).add("commands", totals.commands).add("messages", totals.messages);
    line.add("recipients", totals.recipients).add("syntax", totals.syntax_errors).add("sequence", totals.sequence_errors);
    line.add("refused", totals.recipients_refused).add("junk", totals.junk);
    if (totals.auth_failures != 0) line.add("auth", totals.auth_failures);
    return line;
}

}  // namespace mailquay::inline MAILQUAY_ABI::log_lines
