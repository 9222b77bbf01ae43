#pragma once

#include <mailquay/client/impl/engine_content.ipp>
#include <mailquay/client/impl/engine_outcomes.ipp>
#include <mailquay/client/impl/engine_plan.ipp>

#include <algorithm>
#include <utility>

// One message: as many transactions as it takes, their commands and the replies to them.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 5321 §4.5.3.1.10: too many recipients for one transaction. 552 once meant that as well; a full mailbox (5.2.2) is another
/// matter.
inline bool too_many_recipients(received_reply const& reply) {
    if (reply.code == 452) return reply.enhanced.empty() || reply.enhanced == "4.5.3";
    return reply.code == 552 && (reply.enhanced.empty() || reply.enhanced == "5.5.3");
}

}  // namespace detail

// --- commands ------------------------------------------------------------------------------------------------------------

inline void client_engine::impl::begin_transaction() {
    bool const used_up = report.offers.most_messages && transactions_begun >= *report.offers.most_messages;
    if (used_up || transactions >= settings.limits.transactions) {
        to_go.clear();  // stay untried: for another connection
        return;
    }
    ++transactions;
    batch = next_batch();
    accepted.clear();
    prdr_replies.clear();
    last_chunk.clear();
    recipients_sent = 0;
    several_domains = false;
    mail_accepted = mail_refused = all_sent = end_seen = content_wanted = chunk_refused = false;
    doing = step::mail;
    if (settings.xforward && message->forwarded) {
        forward_lines = detail::xforward_commands(*message->forwarded, report.offers.xforward);
        doing = step::xforward;
    }
}

inline bool client_engine::impl::window_open() const {
    return waiting.empty() || (pipelining() && window < settings.limits.window_octets);
}

/// Sends what may be sent now.
inline void client_engine::impl::pump() {
    while (current == phase::message) {
        switch (doing) {
            case step::xforward:
                if (forward_lines.empty()) {
                    doing = step::mail;
                    break;
                }
                if (!window_open()) return;
                send_line(forward_lines.back(), owed::xforward);
                forward_lines.pop_back();
                break;
            case step::mail: {
                if (!window_open()) return;
                std::size_t const before = out.size();
                detail::append_mail(out, reverse_path, *message, plan, report.offers, authenticated);
                expect(owed::mail, out.size() - before);
                window += out.size() - before;
                doing = step::recipients;
                break;
            }
            case step::recipients:
                if (recipients_sent == batch.size() || mail_refused) {
                    doing = step::data;
                    break;
                }
                if (!window_open()) return;
                send_recipient(batch[recipients_sent++]);
                break;
            case step::data:
                if (waiting.empty() && accepted.empty()) {
                    end_transaction(mail_accepted);
                    break;
                }
                if (message->content == nullptr) {
                    if (!waiting.empty()) return;
                    end_transaction(true);
                    break;
                }
                if (message->all_or_none) {
                    if (!waiting.empty()) return;
                    if (!all_accepted()) {
                        give_up_together();
                        break;
                    }
                }
                // The first chunk follows BDAT at once: only when somebody takes it.
                if (mail_refused || (plan.bdat ? !waiting.empty() : !window_open())) return;
                send_data();
                break;
            case step::awaiting: return;
            case step::content: return want_content();
            case step::finished:
                // Replies to chunks behind a refused one concern the transaction that ended, not the next one.
                if (chunk_refused && !waiting.empty() && message != nullptr && !to_go.empty()) return;
                if (message != nullptr && !to_go.empty()) {
                    begin_transaction();
                    break;
                }
                message_done();
                return;
        }
    }
}

inline bool client_engine::impl::all_accepted() const {
    return to_go.empty() && accepted.size() == batch.size() &&
           std::all_of(report.recipients.begin(), report.recipients.end(), [](auto const& one) { return one.state == recipient_state::untried; });
}

inline void client_engine::impl::give_up_together() {
    constexpr detail::own_finding too_many{detail::too_many_together.status, detail::too_many_together.problem};
    constexpr detail::own_finding other{detail::refused_together.status, detail::refused_together.problem};
    for (std::size_t const which : to_go) settle_own(which, recipient_state::temporary, send_stage::recipient, too_many);
    for (std::size_t const which : accepted) settle_own(which, recipient_state::temporary, send_stage::recipient, other);
    to_go.clear();
    tell_settled();
    end_transaction(mail_accepted);
}

inline void client_engine::impl::send_recipient(std::size_t which) {
    auto const& to = message->recipients[which];
    std::size_t const before = out.size();
    detail::append_rcpt(out, detail::sendable(to.address, report.offers.smtputf8, true).text, to, plan, report.offers);
    expect(owed::recipient, out.size() - before, which);
    window += out.size() - before;
}

inline void client_engine::impl::send_data() {
    if (plan.bdat) return begin_content();
    send_line("DATA", owed::data);
    doing = step::awaiting;
}

// --- replies -------------------------------------------------------------------------------------------------------------

inline void client_engine::impl::on_mail(received_reply const& reply) {
    mail_answered = true;
    mail_accepted = reply.positive();
    mail_refused = !mail_accepted;
    if (mail_accepted) {
        ++transactions_begun;
        return;
    }
    auto const state = detail::state_of(reply);
    settle_batch(state, send_stage::mail, reply);
    for (std::size_t const which : to_go) settle(which, state, send_stage::mail, reply);
    to_go.clear();
    tell_settled();
}

/// Some hosts take recipients of one domain in a transaction, and have no reply of its own for the others (Google: 451 4.3.0).
inline bool client_engine::impl::is_refused_beside_others(std::size_t which, received_reply const& reply) const {
    if (reply.code / 100 != 4 || message->all_or_none || accepted.empty() || several_domains) return false;
    return domain_of(which) != domain_of(accepted.front());
}

inline void client_engine::impl::note_accepted(std::size_t which) {
    if (!accepted.empty() && !several_domains && domain_of(which) != domain_of(accepted.front())) {
        several_domains = true;  // whoever was refused beside them had another reason
        put_apart.clear();
    }
    if (put_apart.contains(which)) one_domain = true;
    accepted.push_back(which);
}

inline void client_engine::impl::on_recipient(std::size_t which, received_reply const& reply) {
    if (mail_refused) return;
    if (reply.positive()) {
        note_accepted(which);
        if (message->content == nullptr) settle(which, recipient_state::accepted, send_stage::recipient, reply);
    } else if (detail::too_many_recipients(reply) && !accepted.empty()) {
        to_go.push_back(which);
    } else if (is_refused_beside_others(which, reply)) {
        to_go.push_back(which);
        put_apart.insert(which);
    } else {
        bool const old_too_many = reply.code == 552 && detail::too_many_recipients(reply);
        settle(which, old_too_many ? recipient_state::temporary : detail::state_of(reply), send_stage::recipient, reply);
    }
    // Told in groups: when the next reply is of another kind.
    if (waiting.empty() || waiting.front().what != owed::recipient) tell_settled();
}

inline void client_engine::impl::on_data(received_reply const& reply) {
    if (reply.intermediate()) {
        if (!accepted.empty()) return begin_content();
        if (lmtp()) {
            // The dot would get as many replies as there are recipients: none. Closing is the only way out of DATA.
            end_transaction(false);
            return end();
        }
        out += ".\r\n";  // RFC 2920 §3.1
        expect(owed::nobody);
        return end_transaction(true);
    }
    if (reply.positive()) return fail_hop(hop_problem::garbled_reply, send_stage::data, reply, "DATA was answered as if it were done");
    settle_accepted(reply, send_stage::data);
    end_transaction(mail_accepted);
}

inline void client_engine::impl::on_final(received_reply const& reply) {
    received_reply counts = reply;
    bool const early = !all_sent;
    if (early && reply.positive()) counts.code = 0;  // for a message that it has not seen to its end
    settle_accepted(counts, early ? send_stage::content : send_stage::final_reply);
    end_transaction(false);
}

inline void client_engine::impl::on_prdr_final(received_reply const& reply) {
    if (reply.code != 353) return on_final(reply);
    for (std::size_t const which : accepted) expect(owed::recipient_final, 0, which);
    expect(owed::overall);
}

inline void client_engine::impl::on_recipient_final(std::size_t which, received_reply const& reply) {
    if (!all_sent) return on_final(reply);
    if (!lmtp()) {
        prdr_replies.push_back(reply);
        return;
    }
    settle(which, detail::state_of(reply), send_stage::final_reply, reply);
    bool const more = !waiting.empty() && waiting.front().what == owed::recipient_final;
    if (more) return tell_settled();
    end_transaction(false);
}

inline void client_engine::impl::on_overall(received_reply const& reply) {
    for (std::size_t i = 0; i < accepted.size(); ++i) {
        bool const undone = prdr_replies[i].positive() && !reply.positive();
        received_reply const& counts = undone ? reply : prdr_replies[i];
        settle(accepted[i], detail::state_of(counts), send_stage::final_reply, counts);
    }
    end_transaction(false);
}

inline void client_engine::impl::on_chunk(received_reply const& reply) {
    if (chunk_refused) return;
    if (!reply.positive()) {
        chunk_refused = true;
        settle_accepted(reply, send_stage::content);
        return end_transaction(true);
    }
    if (!last_chunk.empty() && waiting.empty()) take_chunk(std::exchange(last_chunk, {}));
}

}  // namespace mailquay::inline MAILQUAY_ABI
