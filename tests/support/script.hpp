#pragma once

#include "support/session_host.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mailquay_test {

/// Whether `text` matches `pattern`, where "*" stands for any octets.
inline bool matches_glob(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p, ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

/// A conversation as it should go: what the client sends, what the session answers, what the host is asked and says.
///
/// `client()` calls that follow one another are one pipelined group, given to the session in one piece; then all of its
/// replies must be there. The run functions play the conversation in several manners and want the same each time: whole (group by
/// group), octet by octet, cut at every place, with answers that come late, with several of them. All but `run_whole()` also
/// want octets of output, events and messages to be the same as in the whole run.
///
/// A group must not go on behind a command that ends it (RFC 2920 §3.1) unless only `run_whole()` is used: whether the
/// octets behind it are there already makes a difference by design.
///
/// Failures are thrown as `script_failure`.
///
/// @code
/// script talk;
/// talk.client("EHLO c").server("250");
/// talk.client("MAIL FROM:<a@b>").expect<mail_offered>().answer(reject()).server("550 5.7.1");
/// talk.run_whole_bytewise_and_at_every_split();
/// @endcode
class script {
public:
    session_config config;
    host_hooks hooks;
    std::function<session_info()> make_info = [] {
        return session_info{ip_endpoint{*ip_address::parse("192.0.2.1"), 40000}, ip_endpoint{*ip_address::parse("192.0.2.25"), 25}};
    };

    script() {
        config.hostname = "mx.example.org";
        config.extensions = extension_registry::standard();
    }
    explicit script(session_config given) : config(std::move(given)) {}

    /// The client sends `line` and CRLF.
    script& client(std::string_view line) { return octets(std::string(line) + "\r\n"); }
    /// The client sends just these octets.
    script& octets(std::string_view sent) {
        bool const goes_on = !steps_.empty() && steps_.back().what == kind::send && steps_.back().wanted.empty();
        if (!goes_on) add(kind::send);
        steps_.back().sent += sent;
        return *this;
    }
    /// The next reply, of one line or several, begins so; "*" stands for any octets.
    script& server(std::string_view reply_begin) { return want({std::string(reply_begin) + "*", true}); }
    /// The next line of output is just this; "*" stands for any octets.
    script& server_line(std::string_view pattern) { return want({std::string(pattern), false}); }
    /// While the last thing said is worked off, this is asked, after what was expected before.
    template <class Event>
    script& expect() {
        step().expected.push_back({[](event const& e) { return std::holds_alternative<Event>(e); }});
        return *this;
    }
    /// @{ The answer to the event expected last.
    script& answer(verdict given) { return answer_by([given] { return session_host::answer_value{given}; }); }
    script& answer(reply given) { return answer_by([given] { return session_host::answer_value{given}; }); }
    script& answer(std::vector<verdict> each) { return answer_by([each] { return session_host::answer_value{delivery{each}}; }); }
    script& answer(auth_step given) { return answer_by([given] { return session_host::answer_value{given}; }); }
    /// @}
    /// Time passes, told second by second.
    script& after(std::chrono::seconds span) {
        add(kind::wait).span = span;
        return *this;
    }
    /// The handshake is made, with these facts, or fails.
    script& handshake_done(tls_info facts = {.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384", .group = "x25519"}) {
        add(kind::handshake_done).tls = std::move(facts);
        return *this;
    }
    script& handshake_failed() { return add(kind::handshake_failed), *this; }
    script& input_closed() { return add(kind::close_input), *this; }
    script& connection_lost() { return add(kind::lose), *this; }
    script& stop() { return add(kind::stop), *this; }
    script& stop_now() { return add(kind::stop_now), *this; }
    /// The session has ended, for this reason if one is given.
    script& closed(std::optional<close_reason> why = std::nullopt) {
        step().closed = true;
        step().why = why;
        return *this;
    }
    /// So many messages were accepted up to here.
    script& messages(std::size_t count) {
        step().messages = count;
        return *this;
    }
    /// The message accepted last has these octets.
    script& message(std::string_view octets_of_it) { return check([content = std::string(octets_of_it)](session_host const& host) {
        expect_that(!host.messages().empty(), "no message was accepted");
        std::string const& got = host.messages().back().octets;
        expect_that(got == content, "the message is\n    " + visible(got) + "\nnot\n    " + visible(content));
    }); }
    /// Anything else that must hold here.
    script& check(std::function<void(session_host const&)> holds) {
        step().checks.push_back(std::move(holds));
        return *this;
    }
    /// Done before the last thing said is given to the session.
    script& first_do(std::function<void(session_host&)> does) {
        step().acts.push_back(std::move(does));
        return *this;
    }

    /// Each group in one piece; answers at once.
    void run_whole() const { (void)whole(); }

    void run_whole_bytewise_and_at_every_split() const {
        auto const usual = whole();
        for (manner const how : {manner{1, false}, manner{1, true}, manner{3, true, true}}) {
            compare(usual, *play(how, no_cut(), "answers late"), "answers late");
        }
        for (manner const how : {manner{}, manner{1, true}, manner{1, false, true}})
            compare(usual, *play(how, {every, 1}, "octet by octet"), "octet by octet");
        for (std::size_t group = 0; group < steps_.size(); ++group) {
            if (steps_[group].what != kind::send) continue;
            std::size_t const size = steps_[group].sent.size();
            std::size_t const stride = 1 + size / most_splits;
            for (std::size_t at = 1; at < size; at += stride) {
                std::string const where = "step " + std::to_string(group) + " cut at octet " + std::to_string(at);
                compare(usual, *play(manner{}, {group, at}, where), where);
                compare(usual, *play(manner{1, true}, {group, at}, where + ", late"), where + ", late");
            }
        }
    }

    /// The peer ends its input after each octet: no message but those complete comes through, and no reply but those due.
    void run_with_eof_at_every_step() const { fail_everywhere([](session_host& host) { host.close_input(); }, false); }
    /// The transport fails after each octet.
    void run_with_failure_at_every_step() const { fail_everywhere([](session_host& host) { host.lose(); }, true); }
    /// Each question in turn is not answered, but overtaken: by a lost connection, the end of input, a stop, a deadline.
    void run_with_interruption_of_every_question() const {
        auto const usual = whole();
        for (interruption const what : {interruption::lost, interruption::closed, interruption::stopped, interruption::silence})
            for (std::size_t number = 0; number < usual->questions(); ++number)
                for (unsigned const rounds : {0u, 1u}) {
                    session_host host{config, hooks, manner{rounds, rounds != 0}, make_info()};
                    host.interrupt = what;
                    host.interrupt_at = number;
                    try {
                        host.connect();
                        for (auto const& one : steps_) {
                            expect_answers(host, one);
                            play_input(host, one, one.sent);
                        }
                        if (!host.over()) host.lose();
                        host.check_end();
                        expect_that(host.messages().size() <= usual->messages().size(), "more messages than without the interruption");
                    } catch (script_failure const& e) {
                        throw script_failure("question " + std::to_string(number) + " interrupted in the manner " +
                                             std::to_string(static_cast<int>(what)) + ": " + e.what() + trace(host));
                    }
                }
    }
    void run_every_way() const {
        run_whole_bytewise_and_at_every_split();
        run_with_eof_at_every_step();
        run_with_failure_at_every_step();
        run_with_interruption_of_every_question();
    }

private:
    enum class kind { start, send, wait, handshake_done, handshake_failed, close_input, lose, stop, stop_now };
    struct wanted_output {
        std::string pattern;
        bool whole_reply;
    };
    struct expectation {
        std::function<bool(event const&)> is;
        std::function<session_host::answer_value()> answer{};
    };
    struct one_step {
        kind what;
        std::string sent{};
        std::chrono::seconds span{};
        tls_info tls{};
        std::vector<wanted_output> wanted{};
        std::vector<expectation> expected{};
        std::vector<std::function<void(session_host const&)>> checks{};
        std::vector<std::function<void(session_host&)>> acts{};
        bool closed = false;
        std::optional<close_reason> why{};
        std::optional<std::size_t> messages{};
    };
    struct cut {
        std::size_t group;
        std::size_t at;
    };
    static constexpr std::size_t every = static_cast<std::size_t>(-1);
    static constexpr std::size_t most_splits = 300;
    static constexpr cut no_cut() { return {every, 0}; }

    one_step& add(kind what) {
        if (steps_.empty() && what != kind::start) steps_.push_back({kind::start});
        steps_.push_back({what});
        return steps_.back();
    }
    one_step& step() {
        if (steps_.empty()) add(kind::start);
        return steps_.back();
    }
    script& want(wanted_output one) {
        step().wanted.push_back(std::move(one));
        return *this;
    }

    script& answer_by(std::function<session_host::answer_value()> given) {
        step().expected.back().answer = std::move(given);
        return *this;
    }

    std::shared_ptr<session_host> whole() const { return play(manner{}, no_cut(), "whole"); }

    static void play_input(session_host& host, one_step const& one, std::string_view sent) {
        for (auto const& does : one.acts) does(host);
        switch (one.what) {
            case kind::start: break;
            case kind::send: host.send(sent); break;
            case kind::wait: host.wait(one.span); break;
            case kind::handshake_done: host.handshake_done(one.tls); break;
            case kind::handshake_failed: host.handshake_failed(); break;
            case kind::close_input: host.close_input(); break;
            case kind::lose: host.lose(); break;
            case kind::stop: host.stop(); break;
            case kind::stop_now: host.stop_now(); break;
        }
    }

    /// @return what is still expected
    static std::shared_ptr<std::vector<expectation>> expect_answers(session_host& host, one_step const& one) {
        auto const expected = std::make_shared<std::vector<expectation>>(one.expected);
        host.override_answer = [expected](event const& what) -> std::optional<session_host::answer_value> {
            for (std::size_t i = 0; i < expected->size(); ++i) {
                if (!(*expected)[i].is(what)) continue;
                auto const given = std::move((*expected)[i].answer);
                expected->erase(expected->begin() + static_cast<std::ptrdiff_t>(i));
                if (!given) return std::nullopt;
                return given();
            }
            return std::nullopt;
        };
        return expected;
    }

    std::shared_ptr<session_host> play(manner how, cut where, std::string const& name) const {
        auto const host = std::make_shared<session_host>(config, hooks, how, make_info());
        std::size_t at = 0;
        try {
            for (; at < steps_.size(); ++at) {
                one_step const& one = steps_[at];
                auto const expected = expect_answers(*host, one);
                std::size_t const before = host->output().size();
                if (at == 0) host->connect();
                if (one.what == kind::send && where.group == every && where.at == 1) {
                    for (auto const& does : one.acts) does(*host);
                    for (char const c : one.sent) host->send({&c, 1});
                } else if (one.what == kind::send && where.group == at) {
                    play_input(*host, one, std::string_view{one.sent}.substr(0, where.at));
                    host->send(std::string_view{one.sent}.substr(where.at));
                } else {
                    play_input(*host, one, one.sent);
                }
                bool const greets = at == 0 && config.timeouts.greeting_delay.count() == 0 && !config.tls_first;
                check_step(*host, one, std::string_view{host->output()}.substr(before), greets);
                expect_that(expected->empty(), "an event that was expected did not come");
            }
            host->override_answer = nullptr;
            host->check_end();
        } catch (script_failure const& e) {
            std::string const sent = at < steps_.size() ? visible(std::string_view{steps_[at].sent}.substr(0, 300)) : std::string{};
            throw script_failure(name + ", step " + std::to_string(at) + " (" + sent + "): " + e.what() + trace(*host));
        }
        return host;
    }

    static void check_step(session_host const& host, one_step const& one, std::string_view output, bool greets) {
        if (greets && one.wanted.empty() && !one.closed) {
            if (!output.starts_with("220 ")) throw script_failure("the greeting is\n    " + visible(output));
            output = {};
        }
        for (wanted_output const& next : one.wanted) {
            std::size_t taken = 0;
            std::string_view first_line;
            for (;;) {
                auto const end = output.find("\r\n", taken);
                if (end == std::string_view::npos) throw script_failure("expected " + next.pattern + ", but there is no more output");
                std::string_view const line = output.substr(taken, end - taken);
                if (taken == 0) first_line = line;
                taken = end + 2;
                if (!next.whole_reply || line.size() < 4 || line[3] != '-') break;
            }
            if (!matches_glob(next.pattern, first_line))
                throw script_failure("expected " + next.pattern + ", got " + visible(output.substr(0, taken)));
            output.remove_prefix(taken);
        }
        if (!output.empty()) throw script_failure("unexpected output\n    " + visible(output));
        expect_that(!one.closed || host.over(), "the session should have ended");
        if (one.closed && one.why)
            expect_that(host.closed_as() == one.why, "it ended as " + std::string(to_string(*host.closed_as())));
        if (one.messages)
            expect_that(host.messages().size() == *one.messages, std::to_string(host.messages().size()) + " messages, not " +
                                                                     std::to_string(*one.messages));
        for (auto const& holds : one.checks) holds(host);
    }

    static void compare(std::shared_ptr<session_host> const& usual, session_host const& other, std::string const& how) {
        if (usual->output() != other.output())
            throw script_failure(how + ": the output differs. Whole:\n    " + visible(usual->output()) + "\n" + how + ":\n    " +
                                 visible(other.output()));
        if (usual->events() != other.events()) throw script_failure(how + ": the events differ." + trace(*usual) + trace(other));
        expect_that(usual->closed_as() == other.closed_as(), how + ": the reason of the end differs");
        expect_that(usual->messages().size() == other.messages().size(), how + ": the number of messages differs");
        for (std::size_t i = 0; i < usual->messages().size(); ++i)
            expect_that(usual->messages()[i].octets == other.messages()[i].octets, how + ": a message differs");
    }

    void fail_everywhere(std::function<void(session_host&)> const& fail, bool sudden) const {
        auto const usual = whole();
        std::size_t total = 0;
        for (auto const& one : steps_) total += one.sent.size();
        std::size_t const stride = 1 + total / most_splits;
        for (std::size_t last = 0; last < steps_.size(); ++last)
            for (std::size_t at = 0; at <= steps_[last].sent.size(); at += stride) {
                session_host host{config, hooks, manner{}, make_info()};
                try {
                    host.connect();
                    for (std::size_t i = 0; i < last; ++i) {
                        expect_answers(host, steps_[i]);
                        play_input(host, steps_[i], steps_[i].sent);
                    }
                    expect_answers(host, steps_[last]);
                    if (steps_[last].what == kind::send) host.send(std::string_view{steps_[last].sent}.substr(0, at));
                    if (!host.over()) fail(host);
                    host.check_end();
                    expect_that(host.over(), "the session goes on");
                    expect_that(sudden || usual->output().starts_with(host.output()), "output that the whole run does not have");
                    expect_that(host.messages().size() <= usual->messages().size(), "a message that the whole run does not have");
                    for (std::size_t i = 0; i < host.messages().size(); ++i)
                        expect_that(host.messages()[i].octets == usual->messages()[i].octets, "a message differs");
                } catch (script_failure const& e) {
                    throw script_failure("failure in step " + std::to_string(last) + " after octet " + std::to_string(at) + ": " +
                                         e.what() + trace(host));
                }
            }
    }

    static std::string trace(session_host const& host) {
        std::string text = "\n  events:";
        for (auto const& one : host.events()) text.append(" [").append(visible(one)).append("]");
        auto const& all = host.output();
        text.append("\n  output:\n    ").append(visible(all.size() > 2000 ? all.substr(all.size() - 2000) : all));
        return text;
    }

    std::vector<one_step> steps_;
};

}  // namespace mailquay_test
