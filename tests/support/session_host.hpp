#pragma once

#include <mailquay/session/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// What a run found wrong; its text says where and what.
struct script_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void expect_that(bool holds, char const* what) {
    if (!holds) throw script_failure(what);
}
inline void expect_that(bool holds, std::string const& what) {
    if (!holds) throw script_failure(what);
}

/// Text in which every octet can be seen.
inline std::string visible(std::string_view octets) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (char const c : octets) {
        if (c == '\n') {
            text += "\\n\n    ";
        } else if (c == '\r') {
            text += "\\r";
        } else if (c >= ' ' && c <= '~') {
            text += c;
        } else {
            auto const value = static_cast<unsigned char>(c);
            text.append("\\x").append(1, digits[value >> 4]).append(1, digits[value & 15]);
        }
    }
    return text;
}

/// A message that was accepted.
struct taken_message {
    envelope mail{};
    std::string received{};
    std::string octets{};
};

/// What the host says at each stage. The defaults say yes to everything.
struct host_hooks {
    std::function<verdict(session_info&)> on_connect = [](session_info&) { return accept(); };
    std::function<verdict()> on_early_talk = [] { return reject(); };
    std::function<verdict(session_info const&)> on_peer = [](session_info const&) { return accept(); };
    std::function<verdict(std::string_view)> on_hello = [](std::string_view) { return accept(); };
    std::function<verdict(transaction const&)> on_mail = [](transaction const&) { return accept(); };
    std::function<verdict(transaction const&, recipient const&)> on_recipient = [](transaction const&, recipient const&) {
        return accept();
    };
    std::function<verdict(transaction const&)> on_started = [](transaction const&) { return accept(); };
    std::function<verdict(transaction const&, std::string_view)> on_headers = [](transaction const&, std::string_view) {
        return accept();
    };
    /// Is given all octets of the message so far, the chunk's included.
    std::function<verdict(transaction const&, std::string_view)> on_chunk = [](transaction const&, std::string_view) {
        return accept();
    };
    std::function<delivery(transaction const&, std::string_view)> on_complete = [](transaction const&, std::string_view) {
        return delivery{accept()};
    };
    std::function<verdict()> on_tls = [] { return accept(); };
    std::function<reply(std::string_view)> on_verify = [](std::string_view) { return reply{250, "2.1.5", "Known"}; };
    std::function<reply(std::string_view)> on_expand = [](std::string_view) { return reply{250, "2.1.5", "One\nTwo"}; };
    std::function<reply(std::string_view, std::string_view)> on_custom = [](std::string_view, std::string_view) {
        return reply{250, "2.0.0", "Done"};
    };
    /// What the mechanism says to a response; nothing stands for an AUTH without an initial response.
    std::function<auth_step(std::string_view, std::optional<std::string_view>)> on_auth =
        [](std::string_view, std::optional<std::string_view> response) { return response ? succeed("alice") : continue_with(""); };
};

/// How answers reach the session.
struct manner {
    unsigned rounds = 0;     ///< 0: at once; else after the pump ran dry so many times
    bool keep = false;       ///< the lent buffer is taken back meanwhile, where that is allowed
    bool backwards = false;  ///< of several open questions the youngest is answered first
};

/// What happens instead of an answer to the question of this number.
enum class interruption { none, lost, closed, stopped, silence };

/// A host in memory around one session: lends buffers, answers questions now or later, collects messages, and checks at
/// every step what a session promises. Whatever is broken is thrown as `script_failure`.
///
/// What was lent is destroyed as soon as the session need not have it, so that a view kept too long is seen by
/// AddressSanitizer, or shows wrong octets.
class session_host {
public:
    using time_point = session::time_point;
    using answer_value = std::variant<verdict, delivery, reply, auth_step>;
    /// Overrides a hook for one event; nothing: the hook decides.
    std::function<std::optional<answer_value>(event const&)> override_answer;
    interruption interrupt = interruption::none;
    std::size_t interrupt_at = 0;  ///< number of the question, from 0

    session_host(session_config const& config, host_hooks const& hooks, manner how, session_info info = {})
        : hooks_(hooks), how_(how), talk_(config, std::move(info), memory_) {}

    void connect() {
        talk_.time_is(now_);
        pump();
    }
    /// Gives the session one piece of input, once it wants it. What comes after the end is dropped.
    void send(std::string_view piece) {
        if (piece.empty()) return;
        wait_until_settled();
        if (over()) return;
        expect_that(!talk_.securing(), "plain text is sent while a handshake is due");
        expect_that(talk_.wants_input(), "the session wants no input though nothing is open");
        lent_ = std::make_unique<char[]>(piece.size());
        lent_size_ = piece.size();
        std::copy(piece.begin(), piece.end(), lent_.get());
        talk_.time_is(now_);
        talk_.feed({lent_.get(), lent_size_});
        pump();
        take_buffer_back();
        wait_until_settled();
    }
    /// Lets time pass, told second by second.
    void wait(std::chrono::seconds span) {
        for (auto left = span; left.count() > 0 && !over(); --left) {
            now_ += std::chrono::seconds{1};
            talk_.time_is(now_);
            pump();
        }
    }
    /// Lets time pass in one step.
    void jump(std::chrono::milliseconds span) {
        now_ += span;
        talk_.time_is(now_);
        pump();
    }
    void close_input() {
        talk_.input_closed();
        pump();
        wait_until_settled();
        expect_that(over(), "input is closed and nothing open, but the session goes on");
    }
    /// The handshake went well; that the session waits for one is checked.
    void handshake_done(tls_info facts) {
        if (over()) return;
        expect_that(talk_.securing(), "no handshake is due");
        talk_.tls_established(std::move(facts));
        pump();
        wait_until_settled();
    }
    void handshake_failed() {
        if (over()) return;
        expect_that(talk_.securing(), "no handshake is due");
        talk_.tls_failed();
        pump();
    }
    void lose() {
        talk_.connection_lost();
        pump();
    }
    void stop() {
        talk_.stop();
        pump();
    }
    void stop_now() {
        talk_.stop_now();
        pump();
    }

    bool over() const { return closed_.has_value(); }
    std::optional<close_reason> closed_as() const { return closed_; }
    session& talk() { return talk_; }
    time_point now() const { return now_; }
    std::string const& output() const { return output_; }
    std::vector<taken_message> const& messages() const { return messages_; }
    std::vector<std::string> const& events() const { return events_; }
    std::size_t questions() const { return questions_; }

    /// Throws unless what must hold at the end holds.
    void check_end() {
        expect_that(!message_open_ || !over(), "the session ended inside a message without message_aborted");
        expect_that(!exchange_ || !over(), "the session ended inside an AUTH exchange without auth_finished");
        if (over()) {
            expect_that(!talk_.next_event(), "an event after closed");
            expect_that(!talk_.wants_input(), "an ended session wants input");
            expect_that(talk_.ended(), "closed was taken and output sent, but the session has not ended");
        }
        check_output(output_);
    }
    /// Throws unless `octets` are whole reply lines.
    static void check_output(std::string_view octets) {
        bool continues = false;
        int code = 0;
        while (!octets.empty()) {
            auto const end = octets.find("\r\n");
            if (end == std::string_view::npos) throw script_failure("output without CRLF at its end: " + visible(octets));
            std::string_view const line = octets.substr(0, end);
            octets.remove_prefix(end + 2);
            auto const expect = [&](bool holds, char const* what) {
                if (!holds) throw script_failure(what + (": " + visible(line)));
            };
            expect(line.size() <= 510 || line.starts_with("334 "), "a reply line above 512 octets");
            bool const shaped = line.size() >= 4 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '9' &&
                                line[2] >= '0' && line[2] <= '9' && (line[3] == ' ' || line[3] == '-');
            expect(shaped, "not a reply line");
            // Only VRFY and EXPN with SMTPUTF8 are answered in UTF-8, and by 25z.
            bool const utf8 = line.starts_with("25");
            expect(std::all_of(line.begin(), line.end(), [&](char c) { return (c >= ' ' && c <= '~') || (utf8 && c < 0); }), "unprintable octet in a reply");
            int const this_code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
            expect(!continues || code == this_code, "the code changes within a reply");
            bool const enhanced = line.size() >= 9 && line[5] == '.' && line[4] >= '2' && line[4] <= '5';
            expect(!enhanced || line[4] == line[0], "enhanced class differs from code class");
            code = this_code;
            continues = line[3] == '-';
        }
        expect_that(!continues, "output ends within a reply of several lines");
    }

private:
    struct question {
        ticket number;
        answer_value given;
        std::function<void()> look_again;  // what the event showed must still be there when it is answered
    };

    std::optional<event> next() {
        bool const quiet = talk_.quiet();
        auto what = talk_.next_event();
        expect_that(!quiet || !what, "a quiet session had something to tell");
        return what;
    }
    void pump() {
        for (;;) {
            while (auto what = next()) take(*what);
            drain_output();
            if (waiting_.empty()) return;
            if (interrupted()) continue;
            for (unsigned i = 0; i < how_.rounds; ++i) {
                if (how_.keep && !talk_.views_buffer()) take_buffer_back();
                expect_that(!talk_.wants_input() || open_.empty(), "input is wanted while an answer is owed");
                talk_.time_is(now_);
                while (auto more = next()) {
                    expect_that(std::holds_alternative<recipient_offered>(*more), "an event though the pump had run dry");
                    take(*more);
                }
            }
            auto const next = how_.backwards ? std::prev(waiting_.end()) : waiting_.begin();
            question answered = std::move(*next);
            waiting_.erase(next);
            give(answered);
        }
    }

    bool interrupted() {
        if (interrupt == interruption::none || questions_ != interrupt_at + 1) return false;
        auto const what = std::exchange(interrupt, interruption::none);
        if (what == interruption::closed) {  // the answer still comes, and the end after it
            talk_.input_closed();
            return false;
        }
        auto overtaken = std::exchange(waiting_, {});
        switch (what) {
            case interruption::lost: talk_.connection_lost(); break;
            case interruption::stopped: talk_.stop_now(); break;
            default:
                // No hook has more than 5 minutes.
                for (int i = 0; i < 301; ++i) talk_.time_is(now_ += std::chrono::seconds{1});
        }
        while (auto event_now = next()) take(*event_now);
        drain_output();
        for (question& late : overtaken) {
            bool const open = std::find(open_.begin(), open_.end(), late.number) != open_.end();
            expect_that(!open, "an open question was neither answered nor withdrawn");
            std::visit([&](auto& value) { talk_.answer(late.number, std::move(value)); }, late.given);
        }
        return true;
    }

    void give(question& answered) {
        bool const overtaken = std::find(withdrawn_.begin(), withdrawn_.end(), answered.number) != withdrawn_.end();
        if (!overtaken) answered.look_again();
        auto const found = std::find(open_.begin(), open_.end(), answered.number);
        expect_that(overtaken != (found != open_.end()), "answering what is not open");
        if (!overtaken) open_.erase(found);
        std::visit([&](auto& value) { talk_.answer(answered.number, std::move(value)); }, answered.given);
    }

    void drain_output() {
        std::size_t const before = output_.size();
        while (!talk_.output().empty()) {
            output_.append(talk_.output());
            talk_.output_sent(talk_.output().size());
        }
        if (before == output_.size()) return;
        // Only where the session says ids: octets of the client's that look like one stay.
        for (std::size_t i = 0; i < ids_.size(); ++i)
            for (std::string const lead : {"queued as ", "["})
                for (auto at = output_.find(lead + ids_[i], before); at != std::string::npos; at = output_.find(lead + ids_[i], before))
                    output_.replace(at + lead.size(), ids_[i].size(), "ID" + std::to_string(i + 1));
    }

    void take_buffer_back() {
        if (!lent_) return;
        if (talk_.views_buffer()) return;
        talk_.keep_rest();
        std::fill_n(lent_.get(), lent_size_, '!');
        lent_.reset();
    }

    /// A reply that waits is waited for.
    void wait_until_settled() {
        for (int i = 0; i < 100'000 && !over() && !talk_.wants_input() && !talk_.securing(); ++i) {
            auto const due = talk_.wake_at();
            expect_that(due.has_value(), "the session wants nothing and waits for nothing");
            now_ = std::max(now_, *due);
            talk_.time_is(now_);
            pump();
        }
    }

    void ask(ticket number, event const& what, answer_value usual, std::function<void()> look_again) {
        ++questions_;
        open_.push_back(number);
        if (override_answer)
            if (auto given = override_answer(what)) usual = std::move(*given);
        question asked{number, std::move(usual), std::move(look_again)};
        bool const interrupts_now = interrupt != interruption::none && questions_ == interrupt_at + 1;
        if (how_.rounds == 0 && !interrupts_now) return give(asked);
        waiting_.push_back(std::move(asked));
    }

    void say(std::string text) { events_.push_back(std::move(text)); }

    void take(event const& what) {
        expect_that(!over(), "an event after closed");
        std::visit([&](auto const& one) { took(one, what); }, what);
    }

    void took(connected const& e, event const& what) {
        expect_that(events_.empty() || events_ == std::vector<std::string>{"handshake_due 0"}, "connected is not the first event");
        say("connected");
        ask(e.ticket, what, hooks_.on_connect(talk_.info()), [] {});
    }
    void took(early_talk const& e, event const& what) {
        say("early_talk");
        ask(e.ticket, what, hooks_.on_early_talk(), [] {});
    }
    void took(greeted const& e, event const& what) {
        say("greeted " + std::string(e.hello_name));
        ask(e.ticket, what, hooks_.on_hello(e.hello_name), still(e.hello_name));
    }
    void took(mail_offered const& e, event const& what) {
        ids_.emplace_back(e.mail->id());
        expect_that(e.mail->id().size() == 12, "a transaction without an id");
        say("mail_offered " + std::string(e.mail->reverse_path().wire));
        ask(e.ticket, what, hooks_.on_mail(*e.mail), still(e.mail->reverse_path().wire));
    }
    void took(recipient_offered const& e, event const& what) {
        say("recipient_offered " + std::string(e.to->wire()));
        auto look = still(e.to->wire());
        ask(e.ticket, what, hooks_.on_recipient(*e.mail, *e.to),
            [look, to = e.to, wire = std::string(e.to->wire()), domain = std::string(e.to->domain())] {
                look();
                expect_that(to->wire() == wire && to->domain() == domain, "a recipient changed under an open hook");
            });
    }
    void took(message_started const& e, event const& what) {
        expect_that(!message_open_, "message_started twice");
        expect_that(!e.mail->recipients().empty(), "a message without recipients");
        message_open_ = true;
        octets_.clear();
        say("message_started");
        ask(e.ticket, what, hooks_.on_started(*e.mail), still(e.mail->reverse_path().wire));
    }
    void took(headers_complete const& e, event const& what) {
        expect_that(message_open_, "headers_complete outside a message");
        expect_that(octets_.empty(), "headers_complete after octets");
        header_ = std::string(e.header);
        header_given_ = true;
        say("headers_complete");
        ask(e.ticket, what, hooks_.on_headers(*e.mail, e.header), still(e.header));
    }
    void took(message_chunk const& e, event const& what) {
        expect_that(message_open_, "message_chunk outside a message");
        expect_that(!e.octets.empty(), "an empty chunk");
        std::string_view const view{e.octets.data(), e.octets.size()};
        octets_.append(view);
        ask(e.ticket, what, hooks_.on_chunk(*e.mail, octets_), still(view));
    }
    void took(message_complete const& e, event const& what) {
        expect_that(message_open_, "message_complete outside a message");
        expect_that(e.octets == octets_.size(), "message_complete tells another size than the chunks have");
        if (header_given_) expect_that(octets_.starts_with(header_), "the header section held back is not what came first");
        say("message_complete");
        delivery given = hooks_.on_complete(*e.mail, octets_);
        if (override_answer)
            if (auto value = override_answer(what)) {
                if (auto* whole = std::get_if<delivery>(&*value)) given = std::move(*whole);
                if (auto* one = std::get_if<verdict>(&*value)) given = delivery{std::move(*one)};
            }
        bool accepted = false;
        for (std::size_t i = 0; i < e.mail->recipients().size(); ++i) accepted = accepted || given.accepted_for(i);
        taken_message message{e.mail->snapshot(), std::string(e.mail->received_field()), octets_};
        // The message is kept when it is answered, not when it is offered: a withdrawn one is not.
        auto const keep = [this, accepted, kept = std::make_shared<taken_message>(std::move(message))] {
            message_open_ = header_given_ = false;
            if (accepted) messages_.push_back(std::move(*kept));
        };
        ++questions_;
        open_.push_back(e.ticket);
        question asked{e.ticket, std::move(given), keep};
        bool const interrupts_now = interrupt != interruption::none && questions_ == interrupt_at + 1;
        if (how_.rounds == 0 && !interrupts_now) return give(asked);
        waiting_.push_back(std::move(asked));
    }
    void took(verify_requested const& e, event const& what) {
        say("verify_requested " + std::string(e.argument));
        ask(e.ticket, what, hooks_.on_verify(e.argument), still(e.argument));
    }
    void took(expand_requested const& e, event const& what) {
        say("expand_requested " + std::string(e.argument));
        ask(e.ticket, what, hooks_.on_expand(e.argument), still(e.argument));
    }
    void took(peer_changed const& e, event const& what) {
        expect_that(!message_open_, "the client changes inside a message");
        expect_that(e.client == talk_.changed_peer(), "changed_peer() is not who is asked about");
        std::string const name = e.client->client().to_string();
        say("peer_changed " + name);
        ask(e.ticket, what, hooks_.on_peer(*e.client),
            [client = e.client, name] { expect_that(client->client().to_string() == name, "a client changed under an open hook"); });
    }
    void took(custom_command const& e, event const& what) {
        say("custom_command " + std::string(e.verb) + '|' + std::string(e.argument));
        ask(e.ticket, what, hooks_.on_custom(e.verb, e.argument), still(e.argument));
    }
    void took(auth_started const& e, event const& what) {
        expect_that(!exchange_, "auth_started inside an exchange");
        expect_that(!talk_.info().authenticated(), "auth_started though authenticated");
        exchange_ = e.mechanism;
        say("auth_started " + *exchange_ + (e.initial ? " with a response" : ""));
        std::optional<std::string_view> response;
        if (e.initial) response = e.initial->reveal();
        ask(e.ticket, what, hooks_.on_auth(e.mechanism, response), still(response.value_or(e.mechanism)));
    }
    void took(auth_response const& e, event const& what) {
        expect_that(exchange_.has_value(), "auth_response outside an exchange");
        say("auth_response");
        ask(e.ticket, what, hooks_.on_auth(*exchange_, e.octets.reveal()), still(e.octets.reveal()));
    }
    void took(auth_finished const& e, event const&) {
        expect_that(exchange_ == e.mechanism, "auth_finished outside the exchange it names");
        exchange_.reset();
        bool const yes = e.outcome == auth_outcome::succeeded;
        expect_that(!yes || talk_.info().authenticated(), "auth_finished as succeeded, but there is no user");
        expect_that(e.reply.empty() || e.reply.starts_with(yes ? "235 " : e.reply[0] == '4' ? "4" : "5"), "auth_finished with another reply");
        say("auth_finished " + std::string(to_string(e.outcome)) + ' ' + std::string(e.reply.substr(0, 3)));
    }
    void took(tls_requested const& e, event const& what) {
        say("tls_requested");
        ask(e.ticket, what, hooks_.on_tls(), [] {});
    }
    void took(handshake_due const& e, event const&) {
        expect_that(talk_.securing(), "handshake_due, but the session is not securing");
        say("handshake_due " + std::to_string(e.plaintext_dropped));
    }
    void took(message_aborted const& e, event const&) {
        expect_that(message_open_, "message_aborted outside a message");
        message_open_ = header_given_ = false;
        octets_.clear();
        say("message_aborted " + std::string(to_string(e.why)));
    }
    void took(transaction_reset const&, event const&) { say("transaction_reset"); }
    void took(command_refused const& e, event const&) {
        expect_that(e.reply.size() > 4 && (e.reply[0] == '4' || e.reply[0] == '5'), "command_refused without a refusal");
        say("command_refused " + std::string(to_string(e.verb)) + ' ' + std::string(e.reply.substr(0, 3)));
    }
    void took(withdrawn const& e, event const&) {
        auto const found = std::find(open_.begin(), open_.end(), e.ticket);
        expect_that(found != open_.end(), "withdrawn names what is not open");
        open_.erase(found);
        withdrawn_.push_back(e.ticket);
        say("withdrawn");
    }
    void took(closed const& e, event const&) {
        expect_that(open_.empty(), "closed while a question is open");
        expect_that(!message_open_, "closed inside a message, without message_aborted");
        closed_ = e.why;
        say("closed " + std::string(to_string(e.why)));
    }

    static std::function<void()> still(std::string_view view) {
        return [view, copy = std::string(view)] { expect_that(view == copy, "a view changed under an open hook"); };
    }

    host_hooks const& hooks_;
    manner how_;
    session_memory memory_{std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}}};
    session talk_;
    time_point now_ = time_point{std::chrono::hours{24}};
    std::unique_ptr<char[]> lent_;
    std::size_t lent_size_ = 0;
    std::string output_;
    std::string octets_;
    std::string header_;
    bool header_given_ = false;
    bool message_open_ = false;
    std::optional<std::string> exchange_;  // the mechanism of the AUTH exchange under way
    std::vector<std::string> ids_;
    std::vector<std::string> events_;
    std::vector<taken_message> messages_;
    std::deque<question> waiting_;
    std::vector<ticket> open_;
    std::vector<ticket> withdrawn_;
    std::size_t questions_ = 0;
    std::optional<close_reason> closed_;
};

}  // namespace mailquay_test
