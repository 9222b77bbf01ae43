#pragma once

#include <mailquay/client/client_engine.hpp>

#include <mailquay/client/impl/client_commands.ipp>
#include <mailquay/protocol/bare_line_end_finder.hpp>
#include <mailquay/protocol/data_encoder.hpp>

#include <deque>
#include <set>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// A reply that the server owes.
enum class owed : std::uint8_t {
    greeting, ehlo, helo, starttls, auth, xclient, xforward,
    mail, recipient, data, chunk,
    prdr_final,         // 353 or a plain reply
    final,              // for all accepted ones
    recipient_final,    // LMTP, PRDR: for one
    overall,            // PRDR: for all
    nobody,             // to the dot that ended a message for no recipient
    rset, noop, quit,
};

struct owed_reply {
    owed what{};
    std::size_t recipient = 0;  // its place in the message
    std::size_t octets = 0;     // of the command
};

}  // namespace detail

struct client_engine::impl {
    using owed = detail::owed;

    enum class phase : std::uint8_t { opening, handshake, idle, message, quitting, ended };
    /// Where a transaction is: what goes out next.
    enum class step : std::uint8_t { xforward, mail, recipients, data, awaiting, content, finished };

    impl(hop_settings const& with, client_engine_config config_given, time_point at);

    // --- the connection (engine_session.ipp)
    void on_reply(received_reply reply);
    void on_greeting(received_reply const& reply);
    void on_ehlo(received_reply const& reply);
    void on_starttls(received_reply const& reply);
    void on_auth(received_reply const& reply);
    void on_xclient(received_reply const& reply);
    void say_hello();
    void after_hello();
    void begin_auth();
    void become_idle();
    bool is_own_name(std::string_view text) const;
    sasl_channel channel() const;

    // --- one message (engine_transaction.ipp)
    void begin(outgoing_message const& message, std::vector<std::size_t> which);
    bool plan_message();
    void fail_all(detail::own_finding why);
    std::vector<std::size_t> next_batch();
    void begin_transaction();
    void pump();
    bool window_open() const;
    void send_recipient(std::size_t which);
    std::string domain_of(std::size_t which) const;
    bool is_refused_beside_others(std::size_t which, received_reply const& reply) const;
    void note_accepted(std::size_t which);
    bool all_accepted() const;
    void give_up_together();
    void send_data();
    void on_mail(received_reply const& reply);
    void on_recipient(std::size_t which, received_reply const& reply);
    void on_data(received_reply const& reply);
    void on_chunk(received_reply const& reply);
    void on_final(received_reply const& reply);
    void on_prdr_final(received_reply const& reply);
    void on_recipient_final(std::size_t which, received_reply const& reply);
    void on_overall(received_reply const& reply);
    void begin_content();
    void want_content();
    void take_content(std::string_view octets);
    void take_chunk(std::string_view octets);
    void expect_finals();
    void finish_content();
    void refuse_content(detail::own_finding why);
    void end_transaction(bool reset);
    void message_done();

    // --- outcomes
    recipient_result& result_of(std::size_t which) { return report.recipients[which]; }
    bool unsettled(std::size_t which) const { return report.recipients[which].state == recipient_state::untried; }
    void settle(std::size_t which, recipient_state state, send_stage stage, received_reply const& reply);
    void settle_own(std::size_t which, recipient_state state, send_stage stage, detail::own_finding why);
    void settle_accepted(received_reply const& reply, send_stage stage);
    void settle_batch(recipient_state state, send_stage stage, received_reply const& reply);
    void tell_settled();
    void fail_hop(hop_problem what, send_stage stage, received_reply reply, std::string text);
    void end();
    send_stage stage_now() const;

    // --- wire and time
    void send_line(std::string_view line, owed what, std::size_t recipient = 0);
    void expect(owed what, std::size_t octets = 0, std::size_t recipient = 0) { waiting.push_back({what, recipient, octets}); }
    std::chrono::milliseconds patience() const;
    /// Opening a connection and each message have a time in all, whatever the server says meanwhile.
    void begin_attempt() { attempt_end = now + settings.timeouts.attempt; }
    /// Something went on: waiting begins anew. The time is what the next `time_is()` says.
    void rearm() noexcept { moved = true; }
    std::optional<time_point> next_deadline() const;
    bool pipelining() const { return settings.pipelining && report.offers.pipelining; }
    bool lmtp() const { return settings.protocol == dialect::lmtp; }
    std::string_view unsent() const { return std::string_view{out}.substr(out_sent); }

    hop_settings const& settings;
    client_engine_config config;
    reply_parser parser;
    std::string out{};
    std::size_t out_sent = 0;
    std::deque<client_event> events{};
    std::deque<detail::owed_reply> waiting{};
    std::size_t window = 0;  // octets of commands in `waiting`
    send_report report{};
    time_point now;
    std::optional<time_point> deadline{};
    std::optional<time_point> attempt_end{};
    bool moved = true;
    phase current = phase::opening;
    bool helo_tried = false;
    bool xclient_done = false;
    bool authenticated = false;
    std::unique_ptr<client_exchange> exchange{};
    unsigned challenges = 0;
    std::uint64_t transactions_begun = 0;  // MAIL accepted on this connection; what MAILMAX counts

    bool one_domain = false;               // in each transaction, on this connection

    outgoing_message const* message = nullptr;
    detail::transaction_plan plan{};
    std::deque<std::size_t> to_go{};          // recipients of further transactions
    std::vector<std::size_t> batch{};         // of this transaction
    std::vector<std::size_t> accepted{};      // of the batch, in order
    std::set<std::size_t> put_apart{};        // of the message: refused beside another domain
    bool several_domains = false;             // of this transaction: it was taken for more than one
    std::vector<std::size_t> newly_settled{};
    std::size_t recipients_sent = 0;
    step doing = step::finished;
    unsigned transactions = 0;                // of this message
    bool mail_answered = false;               // of this message
    bool mail_accepted = false;               // of this transaction
    bool mail_refused = false;
    bool all_sent = false;                    // the content's last octet is in `out`, or was
    bool end_seen = false;                    // and the host has seen it: it may be on the wire
    bool content_wanted = false;
    bool chunk_refused = false;
    std::uint64_t content_at = 0;
    std::string reverse_path{};               // as it is sent
    std::vector<std::string> forward_lines{}; // XFORWARD commands still to be sent, in any order
    std::string last_chunk{};                 // waits until all before it are answered
    std::vector<received_reply> prdr_replies{};
    data_encoder encoder{};
    bare_line_end_finder bare_finder{};
};

}  // namespace mailquay::inline MAILQUAY_ABI
