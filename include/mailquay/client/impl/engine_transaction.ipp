#pragma once

#include <mailquay/client/impl/engine_state.ipp>

#include <algorithm>
#include <set>
#include <utility>

// One message: as many transactions as it takes, and what becomes of each recipient.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Content is asked for while less than this waits to be written.
inline constexpr std::size_t output_is_low = 64 * 1024;
/// BDAT chunks that are sent without an answer.
inline constexpr std::size_t most_chunks_in_flight = 8;

/// RFC 5321 §4.5.3.1.10: too many recipients for one transaction. 552 once meant that as well; a full mailbox (5.2.2) is another
/// matter.
inline bool too_many_recipients(received_reply const& reply) {
    if (reply.code == 452) return reply.enhanced.empty() || reply.enhanced == "4.5.3";
    return reply.code == 552 && (reply.enhanced.empty() || reply.enhanced == "5.5.3");
}

inline recipient_state state_of(received_reply const& reply) {
    return reply.positive() ? recipient_state::delivered : reply.permanent() ? recipient_state::permanent : recipient_state::temporary;
}

/// What content may take at a rate, in addition to the time of the whole.
inline std::chrono::seconds time_for(std::uint64_t octets, std::size_t octets_per_second) {
    constexpr std::uint64_t most = 1'000'000;  // seconds; keeps sums far from any overflow
    return std::chrono::seconds{std::min(octets / std::max<std::size_t>(octets_per_second, 1), most)};
}

/// The domain that RCPTDOMAINMAX counts by.
inline std::string domain_of(std::string_view address) {
    auto const at = address.rfind('@');
    return at == address.npos ? std::string{} : to_lower_copy(address.substr(at + 1));
}

}  // namespace detail

// --- the plan ------------------------------------------------------------------------------------------------------------

inline void client_engine::impl::begin(outgoing_message const& given, std::vector<std::size_t> which) {
    message = &given;
    current = phase::message;
    begin_attempt();
    report.recipients.assign(given.recipients.size(), {});
    report.problem = hop_problem::none;
    report.advice = hop_advice::done;
    report.reply = {};
    report.text.clear();
    transactions = 0;
    mail_answered = false;
    to_go.assign(which.begin(), which.end());
    if (which.empty())
        for (std::size_t i = 0; i < given.recipients.size(); ++i) to_go.push_back(i);
    batch.clear();
    accepted.clear();
    todo = step::finished;
    all_sent = end_seen = false;
    if (plan_message()) {
        begin_transaction();
    } else {
        to_go.clear();
        tell_settled();
    }
    pump();
}

/// Decides what of the extensions is used; what cannot be kept is settled here (rules for a hop that lacks an extension).
inline bool client_engine::impl::plan_message() {
    auto const& offers = report.offers;
    auto const& asks = message->requests;
    auto const fails = [this](detail::own_finding why) {
        fail_all(why);
        return false;
    };
    plan = {};
    plan.prdr = settings.prdr && offers.prdr && !lmtp();
    if (offers.max_size && message->content && message->content->size() > *offers.max_size)
        return fails({"5.3.4", "the message is larger than the next hop takes"});
    if (asks.requiretls) {
        bool const verified = report.tls && report.server.verified && settings.verify != tls_verification::none && settings.name_is_secure;
        report.advice = hop_advice::try_another;
        if (!verified) return fails({"5.7.30", "REQUIRETLS: the next hop is not verified as it demands"});
        if (!offers.requiretls) return fails({"5.7.30", "REQUIRETLS: the next hop does not support it"});
        report.advice = hop_advice::done;
    }
    if (asks.by && asks.by->mode == by_mode::return_to_sender && !offers.deliver_by)
        return fails({"5.4.7", "the next hop does not deliver by a time, which was asked for"});

    auto const& facts = message->facts;
    bool const binary_possible = offers.binarymime && offers.chunking && settings.chunking != chunking_use::off;
    bool const plain_lines = facts && !facts->bare_line_ends && !facts->nul;
    bool const needs_binary = message->body == body_type::binary_mime ? !plain_lines || binary_possible : facts && facts->bare_line_ends;
    bool eight_bit = message->body != body_type::seven_bit;
    if (needs_binary) {
        if (!binary_possible) return fails({"5.6.3", "the next hop lacks BINARYMIME, which the content needs"});
        plan.body = body_type::binary_mime;
        plan.says_body = true;
    } else if (eight_bit) {
        if (offers.eight_bit_mime) {
            plan.body = body_type::eight_bit_mime;
            plan.says_body = true;
        } else if (facts && !facts->eight_bit) {
            eight_bit = false;
        } else if (settings.eight_bit == eight_bit_use::fail) {
            return fails({"5.6.3", "the next hop lacks 8BITMIME, which the content needs"});
        }
    }
    plan.bdat = plan.body == body_type::binary_mime || (settings.chunking == chunking_use::where_offered && offers.chunking);

    auto from = detail::sendable(message->reverse_path, offers.smtputf8, false);
    if (!from.refused.status.empty()) return fails(from.refused);
    bool utf8 = message->smtputf8 && (!facts || facts->utf8_header);
    if (utf8 && facts && !offers.smtputf8) return fails({"5.6.9", "the next hop lacks SMTPUTF8, which the header needs"});
    utf8 = utf8 || detail::is_utf8_address(from.text);
    reverse_path = std::move(from.text);
    for (std::size_t const which : to_go) {
        auto const& to = message->recipients[which];
        auto const path = detail::sendable(to.address, offers.smtputf8, true);
        bool const refuses_rrvs = to.requests.valid_since && to.requests.valid_since->action == rrvs_action::refuse && !offers.rrvs;
        if (!path.refused.status.empty()) {
            settle_own(which, recipient_state::permanent, send_stage::recipient, path.refused);
        } else if (refuses_rrvs) {
            settle_own(which, recipient_state::permanent, send_stage::recipient, {"5.7.19", "the next hop lacks RRVS, which was demanded"});
        }
        utf8 = utf8 || detail::is_utf8_address(path.text);
    }
    std::erase_if(to_go, [this](std::size_t which) { return !unsettled(which); });
    plan.smtputf8 = utf8 && offers.smtputf8;
    tell_settled();
    return !to_go.empty();
}

inline std::vector<std::size_t> client_engine::impl::next_batch() {
    auto const& offers = report.offers;
    std::size_t most = std::max<std::size_t>(settings.limits.recipients, 1);
    if (offers.most_recipients) most = std::min<std::size_t>(most, *offers.most_recipients);
    std::vector<std::size_t> taken;
    std::deque<std::size_t> left;
    std::set<std::string> domains;
    for (std::size_t const which : to_go) {
        bool fits = taken.size() < most;
        if (fits && offers.most_domains) {
            std::string domain = detail::domain_of(message->recipients[which].address);
            fits = domains.contains(domain) || domains.size() < *offers.most_domains;
            if (fits) domains.insert(std::move(domain));
        }
        if (fits) {
            taken.push_back(which);
        } else {
            left.push_back(which);
        }
    }
    to_go = std::move(left);
    return taken;
}

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
    mail_accepted = mail_refused = all_sent = end_seen = content_wanted = chunk_refused = false;
    todo = step::mail;
    if (settings.xforward && message->forwarded) {
        forward_lines = detail::xforward_commands(*message->forwarded, report.offers.xforward);
        todo = step::xforward;
    }
}

inline bool client_engine::impl::window_open() const {
    return waiting.empty() || (pipelining() && window < settings.limits.window_octets);
}

/// Sends what may be sent now.
inline void client_engine::impl::pump() {
    while (current == phase::message) {
        switch (todo) {
            case step::xforward:
                if (forward_lines.empty()) {
                    todo = step::mail;
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
                todo = step::recipients;
                break;
            }
            case step::recipients:
                if (recipients_sent == batch.size() || mail_refused) {
                    todo = step::data;
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
    todo = step::awaiting;
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

inline void client_engine::impl::on_recipient(std::size_t which, received_reply const& reply) {
    if (mail_refused) return;
    if (reply.positive()) {
        accepted.push_back(which);
        if (message->content == nullptr) settle(which, recipient_state::accepted, send_stage::recipient, reply);
    } else if (detail::too_many_recipients(reply) && !accepted.empty()) {
        to_go.push_back(which);
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

// --- content -------------------------------------------------------------------------------------------------------------

inline void client_engine::impl::expect_finals() {
    if (lmtp()) {
        for (std::size_t const which : accepted) expect(owed::recipient_final, 0, which);
    } else {
        expect(plan.prdr && accepted.size() > 1 ? owed::prdr_final : owed::final);
    }
}

inline void client_engine::impl::begin_content() {
    todo = step::content;
    content_at = 0;
    if (attempt_end) *attempt_end += detail::time_for(message->content->size(), settings.limits.least_rate);
    encoder = {};
    bare_finder = {};
    if (!plan.bdat) expect_finals();
    if (message->content->size() == 0) take_content({});
}

inline void client_engine::impl::want_content() {
    if (content_wanted || all_sent || !last_chunk.empty() || unsent().size() >= detail::output_is_low) return;
    if (plan.bdat && waiting.size() >= detail::most_chunks_in_flight) return;
    content_wanted = true;
    events.emplace_back(client_wants_content{content_at});
}

inline void client_engine::impl::take_content(std::string_view octets) {
    content_wanted = false;
    std::uint64_t const size = message->content->size();
    if (octets.size() > size - content_at) octets = octets.substr(0, static_cast<std::size_t>(size - content_at));
    content_at += octets.size();
    bool const at_end = content_at == size;
    constexpr detail::own_finding bare{"5.6.3", "the content has a bare CR or LF, which the next hop cannot take"};
    if (plan.bdat) {
        bool const wrong = plan.body != body_type::binary_mime && (bare_finder.feed(octets) || (at_end && bare_finder.ended()));
        if (wrong) return refuse_content(bare);
        if (!at_end || waiting.empty()) return take_chunk(octets);
        last_chunk = octets;  // LAST is answered for each recipient, but only if all before it went well
        return;
    }
    bool well = encoder.encode(out, octets);
    if (well && at_end) well = encoder.finish(out);
    if (!well) return refuse_content(bare);
    all_sent = at_end;
}

inline void client_engine::impl::take_chunk(std::string_view octets) {
    bool const last = content_at == message->content->size();
    out += "BDAT ";
    append_decimal(out, octets.size());
    out += last ? " LAST\r\n" : "\r\n";
    out += octets;
    all_sent = last;
    if (last) return expect_finals();
    expect(owed::chunk);
}

/// What was begun must not be finished.
inline void client_engine::impl::refuse_content(detail::own_finding why) {
    fail_all(why);
    to_go.clear();
    if (plan.bdat) {
        chunk_refused = true;
        return end_transaction(true);
    }
    end_transaction(false);
}

inline void client_engine::impl::end_transaction(bool reset) {
    bool const cut_short = todo == step::content && !plan.bdat && !all_sent;
    tell_settled();
    todo = step::finished;
    if (cut_short) {
        // In the midst of DATA there is no way back but closing.
        out.clear();
        out_sent = 0;
        return end();
    }
    if (reset) send_line("RSET", owed::rset);
}

inline void client_engine::impl::message_done() {
    if (message != nullptr) {
        message = nullptr;
        events.emplace_back(client_sent{});
    }
    if (waiting.empty()) become_idle();
}

// --- outcomes ------------------------------------------------------------------------------------------------------------

inline void client_engine::impl::settle(std::size_t which, recipient_state state, send_stage stage, received_reply const& reply) {
    recipient_result& of = result_of(which);
    if (of.state != recipient_state::untried) return;
    of.state = state;
    of.stage = stage;
    of.reply = reply;
    of.status = reply.enhanced;
    bool const well = state == recipient_state::delivered || state == recipient_state::accepted;
    char const wanted = well ? '2' : state == recipient_state::permanent ? '5' : '4';
    if (of.status.empty() || of.status.front() != wanted) of.status = std::string{wanted} + (reply.code == 0 ? ".5.0" : ".0.0");
    if (reply.code == 0) of.problem = "a reply that is none";
    of.dsn_passed_on = report.offers.dsn && state == recipient_state::delivered;
    of.deliver_by_passed_on = report.offers.deliver_by && message->requests.by && state == recipient_state::delivered;
    newly_settled.push_back(which);
}

inline void client_engine::impl::settle_own(std::size_t which, recipient_state state, send_stage stage, detail::own_finding why) {
    recipient_result& of = result_of(which);
    if (of.state != recipient_state::untried) return;
    of.state = state;
    of.stage = stage;
    of.status = why.status;
    of.problem = why.problem;
    newly_settled.push_back(which);
}

inline void client_engine::impl::settle_accepted(received_reply const& reply, send_stage stage) {
    auto const state = detail::state_of(reply);
    for (std::size_t const which : accepted) settle(which, state, stage, reply);
}

inline void client_engine::impl::settle_batch(recipient_state state, send_stage stage, received_reply const& reply) {
    if (message == nullptr) return;
    for (std::size_t const which : batch)
        if (std::find(to_go.begin(), to_go.end(), which) == to_go.end()) settle(which, state, stage, reply);
}

inline void client_engine::impl::fail_all(detail::own_finding why) {
    for (std::size_t const which : batch) settle_own(which, recipient_state::permanent, stage_now(), why);
    for (std::size_t const which : to_go) settle_own(which, recipient_state::permanent, stage_now(), why);
}

inline void client_engine::impl::tell_settled() {
    if (newly_settled.empty()) return;
    client_settled told;
    told.recipients = std::exchange(newly_settled, {});
    events.emplace_back(std::move(told));
}

}  // namespace mailquay::inline MAILQUAY_ABI
