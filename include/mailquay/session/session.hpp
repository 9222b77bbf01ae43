#pragma once

#include <mailquay/base/compact_text.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/bdat_command.hpp>
#include <mailquay/protocol/path.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/protocol/verb.hpp>
#include <mailquay/session/event.hpp>
#include <mailquay/session/session_config.hpp>
#include <mailquay/session/session_memory.hpp>
#include <mailquay/session/transitions.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// How a command line begins, as far as that decides what may lie behind it.
enum class line_head : std::uint8_t { plain, data, bdat, http, auth, unclear };
}  // namespace detail

/// One SMTP or LMTP conversation, seen from the server (RFC 5321, RFC 2033). It owns no socket, no clock and no thread:
/// octets and answers go in, events and octets come out.
///
/// The host's loop:
/// @code
/// session talk{config, std::move(info), memory};
/// for (;;) {
///     talk.time_is(now);
///     while (auto what = talk.next_event()) handle(*what);   // answers with talk.answer(ticket, ...); later: clock_is() first
///     write_out(talk.output());  talk.output_sent(n);
///     if (talk.ended()) break;
///     if (talk.wants_input()) talk.feed(read_some());
/// }
/// @endcode
///
/// Lifetimes: `config`, `memory` outlive the session. Octets given to `feed()` are lent: they are parsed and un-stuffed in
/// place, and must stay until `next_event()` returned nothing while no event is open, or until `keep_rest()`.
///
/// Thread safety: distinct objects: safe (with a `session_memory` of their own). Shared objects: unsafe.
class MAILQUAY_API session {
public:
    using time_point = std::chrono::steady_clock::time_point;

    session(session_config const& config, session_info&& peer, session_memory& memory);
    session(session const&) = delete;
    session& operator=(session const&) = delete;
    ~session();

    /// Whether octets can be taken: false while an answer is owed, output is above its bound, or the end has come.
    bool wants_input() const noexcept {
        bool const reads = phase_ == phase::greeting || phase_ == phase::command || phase_ == phase::message;
        if (!reads || eof_ || open_ != 0 || delayed_ || cur_ != end_ || lent_ != lent_end_) return false;
        if (tells(tell_withdrawn | tell_aborted | tell_reset | tell_auth)) return false;
        return output().size() <= config_->limits.output_octets;
    }
    /// Lends octets. Precondition: `wants_input()`, and what was fed before has been consumed or kept.
    void feed(std::span<char> octets);
    /// The lender takes its buffer back: what is unconsumed moves into the session. Not while an event that views the
    /// buffer (`views_buffer()`) is open.
    void keep_rest();
    /// True while an open event views the lent buffer, so that the buffer itself must stay.
    bool views_buffer() const noexcept;
    /// Octets of the lent buffer that are not consumed yet.
    std::size_t unconsumed() const noexcept;
    /// The peer sends no more. What is still unconsumed is worked off first.
    void input_closed();
    /// The peer is gone (reset): no reply can reach it.
    void connection_lost();
    /// The host cannot go on with this session: it ends as if the peer were gone, and says so.
    void fail();

    /// DATA was just refused, or is not to be talked ahead of, and nothing that was fed lies behind it. What the host has not
    /// read yet counts as well: before it writes, it says whether octets wait. Until then `feed()` means that none did.
    bool asks_what_follows() const noexcept { return asks_follow_; }
    /// Octets that wait may be the message of a client that did not wait: they are not read as commands, the session ends.
    void octets_follow(bool they_do);

    /// What the host must do or may know next; nothing when octets, an answer or time must come first.
    std::optional<event> next_event();
    /// @{ Answers the event that bore the ticket. A withdrawn ticket is ignored; answering twice is an assertion.
    void answer(ticket to, verdict const& given);
    void answer_yes(ticket to);  ///< `accept()` and no more
    void answer(ticket to, delivery&& given);
    void answer(ticket to, reply given);
    void answer(ticket to, auth_step given);
    /// @}

    /// Octets owed to the peer. Valid until the next call of a member that is not const.
    std::string_view output() const noexcept {
        return out_ ? out_->behind(sent_) : std::string_view{};
    }
    void output_sent(std::size_t octets);

    /// The host does not read now for reasons of its own (no buffer is free): the peer's deadlines stand still until octets
    /// are fed again.
    void input_paused() noexcept { paused_ = true; }

    /// Tells the steady time: before `feed()` and at each tick. Runs what is due. Must not go backwards.
    void time_is(time_point now);
    /// Tells the time and runs nothing: before an `answer()` that came later, and before `stop()` and `stop_now()`. What follows
    /// is counted from here, and an answer that is there is not overdue.
    void clock_is(time_point now) noexcept {
        if (now_ != time_point{} && now > now_) now_ = now;
    }
    /// When `time_is()` is next worth calling; coarse: up to one tick (1 s) late is harmless.
    std::optional<time_point> wake_at() const noexcept;

    /// Whether the server is nearly full: then a peer that is idle between transactions, or says no EHLO, is waited for no longer
    /// than `session_timeouts::command_hurried`, `hello_hurried` and `handshake_hurried`. Told by the host at each tick.
    void hurry(bool nearly_full) noexcept { hurried_ = nearly_full; }

    /// @{ How the handshake went that `handshake_due` asked for. Precondition: `securing()`, and `output()` is empty.
    /// After STARTTLS the session stands where it stood after connecting, without a new greeting: what the client said is
    /// forgotten (RFC 3207 §4.2); its address, the verdicts on it and its mistakes are not.
    void tls_established(tls_info facts);
    void tls_failed();
    /// @}
    /// From the 220 to STARTTLS, or from the start where TLS comes first, until the handshake is over. No octet of
    /// plain text is taken or made meanwhile.
    bool securing() const noexcept { return phase_ == phase::securing; }

    /// The server stops: 421 4.3.2 at the next command boundary; a transaction under way goes on.
    void stop();
    /// The server stops now: 421 4.3.2 unless in the middle of a reply, `withdrawn`, `message_aborted`, `closed`.
    void stop_now();

    /// No command is taken any more; what is owed is still written.
    bool closing() const noexcept { return phase_ == phase::closing; }
    /// `closed` was taken and `output()` is empty: half-close, linger, close.
    bool ended() const noexcept;
    /// No transaction, no open question, nothing unconsumed, nothing borrowed.
    bool idle() const noexcept;
    /// Inside a message: from 354, or the first BDAT, to the reply to its end.
    bool receiving() const noexcept { return phase_ == phase::message || state_ == session_state::chunks_given; }

    /// Nothing is due but octets: no event, no output, no step of a message. Then there is no need to ask before `feed()`.
    bool at_rest() const noexcept {
        if (!wants_input() || !output().empty() || asks_follow_) return false;
        return phase_ != phase::message || message_waits();
    }
    /// `next_event()` has nothing to give, and nothing to let go of, before octets or time come. Cheap; false where it takes more to
    /// know.
    bool quiet() const noexcept {
        if (cur_ != end_ || lent_ != lent_end_ || tells_ != 0 || open_ != 0 || untidy_ || in_hold_ || eof_ || delayed_) return false;
        return phase_ == phase::command || (phase_ == phase::message && message_waits());
    }
    /// The message under way comes by BDAT.
    bool receiving_chunks() const noexcept { return work_ && work_->message.chunked; }
    /// The last octet of the message under way has come, and nothing refuses it so far.
    bool message_came_whole() const noexcept { return phase_ == phase::message && work_->message.ended && !work_->message.refused; }
    /// The reply to a message that was decided has to wait (`verdict::after()`).
    bool delivery_waits() const noexcept;

    session_info& info() noexcept { return info_; }
    session_info const& info() const noexcept { return info_; }
    session_config const& config() const noexcept { return *config_; }
    /// The verb of the command that is or was answered last, also a host's own; `unknown` for what is no command.
    std::string_view verb_name() const noexcept;
    /// The client of an open `peer_changed`; null outside one.
    session_info const* changed_peer() const noexcept { return changed_.get(); }
    /// What went on, for the log line at the end.
    struct counts {
        std::uint32_t commands = 0;
        std::uint32_t mails = 0;                ///< MAIL commands accepted
        std::uint32_t messages = 0;             ///< accepted
        std::uint32_t recipients = 0;           ///< accepted
        std::uint16_t syntax_errors = 0;
        std::uint16_t sequence_errors = 0;
        std::uint16_t recipients_refused = 0;
        std::uint16_t junk = 0;
        std::uint16_t auth_failures = 0;        ///< wrong credentials
    };
    counts const& totals() const noexcept { return totals_; }

private:
    enum class phase : std::uint8_t { connecting, greeting, command, message, securing, closing };
    enum class question : std::uint8_t {
        none, connected, early_talk, greeted, mail, recipient, started, headers, chunk, complete, auth, verify, expand, custom, peer, tls
    };
    static constexpr std::uint16_t most_open = 0xffff;
    enum class step : std::uint8_t { wait, go_on, event_given };
    enum class line_found : std::uint8_t { none, whole, too_long };
    using line_head = detail::line_head;
    struct delayed;  // an answer whose reply has to wait
    struct exchange;  // the AUTH exchange under way
    using trace = session_memory::trace;
    using work = session_memory::work;

    /// What happened without a question and is still to be told: bits of `tells_`.
    enum tell_bit : std::uint8_t {
        tell_withdrawn = 1, tell_aborted = 2, tell_reset = 4, tell_refused = 8, tell_auth = 16, tell_handshake = 32, tell_closed = 64
    };
    bool tells(unsigned what) const noexcept { return (tells_ & what) != 0; }
    void will_tell(tell_bit what) noexcept { tells_ = static_cast<std::uint8_t>(tells_ | what); }
    void wont_tell(tell_bit what) noexcept { tells_ = static_cast<std::uint8_t>(tells_ & ~what); }
    MAILQUAY_APART void tell(std::optional<event>& given);
    inline std::string_view name_of(verb spoken) const noexcept;

    // Where they are `inline`, one unit of translation alone has them, and the compiler may join them.

    // session_input.ipp: octets in, lines out
    MAILQUAY_INLINE inline step advance(std::optional<event>& given);
    void tidy_up();
    void drop_work() noexcept { drop_work_ = untidy_ = true; }
    void keep_asked(std::string_view text, std::string_view rest = {}) {
        forget_asked_text();
        untidy_ = true;
        asked_text_ = compact_text{text, rest};
    }
    MAILQUAY_INLINE inline step advance_command(std::optional<event>& given);
    MAILQUAY_INLINE inline verb take_plain_line(std::string_view& line) noexcept;
    void answered_at_once(std::size_t replied) noexcept;
    MAILQUAY_APART step advance_any_command(std::optional<event>& given);
    inline line_found next_line(std::string_view& line);
    MAILQUAY_APART line_found join_line(std::string_view& line);
    MAILQUAY_APART line_found skip_line() noexcept;
    MAILQUAY_APART void keep_partial_line();
    inline void append_to_hold(std::span<char> octets);
    inline bool next_region() noexcept;
    inline void drop_input() noexcept;
    MAILQUAY_APART bool run_of_recipients_goes_on() const noexcept;
    /// Before octets come, there is no next step of the message under way.
    bool message_waits() const noexcept {
        reception const& message = work_->message;
        return !(message.chunked || message.ended || message.refused || !message.held.empty());
    }
    bool unconsumed_any() const noexcept { return cur_ != end_ || lent_ != lent_end_; }

    // session_commands.ipp: a line, and what follows from it
    MAILQUAY_APART step command(std::string_view line, std::optional<event>& given);
    inline step hello(command_line const& line, std::optional<event>& given);
    MAILQUAY_INLINE inline step mail(std::string_view argument, std::optional<event>& given);
    MAILQUAY_INLINE inline step rcpt(std::string_view argument, std::optional<event>& given);
    MAILQUAY_INLINE inline step data(bool has_argument, std::optional<event>& given);
    MAILQUAY_RARE void refuse_data(bool has_argument);
    MAILQUAY_RARE void overlong_line();
    MAILQUAY_RARE void close_if_octets_follow();
    inline bool excused() noexcept;
    MAILQUAY_RARE step verify(command_line const& line, std::optional<event>& given);
    inline step ask_about(bool expands, std::string_view argument, bool smtputf8, std::optional<event>& given);
    inline void say_sender_ok(verdict const& given);
    MAILQUAY_RARE step other(command_line const& line, std::optional<event>& given);
    MAILQUAY_RARE void help();
    inline address_options path_options() const noexcept;
    template <std::size_t Size>
    MAILQUAY_INLINE inline bool keep_plain_path(std::string_view argument, char const (&keyword)[Size], address& kept);
    MAILQUAY_APART bool take_any_sender(std::string_view argument);
    MAILQUAY_APART bool take_any_recipient(std::string_view argument, recipient& to);
    MAILQUAY_APART void list_only_recipient();
    inline std::optional<reply> read_mail(std::string_view argument);
    inline std::optional<reply> read_recipient(std::string_view argument, recipient& to);
    MAILQUAY_RARE void refuse_recipient(reply const& why);
    inline std::size_t most_recipients() const noexcept;
    MAILQUAY_RARE std::optional<reply> read_parameters(cursor& in, address_options options, recipient* to);
    MAILQUAY_RARE reply parameter_failed(std::string_view keyword, std::string_view what) const;
    inline address kept_address(path const& given);
    inline bool junk_allowed();
    inline void drop_transaction(bool tell) noexcept;

    // session_bdat.ipp: a message in chunks
    inline step bdat(std::string_view line, parsed<command_line> const& found, std::optional<event>& given);
    inline bool chunking() const noexcept;
    inline void judge_chunk(bdat_command const& chunk, reply_text const* mistake);
    MAILQUAY_RARE void drop_chunk();
    inline void bound_rest_of_chunk();
    inline void begin_chunks(verdict const& given);
    inline step advance_chunk(std::optional<event>& given);
    inline step chunk_over(std::optional<event>& given);

    // session_limits.ipp, session_prdr.ipp
    inline bool domain_fits(std::string_view domain);
    inline void say_for_each(delivery const& given);

    // session_peer.ipp: who the client is
    inline step xclient(command_line const& line, std::optional<event>& given);
    inline step xforward(command_line const& line);
    MAILQUAY_RARE std::optional<reply> not_for_this_peer(std::string_view keyword);
    inline void settle_peer(verdict const& given);

    // session_auth.ipp: AUTH and what must be forgotten of it
    inline step auth(command_line const& line, std::optional<event>& given);
    inline step advance_exchange(std::optional<event>& given);
    inline step response(std::string_view line, std::optional<event>& given);
    inline bool decode_response(std::string_view text);
    inline void settle_exchange(auth_step const& given);
    inline void challenge(std::string_view octets);
    MAILQUAY_RARE void refuse_exchange(auth_failure const& why);
    inline void end_exchange(auth_outcome how, std::size_t replied) noexcept;
    auth_outcome unsaid_outcome() noexcept;
    inline bool responding() const noexcept;
    inline std::size_t line_limit(std::string_view begin, std::string_view rest = {}) const noexcept;
    inline bool secret_line(std::string_view begin) const noexcept;
    void forget_asked_text() noexcept;

    // session_tls.ipp
    inline bool lacks_tls(command_line const& line) const noexcept;
    inline step starttls(command_line const& line, std::optional<event>& given);
    inline void begin_securing();

    // session_message.ipp: the message under way
    inline void begin_message();
    inline void write_received();
    MAILQUAY_INLINE inline step advance_message(std::optional<event>& given);
    inline step take_octets(std::span<char> octets, bool ours, std::optional<event>& given);
    inline step offer_chunk(std::span<char const> octets, bool ours, std::optional<event>& given);
    inline step end_message(std::optional<event>& given);
    MAILQUAY_INLINE inline void check_limits(std::string_view octets);
    inline void check_header(std::string_view octets);
    MAILQUAY_RARE void check_text(std::string_view octets);
    MAILQUAY_RARE void refuse_message(verdict why);
    MAILQUAY_RARE void refuse_message(reply_text const& why);
    MAILQUAY_RARE void hook_refused_message(verdict why);
    MAILQUAY_RARE void say_refusal();
    MAILQUAY_APART void settle_delivery(delivery const& given);
    inline void say_outcome(verdict const& outcome);
    MAILQUAY_INLINE inline void say_queued();
    inline void message_over(bool accepted);

    // session_answers.ipp: what the host said
    MAILQUAY_INLINE inline ticket ask(question what) noexcept;
    inline void question_over() noexcept;
    inline bool take_plain_yes();
    bool is_only_question(ticket asked) const noexcept { return open_ == 1 && static_cast<std::uint32_t>(asked) == next_ticket_ - 1; }
    MAILQUAY_APART void answer_any(ticket to, verdict const& given);
    MAILQUAY_APART void answer_in_run(std::uint32_t number, verdict const& given);
    inline void sender_accepted();
    inline recipient& recipient_accepted() noexcept;
    MAILQUAY_APART void settle(question what, verdict const& given);
    MAILQUAY_RARE void settle_recipients();
    inline void end_run();
    inline bool settle_only_recipient(verdict const& given);
    inline void settle_one_recipient(verdict const& given);
    MAILQUAY_RARE void refuse_connection(verdict const& given, reply_text const& usual);
    inline void keep_resolution(recipient& to, verdict const& given);
    inline bool wait_first(question what, std::chrono::milliseconds delay);

    // session_replies.ipp: octets out, and counting mistakes
    inline reply_buffer& out();
    inline void say(reply_text const& text);
    MAILQUAY_APART void say_with_room(reply_text const& text);
    MAILQUAY_RARE void say(reply const& text);
    MAILQUAY_RARE void say(int code, std::string_view enhanced, std::string_view text, bool allow_utf8 = false);
    inline void say(verdict const& given, reply_text const& usual);
    MAILQUAY_RARE void sign(std::size_t from);
    inline bool recipients_budget_spent() noexcept;
    MAILQUAY_RARE void syntax_error(reply const& text);
    MAILQUAY_RARE void out_of_sequence();
    MAILQUAY_RARE void note_refusal(std::size_t from, verb of, bool of_message = false) noexcept;
    std::size_t output_end() const noexcept { return out_ ? out_->size() : 0; }
    /// A command was answered: the place where a stopping server says goodbye.
    void command_boundary() {
        if (stopping_) stop_between_commands();
    }
    MAILQUAY_RARE void stop_between_commands();
    MAILQUAY_RARE void close(close_reason why) noexcept;
    MAILQUAY_RARE void close_with(reply_text const& last, close_reason why);

    // session_time.ipp
    MAILQUAY_RARE void hook_overdue();
    MAILQUAY_RARE void input_overdue();
    inline std::chrono::seconds patience() const noexcept;
    inline void measure_rate(std::chrono::milliseconds passed);
    MAILQUAY_RARE void withdraw();
    MAILQUAY_RARE void abort_message(abort_reason why) noexcept;
    MAILQUAY_RARE void end_without_reply(abort_reason of_message, close_reason why);

    session_config const* config_;
    session_memory* memory_;
    session_info info_;
    std::unique_ptr<work> work_;        // the transaction and its message; none between transactions
    std::unique_ptr<reply_buffer> out_; // replies owed; none when all was sent
    std::unique_ptr<std::string> hold_; // input kept across buffers; none when there is none
    std::unique_ptr<delayed> delayed_;
    std::unique_ptr<std::vector<ticket>> withdrawn_;  // tickets still to be told withdrawn
    compact_text asked_text_;           // what an open question views
    std::unique_ptr<session_info> changed_;       // the client that XCLIENT names, until the host says yes
    std::unique_ptr<exchange> exchange_;          // from AUTH until its end was told
    std::unique_ptr<trace> trace_;                // from the first message on
    char* cur_ = nullptr;               // what is worked off now: in the lent buffer or in hold_
    char* end_ = nullptr;
    char* lent_ = nullptr;              // the lent rest that follows when cur_ is in hold_
    char* lent_end_ = nullptr;
    time_point now_{};
    time_point since_{};                // when the present wait began
    time_point out_since_{};            // when output last moved
    time_point last_message_{};
    counts totals_{};
    std::uint32_t sent_ = 0;            // of out_
    std::uint32_t excused_ = 0;         // replies that forgiven_ has explained
    std::uint32_t refused_at_ = 0;      // where in out_ the refusal stands that is to be told
    std::uint32_t next_ticket_ = 1;     // the ticket of the next question
    std::uint32_t plaintext_dropped_ = 0;  // behind STARTTLS
    std::uint16_t open_ = 0;            // questions that wait for an answer
    std::uint16_t host_verb_ = 0;       // the number of the command under way, if it is a host's; else 0
    phase phase_ = phase::connecting;
    question asked_ = question::none;
    verb last_verb_ = verb::unknown;    // of the command under way
    verb refused_verb_ = verb::unknown;
    line_head skipped_head_{};          // how the over-long line begins
    session_state state_ = session_state::start;
    std::uint8_t tells_ = 0;
    abort_reason abort_reason_{};
    close_reason close_reason_{};
    bool in_hold_ : 1 = false;          // cur_ points into hold_
    bool skipping_ : 1 = false;         // the line under way is over-long and dropped
    bool skipped_cr_ : 1 = false;       // its last octet was CR
    bool eof_ : 1 = false;
    bool paused_ : 1 = false;           // the host does not read: the peer owes nothing meanwhile
    bool stopping_ : 1 = false;
    bool spoken_to_ : 1 = false;        // a command line that was not empty has come
    bool extended_hello_ : 1 = false;   // the greeting under way came with EHLO or LHLO
    bool forgiven_ : 1 = false;         // a refusal in this run explains what is out of order
    bool untidy_ : 1 = false;           // tidy_up() has something to do
    bool drop_work_ : 1 = false;        // the transaction ended, but a hook may still look at it
    bool run_over_ : 1 = false;         // a run of RCPT is answered, but a hook may still look at its recipients
    bool asks_follow_ : 1 = false;      // octets that the host has not read yet would not be commands
    bool refused_message_ : 1 = false;
    bool told_closed_ : 1 = false;
    bool message_told_ : 1 = false;     // message_started was given, its end was not
    bool connected_told_ : 1 = false;
    bool early_told_ : 1 = false;
    bool first_octet_seen_ : 1 = false;
    bool hurried_ : 1 = false;          // the server is nearly full
    bool asked_utf8_ : 1 = false;       // the open question may be answered in UTF-8
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/session.ipp>
#endif
