#pragma once

#include <mailquay/client/impl/engine_state.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>

#include <algorithm>
#include <exception>
#include <utility>

// What an engine says and hears between transactions: greeting, EHLO, STARTTLS, AUTH, XCLIENT.

namespace mailquay::inline MAILQUAY_ABI {

inline client_engine::impl::impl(hop_settings const& with, client_engine_config config_given, time_point at)
    : settings(with), config(std::move(config_given)), parser(with.limits.reply), now(at) {
    if (!settings.hello_name.empty()) config.hello_name = settings.hello_name;
    report.host = config.host;
    begin_attempt();
    if (settings.proxy) append_proxy_header(out, *settings.proxy);
    if (settings.tls == tls_use::implicit) {
        current = phase::handshake;
        if (config.tls_available) {
            events.emplace_back(client_wants_tls{});
        } else {
            fail_hop(hop_problem::no_tls, send_stage::tls, {}, "this client has no TLS; set client_config::tls");
        }
    } else {
        expect(owed::greeting);
    }
    rearm();
}

inline void client_engine::impl::on_reply(received_reply reply) {
    if (waiting.empty()) {
        // Nothing was asked: a server that goes away says 421, all else is out of step.
        bool const leaves = reply.code == 421;
        return fail_hop(leaves ? hop_problem::refused : hop_problem::garbled_reply, stage_now(), std::move(reply),
                        leaves ? "the server closes the connection" : "a reply that nothing asked for");
    }
    detail::owed_reply const due = waiting.front();
    if (due.what == owed::quit) return end();
    if (reply.code == 421) {
        send_stage const stage = stage_now();
        // Up to MAIL it is the host's answer to the connection; from RCPT on, to all of the transaction that is not settled.
        if (current == phase::message && due.what != owed::xforward && due.what != owed::mail && due.what != owed::rset) {
            settle_batch(recipient_state::temporary, stage, reply);
            tell_settled();
        }
        return fail_hop(hop_problem::refused, stage, std::move(reply), {});
    }
    waiting.pop_front();
    window -= due.octets;
    switch (due.what) {
        case owed::greeting: on_greeting(reply); break;
        case owed::ehlo:
        case owed::helo: on_ehlo(reply); break;
        case owed::starttls: on_starttls(reply); break;
        case owed::auth: on_auth(reply); break;
        case owed::xclient: on_xclient(reply); break;
        case owed::xforward: break;  // a server that will not have it is no reason not to send
        case owed::mail: on_mail(reply); break;
        case owed::recipient: on_recipient(due.recipient, reply); break;
        case owed::data: on_data(reply); break;
        case owed::chunk: on_chunk(reply); break;
        case owed::prdr_final: on_prdr_final(reply); break;
        case owed::final: on_final(reply); break;
        case owed::recipient_final: on_recipient_final(due.recipient, reply); break;
        case owed::overall: on_overall(reply); break;
        case owed::nobody: break;
        case owed::rset:
            if (!reply.positive()) return fail_hop(hop_problem::refused, stage_now(), std::move(reply), "RSET was refused");
            break;
        case owed::noop:
            if (!reply.positive()) return fail_hop(hop_problem::refused, stage_now(), std::move(reply), {});
            become_idle();
            break;
        case owed::quit: break;
    }
    if (current == phase::message) pump();
}

inline bool client_engine::impl::is_own_name(std::string_view text) const {
    std::string_view const name = text.substr(0, text.find_first_of(" \t\n"));
    return settings.refuse_own_name && !name.empty() && iequals(name, config.hello_name);
}

inline void client_engine::impl::on_greeting(received_reply const& reply) {
    if (!reply.positive()) return fail_hop(hop_problem::refused, send_stage::greeting, reply, {});
    if (is_own_name(reply.text)) return fail_hop(hop_problem::loops_back, send_stage::greeting, reply, {});
    say_hello();
}

inline void client_engine::impl::say_hello() {
    send_line((lmtp() ? "LHLO " : "EHLO ") + config.hello_name, owed::ehlo);
}

inline void client_engine::impl::on_ehlo(received_reply const& reply) {
    if (reply.positive()) {
        std::string_view const text = reply.text;
        report.offers = parse_ehlo_reply(helo_tried ? text.substr(0, text.find('\n')) : text);  // HELO announces nothing
        if (is_own_name(report.offers.name)) return fail_hop(hop_problem::loops_back, send_stage::hello, reply, {});
        return after_hello();
    }
    // RFC 5321 §3.2: who does not know EHLO is greeted by HELO. A refusal of us, such as 554 or 521, is none of that.
    bool const unknown = reply.code == 500 || reply.code == 501 || reply.code == 502 || reply.code == 504 || reply.code == 550;
    bool const helo_will_do = !lmtp() && unknown && !report.tls && !helo_tried;
    if (!helo_will_do) return fail_hop(hop_problem::refused, send_stage::hello, reply, {});
    helo_tried = true;
    send_line("HELO " + config.hello_name, owed::helo);
}

inline void client_engine::impl::after_hello() {
    bool const wants_tls = settings.tls == tls_use::required || settings.tls == tls_use::opportunistic;
    bool const must = settings.tls == tls_use::required || settings.verify != tls_verification::none;
    if (wants_tls && !report.tls) {
        bool const possible = report.offers.starttls && config.tls_available;
        if (possible) return send_line("STARTTLS", owed::starttls);
        if (must)
            return fail_hop(hop_problem::no_tls, send_stage::starttls, {},
                            config.tls_available ? "STARTTLS is not offered" : "this client has no TLS; set client_config::tls");
    }
    if (must && !report.tls) return fail_hop(hop_problem::no_tls, send_stage::hello, {}, "the server cannot be verified with hop_settings::tls off");
    if (settings.xclient && !xclient_done) {
        auto const lines = detail::xclient_commands(*settings.xclient, report.offers.xclient);
        if (lines.empty()) return fail_hop(hop_problem::refused, send_stage::hello, {}, "XCLIENT is not offered");
        xclient_done = true;
        // Each one begins the session anew, so all goes in the first; what does not fit is left out.
        return send_line(lines.front(), owed::xclient);
    }
    if (settings.credentials && !authenticated) return begin_auth();
    become_idle();
}

inline void client_engine::impl::on_starttls(received_reply const& reply) {
    if (reply.positive()) {
        current = phase::handshake;
        events.emplace_back(client_wants_tls{});
        return;
    }
    if (settings.tls == tls_use::required || settings.verify != tls_verification::none)
        return fail_hop(hop_problem::no_tls, send_stage::starttls, reply, "STARTTLS was refused");
    report.offers.starttls = false;  // on in clear
    after_hello();
}

inline void client_engine::impl::on_xclient(received_reply const& reply) {
    if (!reply.positive()) return fail_hop(hop_problem::refused, send_stage::hello, reply, "XCLIENT was refused");
    say_hello();
}

inline sasl_channel client_engine::impl::channel() const {
    return {config.host, config.port, report.tls ? &*report.tls : nullptr, report.tls && report.server.verified};
}

inline void client_engine::impl::begin_auth() {
    if (!report.tls && !settings.credentials_in_clear)
        return fail_hop(hop_problem::no_mechanism, send_stage::authentication, {},
                        "credentials are not sent in clear; use TLS, or set hop_settings::credentials_in_clear");
    std::optional<secret> initial;
    try {
        if (!report.offers.auth.empty()) exchange = settings.credentials->begin(report.offers.auth, channel());
        if (exchange) initial = exchange->first();
    } catch (std::exception const& failure) {
        return fail_hop(hop_problem::no_mechanism, send_stage::authentication, {}, failure.what());
    }
    if (!exchange)
        return fail_hop(hop_problem::no_mechanism, send_stage::authentication, {},
                        report.offers.auth.empty() ? "AUTH is not offered" : "none of the mechanisms offered will do");
    challenges = 0;
    std::string line = "AUTH ";
    line += exchange->mechanism();
    // Longer ones go behind an empty challenge (RFC 4954 §4): not every server takes a long command.
    std::size_t const room = detail::most_command_octets - line.size() - 1;
    if (initial) {
        std::string encoded = initial->empty() ? std::string{"="} : base64_encode(initial->reveal());
        if (encoded.size() <= room) line.append(1, ' ').append(encoded);
        wipe(encoded);
    }
    send_line(line, owed::auth);
    wipe(line);
}

inline void client_engine::impl::on_auth(received_reply const& reply) {
    if (reply.code == 334) {
        if (!exchange || ++challenges > settings.limits.challenges)
            return fail_hop(hop_problem::authentication_failed, send_stage::authentication, reply, "there is no end to the challenges");
        auto challenge = base64_decode(std::string_view{reply.text});
        std::optional<secret> answer;
        try {
            if (challenge) answer = exchange->next(*challenge);
        } catch (std::exception const&) {  // as if there were no answer
        }
        if (!answer) {
            exchange.reset();
            return send_line("*", owed::auth);
        }
        std::string line = base64_encode(answer->reveal());
        send_line(line, owed::auth);
        wipe(line);
        return;
    }
    if (!exchange) return fail_hop(hop_problem::authentication_failed, send_stage::authentication, reply, "a challenge was not to be answered");
    if (!reply.positive()) return fail_hop(hop_problem::authentication_failed, send_stage::authentication, reply, {});
    if (!exchange->satisfied())
        return fail_hop(hop_problem::authentication_failed, send_stage::authentication, reply, "the server did not prove that it knows the password");
    exchange.reset();
    authenticated = true;
    become_idle();
}

inline void client_engine::impl::become_idle() {
    current = phase::idle;
    attempt_end.reset();
    events.emplace_back(client_ready{});
}

// --- wire and time -------------------------------------------------------------------------------------------------------

inline void client_engine::impl::send_line(std::string_view line, owed what, std::size_t recipient) {
    out += line;
    out += "\r\n";
    expect(what, line.size() + 2, recipient);
    window += line.size() + 2;
}

inline std::chrono::milliseconds client_engine::impl::patience() const {
    auto const& times = settings.timeouts;
    if (current == phase::handshake) return times.tls;
    if (current == phase::quitting) return times.quit;
    if (doing == step::content && (!all_sent || !unsent().empty())) return times.content;
    if (waiting.empty()) return times.mail;
    switch (waiting.front().what) {
        case owed::greeting: return times.greeting;
        case owed::recipient: return times.recipient;
        case owed::data: return times.data;
        case owed::chunk: return all_sent ? times.final_reply : times.content;
        case owed::prdr_final:
        case owed::final:
        case owed::recipient_final:
        case owed::overall: return times.final_reply;
        case owed::quit: return times.quit;
        case owed::rset: return message == nullptr ? times.quit : times.mail;
        default: return times.mail;
    }
}

inline std::optional<client_engine::time_point> client_engine::impl::next_deadline() const {
    bool const waits = current != phase::ended && (current != phase::idle || !waiting.empty());
    if (!waits) return std::nullopt;
    time_point const waited_for = now + patience();
    return attempt_end ? std::min(waited_for, *attempt_end) : waited_for;
}

inline send_stage client_engine::impl::stage_now() const {
    if (current == phase::handshake) return send_stage::tls;
    if (doing == step::content && !all_sent) return send_stage::content;
    if (waiting.empty()) return current == phase::message ? send_stage::mail : send_stage::hello;
    switch (waiting.front().what) {
        case owed::greeting: return send_stage::greeting;
        case owed::starttls: return send_stage::starttls;
        case owed::auth: return send_stage::authentication;
        case owed::xforward:
        case owed::mail: return send_stage::mail;
        case owed::recipient: return send_stage::recipient;
        case owed::data: return send_stage::data;
        case owed::chunk: return all_sent ? send_stage::final_reply : send_stage::content;
        case owed::prdr_final:
        case owed::final:
        case owed::recipient_final:
        case owed::nobody:
        case owed::overall: return send_stage::final_reply;
        default: return send_stage::hello;
    }
}

inline void client_engine::impl::end() {
    if (current == phase::ended) return;
    current = phase::ended;
    deadline.reset();
    moved = false;
    waiting.clear();
    window = 0;
    if (message != nullptr) {
        message = nullptr;
        events.emplace_back(client_sent{});
    }
    events.emplace_back(client_ended{});
}

inline void client_engine::impl::fail_hop(hop_problem what, send_stage stage, received_reply reply, std::string text) {
    if (current == phase::ended) return;
    bool const lost = what == hop_problem::connection_lost || what == hop_problem::timed_out || what == hop_problem::cancelled;
    bool some_unknown = false;
    if (message != nullptr) {
        // All was sent and nothing came back, or nothing that can be read: nobody can say what the server did (rule of RFC 1047). With
        // PRDR nothing counts before the overall reply.
        bool const final_due = std::any_of(waiting.begin(), waiting.end(), [](detail::owed_reply const& one) {
            return one.what == owed::final || one.what == owed::recipient_final || one.what == owed::chunk || one.what == owed::prdr_final ||
                   one.what == owed::overall;
        });
        bool const by_prdr = plan.prdr && accepted.size() > 1;
        bool const unreadable = what == hop_problem::garbled_reply && end_seen && final_due;
        bool const unknown = unreadable || (lost && end_seen && final_due && !by_prdr);
        for (std::size_t const which : batch) {
            bool const taken = std::find(accepted.begin(), accepted.end(), which) != accepted.end();
            if (!unsettled(which) || !taken) continue;
            if (unknown) {
                detail::own_finding const ended{"4.4.2", "the connection ended after all was sent: the outcome is unknown"};
                detail::own_finding const unread{"4.5.0", "the final reply cannot be read: the outcome is unknown"};
                settle_own(which, recipient_state::unknown, stage, unreadable ? unread : ended);
                some_unknown = true;
            } else if (lost && end_seen && by_prdr) {
                settle_own(which, recipient_state::temporary, stage, {"4.4.2", "the connection ended before the overall reply"});
            }
        }
        tell_settled();
    }
    out.clear();  // what has not left stays here: least of all the end of a message that counts as not sent
    out_sent = 0;
    report.problem = what;
    report.stage = stage;
    report.reply = std::move(reply);
    report.text = std::move(text);
    report.advice = some_unknown ? hop_advice::wait : hop_advice::try_another;
    if (what == hop_problem::content_unreadable || what == hop_problem::cancelled)
        if (!some_unknown) report.advice = hop_advice::done;
    end();
}

}  // namespace mailquay::inline MAILQUAY_ABI
