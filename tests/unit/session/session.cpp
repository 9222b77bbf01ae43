#include <mailquay/session/session.hpp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extensions/auth.hpp>
#include <mailquay/session/extensions/smtputf8.hpp>

#include "support/catch.hpp"
#include "support/script.hpp"
#include "support/test_data.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace test_session {

using namespace mailquay;
using mailquay_test::script;
using mailquay_test::session_host;
using namespace std::chrono_literals;

script greeted_script() {
    script talk;
    talk.client("EHLO client.example").server("250-mx.example.org");
    return talk;
}

script& envelope_to(script& talk, std::string const& to = "b@example.org") {
    talk.client("MAIL FROM:<a@example.org>").server("250 2.1.0");
    return talk.client("RCPT TO:<" + to + ">").server("250 2.1.5");
}

/// A session without any helper between it and the test.
struct bare {
    session_config config;
    session_memory memory{std::chrono::system_clock::time_point{1'700'000'000s}};
    std::unique_ptr<session> talk;
    session::time_point now{24h};
    std::deque<std::string> buffers;  // stay where they are

    explicit bare(session_config given = {}) : config(std::move(given)) {
        config.hostname = "mx.example.org";
        config.extensions = extension_registry::standard();
        talk = std::make_unique<session>(config, session_info{}, memory);
        talk->time_is(now);
    }
    template <class Event>
    Event next() {
        auto const what = talk->next_event();
        REQUIRE(what.has_value());
        REQUIRE(std::holds_alternative<Event>(*what));
        return std::get<Event>(*what);
    }
    void feed(std::string octets) {
        REQUIRE(talk->wants_input());
        buffers.push_back(std::move(octets));
        talk->feed(buffers.back());
    }
    std::string output() {
        std::string const taken{talk->output()};
        talk->output_sent(taken.size());
        return taken;
    }
    void pass_time(std::chrono::seconds span) { talk->time_is(now += span); }
    bool dry() { return !talk->next_event().has_value(); }

    void greet() {
        talk->answer(next<connected>().ticket, accept());
        REQUIRE(dry());
        feed("EHLO c\r\n");
        talk->answer(next<greeted>().ticket, accept());
        REQUIRE(dry());
        output();
    }
    void mail() {
        feed("MAIL FROM:<a@example.org>\r\n");
        talk->answer(next<mail_offered>().ticket, accept());
        REQUIRE(dry());
        output();
    }
    void recipient_given() {
        feed("RCPT TO:<b@example.org>\r\n");
        talk->answer(next<recipient_offered>().ticket, accept());
        REQUIRE(dry());
        output();
    }
    void begin_message() {
        greet();
        mail();
        recipient_given();
        feed("DATA\r\n");
        talk->answer(next<message_started>().ticket, accept());
        REQUIRE(dry());
        REQUIRE(output().starts_with("354 "));
    }
};

TEST_CASE("a quiet session has nothing to let go of: a command that came in two pieces leaves no buffer behind", "[session]") {
    bare it;
    it.greet();
    it.feed("FO");
    REQUIRE(it.dry());
    it.feed("O\r\n");
    it.next<command_refused>();
    CHECK_FALSE(it.talk->quiet());
    REQUIRE(it.dry());
    it.output();
    CHECK(it.talk->idle());

    it.mail();
    it.feed("RCPT TO:<b@exam");
    REQUIRE(it.dry());
    it.feed("ple.org>\r\n");
    it.talk->answer(it.next<recipient_offered>().ticket, accept());
    CHECK_FALSE(it.talk->quiet());
    REQUIRE(it.dry());
    CHECK(it.talk->quiet());
}

TEST_CASE("a delivery without an answer is none, whatever it was made of", "[session]") {
    bare it;
    it.begin_message();
    it.feed("Subject: x\r\n\r\n.\r\n");
    it.talk->answer(it.next<message_chunk>().ticket, accept());
    it.talk->answer(it.next<message_complete>().ticket, delivery::unanswered(accept()));
    CHECK(it.output().empty());
    CHECK(it.talk->closing());
}

TEST_CASE("a session stays small: it is held by every idle connection", "[session]") {
    STATIC_REQUIRE(sizeof(session) <= 336);
}

TEST_CASE("a bare CR or NUL is found wherever in a command it stands", "[session]") {
    session_config config;
    config.budgets.syntax = config.budgets.junk = 10'000;
    bare it{std::move(config)};
    it.greet();
    for (std::size_t octets = 6; octets < 40; ++octets)
        for (std::size_t at = 5; at < octets; ++at)
            for (char const wrong : {'\0', '\r', '\t'}) {
                std::string line = "NOOP " + std::string(octets - 5, 'x');
                line[at] = wrong;
                it.feed(line + "\r\n");
                while (!it.dry()) continue;  // the refusal is told
                bool const refused = it.output().starts_with("501 5.5.2 Bare");
                CHECK(refused == (wrong != '\t'));
            }
}

TEST_CASE("DATA without a recipient is refused and the transaction kept", "[session][order]") {
    script talk;
    talk.client("EHLO c").server("250");
    talk.client("MAIL FROM:<a@example.org>").server("250 2.1.0");

    talk.client("DATA").server("503 5.5.1");

    talk.client("RCPT TO:<b@example.org>").server("250 2.1.5");
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("two messages pass every way of input, answer and failure", "[session]") {
    auto talk = greeted_script();
    for (int i = 0; i < 2; ++i) {
        envelope_to(talk);
        talk.client("DATA").server("354").client("Subject: x").client("").client("..dot").client(".").server("250 2.0.0 Ok: queued as");
        talk.message("Subject: x\r\n\r\n.dot\r\n");
    }
    talk.messages(2).client("QUIT").server("221").closed(close_reason::quit);

    talk.run_every_way();
}

TEST_CASE("each stage asks the host, and what the host says decides", "[session][hooks]") {
    auto talk = greeted_script();
    talk.client("MAIL FROM:<a@example.org>").expect<mail_offered>().answer(defer(replies::greylisted)).server("451 4.7.1 Greylisted");
    talk.client("MAIL FROM:<a@example.org>").expect<mail_offered>().answer(accept()).server("250 2.1.0");
    talk.client("RCPT TO:<x@example.org>").expect<recipient_offered>().answer(reject(replies::no_such_user)).server("550 5.1.1");
    talk.client("RCPT TO:<b@example.org>").expect<recipient_offered>().answer(accept()).server("250 2.1.5");
    talk.client("DATA").expect<message_started>().answer(accept()).server("354");
    talk.client("x").client(".").expect<message_complete>().answer(reject(550, "5.7.1", "No")).server("550 5.7.1 No");

    talk.run_every_way();
}

TEST_CASE("recipients asked about together are answered in command order, though answers come in any", "[session][in-flight]") {
    bare it{[] {
        session_config config;
        config.limits.recipients_in_flight = 3;
        return config;
    }()};
    it.greet();
    it.mail();
    // The first recipient makes room for those that are asked about together.
    it.feed("RCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nRCPT TO:<d@x>\r\nRCPT TO:<e@x>\r\n");
    std::vector<ticket> open;
    std::vector<std::string> said;
    for (;;) {
        while (auto const what = it.talk->next_event()) {
            auto const& offered = std::get<recipient_offered>(*what);
            said.emplace_back(offered.to->wire());
            open.push_back(offered.ticket);
        }
        if (open.empty()) break;
        CHECK(open.size() <= 3);
        bool const refuse = said[said.size() - 1] == "d@x";
        ticket const youngest = open.back();
        open.pop_back();
        it.talk->answer(youngest, refuse ? reject(replies::no_such_user) : accept());
    }
    CHECK(said == std::vector<std::string>{"a@x", "b@x", "c@x", "d@x", "e@x"});
    std::string const replies_given = it.output();
    CHECK(std::count(replies_given.begin(), replies_given.end(), '\n') == 5);
    CHECK(it.talk->totals().recipients + it.talk->totals().recipients_refused == 5);
}

TEST_CASE("a ticket that was withdrawn is ignored", "[session][lifetime]") {
    bare it;
    it.greet();
    it.feed("MAIL FROM:<a@example.org>\r\n");
    auto const asked = it.next<mail_offered>();

    it.talk->connection_lost();

    CHECK(it.next<withdrawn>().ticket == asked.ticket);
    CHECK(it.next<closed>().why == close_reason::peer_gone);
    it.talk->answer(asked.ticket, accept());
    CHECK(it.output().empty());
    CHECK(it.talk->ended());
}

TEST_CASE("withdrawn comes first, then message_aborted, then closed", "[session][order]") {
    bare it;
    it.begin_message();
    it.feed("text\r\n");
    auto const chunk = it.next<message_chunk>();

    SECTION("when the connection is lost") {
        it.talk->connection_lost();

        CHECK(it.next<withdrawn>().ticket == chunk.ticket);
        CHECK(it.next<message_aborted>().why == abort_reason::peer_gone);
        CHECK(it.next<closed>().why == close_reason::peer_gone);
        CHECK(it.output().empty());
    }
    SECTION("when the server stops now") {
        it.talk->stop_now();

        CHECK(it.next<withdrawn>().ticket == chunk.ticket);
        CHECK(it.next<message_aborted>().why == abort_reason::stopped);
        CHECK(it.next<closed>().why == close_reason::stopped);
        CHECK(it.output().starts_with("421 4.3.2 "));
    }
    CHECK(it.dry());
    CHECK(it.talk->ended());
}

TEST_CASE("a hook at connect that does not answer in time: 421, and the end", "[session][time]") {
    bare it;
    auto const asked = it.next<connected>();
    it.pass_time(59s);
    CHECK(it.dry());
    it.pass_time(1s);
    CHECK(it.next<withdrawn>().ticket == asked.ticket);
    CHECK(it.next<closed>().why == close_reason::timed_out);
    CHECK(it.output().starts_with("421 "));
}

TEST_CASE("a hook that does not answer in time: 451, and the session goes on", "[session][time]") {
    bare it;
    it.greet();

    SECTION("at EHLO") {
        it.feed("EHLO again\r\n");
        it.next<greeted>();
        it.pass_time(60s);
        it.next<withdrawn>();
        CHECK(it.dry());
        CHECK(it.output().starts_with("451 "));
        CHECK(it.talk->info().hello_name() == "c");
    }
    SECTION("at MAIL") {
        it.feed("MAIL FROM:<a@b>\r\n");
        it.next<mail_offered>();
        it.pass_time(60s);
        it.next<withdrawn>();
        CHECK(it.dry());
        CHECK(it.output() == "451 4.3.0 Took too long here, try again later\r\n");
    }
    SECTION("at RCPT") {
        it.mail();
        it.feed("RCPT TO:<b@c>\r\n");
        it.next<recipient_offered>();
        it.pass_time(60s);
        it.next<withdrawn>();
        CHECK(it.dry());
        CHECK(it.output() == "451 4.3.0 Took too long here, try again later\r\n");
        it.recipient_given();
    }
    SECTION("at DATA: the message is aborted") {
        it.mail();
        it.recipient_given();
        it.feed("DATA\r\n");
        it.next<message_started>();
        it.pass_time(60s);
        it.next<withdrawn>();
        CHECK(it.next<message_aborted>().why == abort_reason::hook_timed_out);
        CHECK(it.dry());
        CHECK(it.output() == "451 4.3.0 Took too long here, try again later\r\n");
    }
    CHECK(it.talk->wants_input());
    it.feed("RSET\r\n");
    while (it.talk->next_event()) {}
    CHECK(it.output().starts_with("250 "));
}

TEST_CASE("what a recipient's hook was shown stays until the host comes back, also when it is overdue", "[session][lifetime]") {
    session_config config;
    config.unknown = unknown_parameters::hand_over;
    config.budgets.recipients_slow = GENERATE(as<unsigned>{}, 0u, 20u);  // 0: the reply waits a second longer
    bare it{std::move(config)};
    it.greet();
    it.mail();
    it.feed("RCPT TO:<someone@example.org> X=1\r\n");
    auto const asked = it.next<recipient_offered>();
    std::weak_ptr<recipient_request> const shown = asked.to->asked;

    it.pass_time(60s);
    it.pass_time(1s);

    CHECK_FALSE(shown.expired());
    CHECK(asked.to->wire() == "someone@example.org");
    CHECK(asked.mail->recipients().empty());
    CHECK(it.next<withdrawn>().ticket == asked.ticket);
    CHECK(it.output().starts_with("451 4.3.0 "));
    CHECK_FALSE(shown.expired());
    CHECK(it.dry());
    CHECK(shown.expired());
    it.recipient_given();
}

TEST_CASE("a write that takes too long: the message is drained, then 451", "[session][time]") {
    bare it;
    it.begin_message();
    it.feed("text\r\n");
    auto const chunk = it.next<message_chunk>();
    it.pass_time(119s);
    CHECK(it.dry());

    it.pass_time(1s);
    CHECK(it.next<withdrawn>().ticket == chunk.ticket);
    CHECK(it.next<message_aborted>().why == abort_reason::hook_timed_out);
    CHECK(it.dry());
    it.feed("more\r\n.\r\n");
    CHECK(it.dry());

    CHECK(it.output() == "451 4.3.0 Took too long here, try again later\r\n");
    CHECK(it.talk->wants_input());
}

TEST_CASE("a finish that takes too long: 451 and the end, for the outcome is unknown", "[session][time]") {
    bare it;
    it.begin_message();
    it.feed(".\r\n");
    auto const last = it.next<message_complete>();
    it.pass_time(299s);
    CHECK(it.dry());

    it.pass_time(1s);
    CHECK(it.next<withdrawn>().ticket == last.ticket);
    CHECK(it.next<message_aborted>().why == abort_reason::hook_timed_out);
    CHECK(it.next<closed>().why == close_reason::timed_out);
    CHECK(it.output() == "451 4.3.0 Took too long here, try again later\r\n");
}

TEST_CASE("what follows from an answer that came late is counted from when it came", "[session][time]") {
    bare it;
    it.begin_message();
    it.feed(".\r\n");
    auto const last = it.next<message_complete>();
    it.now += 301s;  // due already, but no tick has said so

    it.talk->clock_is(it.now);
    it.talk->answer(last.ticket, accept());
    it.talk->time_is(it.now);

    CHECK(it.dry());
    CHECK(it.output().starts_with("250 2.0.0 "));
    it.pass_time(299s);
    CHECK(it.dry());
    CHECK(it.output().empty());
}

TEST_CASE("while the server is nearly full idle peers are waited for less long", "[session][time]") {
    bare it;
    auto const lasts = [&](std::chrono::seconds span) {
        it.pass_time(span - 1s);
        CHECK(it.dry());
        it.pass_time(1s);
        CHECK(it.next<closed>().why == close_reason::timed_out);
        CHECK(it.output().starts_with("421 4.4.2 "));
    };
    SECTION("between connect and EHLO") {
        it.talk->answer(it.next<connected>().ticket, accept());
        REQUIRE(it.dry());
        it.output();
        it.talk->hurry(true);
        CHECK(it.talk->wake_at() == it.now + 10s);
        lasts(10s);
    }
    SECTION("between transactions") {
        it.greet();
        it.talk->hurry(true);
        CHECK(it.talk->wake_at() == it.now + 60s);
        lasts(60s);
    }
    SECTION("not inside a transaction") {
        it.greet();
        it.mail();
        it.talk->hurry(true);
        lasts(300s);
    }
    SECTION("not once there is room again") {
        it.greet();
        it.talk->hurry(true);
        it.pass_time(59s);
        it.talk->hurry(false);
        lasts(300s - 59s);
    }
    SECTION("never longer than without hurry") {
        it.config.timeouts.command = 5s;
        it.greet();
        it.talk->hurry(true);
        lasts(5s);
    }
}

TEST_CASE("a reply that waits leaves when it is due, and nothing is read meanwhile", "[session][time]") {
    bare it;
    it.greet();
    it.feed("MAIL FROM:<a@b>\r\n");
    it.talk->answer(it.next<mail_offered>().ticket, reject().after(5s));

    CHECK(it.dry());
    CHECK(it.output().empty());
    CHECK_FALSE(it.talk->wants_input());
    REQUIRE(it.talk->wake_at().has_value());
    CHECK(*it.talk->wake_at() == it.now + 5s);
    it.pass_time(4s);
    CHECK(it.output().empty());
    it.pass_time(1s);
    CHECK(it.dry());
    CHECK(it.output().starts_with("550 "));
    CHECK(it.talk->wants_input());
}

TEST_CASE("a sink that cannot say what became of a message: the connection is closed without a reply", "[session]") {
    for (bool const stopping : {false, true}) {
        bare it;
        it.begin_message();
        it.feed(".\r\nNOOP\r\n");
        auto const asked = it.next<message_complete>();
        (void)it.output();
        if (stopping) it.talk->stop();
        it.talk->answer(asked.ticket, delivery::unanswered(defer(replies::local_error)));

        CHECK(it.next<closed>().why == close_reason::unanswered);
        CHECK(it.output().empty());
        CHECK(it.talk->ended());
    }
}

TEST_CASE("a message that was accepted is not aborted while its reply waits", "[session][time]") {
    bare it;
    it.begin_message();
    it.feed(".\r\n");
    it.talk->answer(it.next<message_complete>().ticket, delivery{accept().after(5s)});
    CHECK(it.dry());

    it.talk->stop_now();

    CHECK(it.next<closed>().why == close_reason::stopped);
    std::string const said = it.output();
    CHECK(said.starts_with("250 2.0.0 "));
    CHECK(said.find("\r\n421 4.3.2 ") != std::string::npos);
}

TEST_CASE("a step of AUTH that is put off ends as it was judged, though its client hangs up", "[session][auth][time]") {
    struct verdict_of {
        auth_step step;
        auth_outcome ends;
    };
    verdict_of const all[] = {{succeed("alice"), auth_outcome::succeeded},
                              {succeed("alice", "proof"), auth_outcome::succeeded},
                              {fail(), auth_outcome::failed},
                              {refuse_with("{}"), auth_outcome::failed},
                              {fail(auth_problem::expired), auth_outcome::refused},
                              {fail(auth_problem::malformed), auth_outcome::malformed},
                              {fail(auth_problem::unavailable), auth_outcome::unavailable},
                              {continue_with("more"), auth_outcome::aborted}};
    for (verdict_of const& one : all) {
        bare it;
        it.config.extensions.add(std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{"PLAIN"}; }, true));
        it.greet();
        it.feed("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
        it.talk->answer(it.next<auth_started>().ticket, put_off(one.step, 5s));
        CHECK(it.dry());

        it.talk->connection_lost();

        auto const finished = it.next<auth_finished>();
        CHECK(finished.outcome == one.ends);
        CHECK(finished.reply.empty());
        CHECK(it.talk->info().user() == (one.ends == auth_outcome::succeeded ? "alice" : ""));
        CHECK(it.next<closed>().why == close_reason::peer_gone);
        CHECK(it.output().empty());
    }
}

TEST_CASE("a later answer does not prolong the delay of a reply before it", "[session][in-flight]") {
    bare it{[] {
        session_config config;
        config.limits.recipients_in_flight = 2;
        return config;
    }()};
    it.greet();
    it.mail();
    it.recipient_given();  // makes room, so that the next two are asked about together
    it.feed("RCPT TO:<c@x>\r\n");
    it.talk->answer(it.next<recipient_offered>().ticket, accept());
    CHECK(it.dry());
    it.feed("RCPT TO:<d@x>\r\n");
    it.talk->answer(it.next<recipient_offered>().ticket, accept());
    CHECK(it.dry());
    it.output();
    it.feed("RCPT TO:<e@x>\r\nRCPT TO:<f@x>\r\n");
    auto const first = it.next<recipient_offered>();
    auto const second = it.talk->next_event();
    if (!second) return;  // no room: asked one at a time, and there is nothing to show
    it.talk->answer(first.ticket, accept().after(3s));
    it.pass_time(2s);
    it.talk->answer(std::get<recipient_offered>(*second).ticket, accept());
    it.pass_time(1s);
    CHECK(it.dry());
    auto const said = it.output();
    CHECK(std::count(said.begin(), said.end(), '\n') == 2);
}

TEST_CASE("the end withdraws every open recipient", "[session][in-flight]") {
    bare it{[] {
        session_config config;
        config.limits.recipients_in_flight = 3;
        return config;
    }()};
    it.greet();
    it.mail();
    for (int i = 0; i < 3; ++i) it.recipient_given();
    it.feed("RCPT TO:<e@x>\r\nRCPT TO:<f@x>\r\nRCPT TO:<g@x>\r\n");
    std::vector<ticket> open;
    while (auto const what = it.talk->next_event()) open.push_back(std::get<recipient_offered>(*what).ticket);
    REQUIRE_FALSE(open.empty());

    it.talk->answer(open.front(), reject().then_close());

    for (std::size_t i = 1; i < open.size(); ++i) CHECK(it.next<withdrawn>().ticket == open[i]);
    CHECK(it.next<closed>().why == close_reason::refused);
}

TEST_CASE("an idle session borrows nothing", "[session][memory]") {
    bare it;
    it.greet();
    CHECK(it.talk->idle());
    it.mail();
    CHECK_FALSE(it.talk->idle());
    it.feed("RSET\r\n");
    while (it.talk->next_event()) {}
    CHECK_FALSE(it.talk->idle());  // a reply is owed
    it.output();
    CHECK(it.dry());
    CHECK(it.talk->idle());
    it.feed("NO");
    CHECK(it.dry());
    CHECK_FALSE(it.talk->idle());
    it.feed("OP\r\n");
    CHECK(it.dry());
    it.output();
    CHECK(it.talk->idle());
}

TEST_CASE("only a chunk needs the lent buffer; the rest can be kept by the session", "[session][lifetime]") {
    bare it;
    it.begin_message();
    it.feed("text\r\n.\r\nNOOP\r\n");
    auto const chunk = it.next<message_chunk>();
    CHECK(it.talk->views_buffer());
    CHECK(std::string(chunk.octets.data(), chunk.octets.size()) == "text\r\n");
    it.talk->answer(chunk.ticket, accept());
    auto const last = it.next<message_complete>();
    CHECK_FALSE(it.talk->views_buffer());
    CHECK(it.talk->unconsumed() == 6);

    it.talk->keep_rest();
    it.buffers.back().assign(it.buffers.back().size(), '!');

    CHECK(it.talk->unconsumed() == 0);
    it.talk->answer(last.ticket, delivery{accept()});
    CHECK(it.dry());
    std::string const said = it.output();
    CHECK(said.find("250 2.0.0 OK\r\n") != std::string::npos);
    CHECK(it.talk->idle());
}

TEST_CASE("no input is taken while more output is owed than the limit", "[session][output]") {
    bare it{[] {
        session_config config;
        config.budgets.junk = 10'000;
        return config;
    }()};
    it.greet();
    std::string many;
    for (int i = 0; i < 90; ++i) many += "HELP\r\n";
    while (it.talk->output().size() <= it.config.limits.output_octets) {
        if (!it.talk->wants_input()) break;
        it.feed(many);
        CHECK(it.dry());
    }
    CHECK_FALSE(it.talk->wants_input());
    CHECK(it.talk->output().size() <= it.config.limits.output_octets + 512);
    // Sent and pumped, it goes on.
    while (!it.talk->output().empty()) {
        it.output();
        CHECK(it.dry());
    }
    CHECK(it.talk->wants_input());
}

TEST_CASE("a peer that takes none of its replies for two minutes is left", "[session][time]") {
    bare it;
    it.greet();
    it.feed("NOOP\r\n");
    CHECK(it.dry());
    it.pass_time(119s);
    CHECK(it.dry());
    it.talk->output_sent(1);  // progress
    it.pass_time(119s);
    CHECK(it.dry());
    it.pass_time(1s);
    CHECK(it.next<closed>().why == close_reason::output_stalled);
    CHECK(it.talk->ended());
}

TEST_CASE("octets sent where a client must wait are noted", "[session][talked-ahead]") {
    bare it;
    it.greet();
    CHECK_FALSE(it.talk->info().talked_ahead());
    it.feed("MAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\n");
    it.talk->answer(it.next<mail_offered>().ticket, accept());
    it.talk->answer(it.next<recipient_offered>().ticket, accept());
    CHECK(it.dry());
    CHECK_FALSE(it.talk->info().talked_ahead());  // pipelining as it should be
    it.feed("NOOP\r\nNOOP\r\n");
    CHECK(it.dry());
    CHECK(it.talk->info().talked_ahead());
}

TEST_CASE("a host's own extension brings a parameter and a verb", "[session][extension]") {
    struct no_soliciting final : extension {
        std::string_view keyword() const noexcept override { return "NO-SOLICITING"; }
        std::string announcement(session_info const&, session_limits const&) const override { return "org.example:ADV"; }
        std::span<std::string_view const> mail_keywords() const noexcept override {
            static constexpr std::string_view names[] = {"SOLICIT"};
            return names;
        }
        std::optional<reply> mail_parameter(parameter const& given, transaction_editor, session_limits const&) const override {
            if (given.has_value && given.value == "org.example:ADV") return reply{550, "5.7.1", "No advertisements"};
            return std::nullopt;
        }
        std::span<std::string_view const> verbs() const noexcept override {
            static constexpr std::string_view names[] = {"SOLICITING"};
            return names;
        }
    };
    script talk;
    talk.config.extensions.add(std::make_shared<no_soliciting>());
    talk.hooks.on_custom = [](std::string_view verb, std::string_view argument) {
        return reply{250, "2.0.0", std::string(verb) + '=' + std::string(argument)};
    };
    talk.client("soliciting now").server("250 2.0.0 soliciting=now");
    talk.client("EHLO c").server("250-").check([](session_host const& host) {
        CHECK(host.output().find("250 NO-SOLICITING org.example:ADV\r\n") != std::string::npos);
    });
    talk.client("MAIL FROM:<a@b> SOLICIT=org.example:ADV").server("550 5.7.1 No advertisements");
    talk.client("MAIL FROM:<a@b> SOLICIT=other").server("250 2.1.0");
    talk.client("HELP").server("214 2.0.0 *SOLICITING");

    talk.run_every_way();
}

TEST_CASE("the Received field names a recipient only when there is no other", "[session][received]") {
    auto const received = [](std::vector<std::string> const& recipients, bool utf8, bool lmtp) {
        script talk;
        if (lmtp) talk.config.dialect = dialect::lmtp;
        talk.client(lmtp ? "LHLO client.example" : "EHLO client.example").server("250");
        talk.client(std::string("MAIL FROM:<a@example.org>") + (utf8 ? " SMTPUTF8" : "")).server("250");
        for (auto const& to : recipients) talk.client("RCPT TO:<" + to + ">").server("250");
        talk.client("DATA").server("354").client("x").client(".");
        for (std::size_t i = 0; i < (lmtp ? recipients.size() : 1); ++i) talk.server("250");
        std::string field;
        talk.check([&](session_host const& host) { field = host.messages().back().received; });
        talk.run_whole();
        return field;
    };
    auto const one = received({"b@example.org"}, false, false);
    CHECK(one.starts_with("Received: from client.example (unknown [192.0.2.1])"));
    CHECK(one.find("by mx.example.org with ESMTP id ") != std::string::npos);
    CHECK(one.find("for <b@example.org>") != std::string::npos);
    CHECK(one.ends_with("\r\n"));
    CHECK(received({"b@example.org", "c@example.org"}, false, false).find("for <") == std::string::npos);
    CHECK(received({"b@example.org"}, false, true).find("with LMTP id ") != std::string::npos);
    if (extensions::smtputf8::built()) {
        CHECK(received({"b@example.org"}, true, false).find("with UTF8SMTP id ") != std::string::npos);
        CHECK(received({"b@example.org"}, true, true).find("with UTF8LMTP id ") != std::string::npos);
        // UTF-8 in it needs SMTPUTF8 onward; a domain does not.
        CHECK(received({"B@b\xc3\xbc""cher.example"}, true, false).find("for <B@xn--bcher-kva.example>") != std::string::npos);
        CHECK(received({"b\xc3\xb6@b\xc3\xbc""cher.example"}, true, false).find("for <b\xc3\xb6@b\xc3\xbc""cher.example>") != std::string::npos);
    }
}

TEST_CASE("the Received field of a later message tells of the client as it is then", "[session][received]") {
    script talk;
    talk.client("EHLO one.example").server("250");
    envelope_to(talk).client("DATA").server("354").client(".").server("250");
    envelope_to(talk).client("DATA").server("354").client(".").server("250").check([](session_host const& host) {
        CHECK(host.messages().back().received.starts_with("Received: from one.example (unknown [192.0.2.1])\r\n\tby mx.example.org with ESMTP id "));
    });
    talk.client("HELO two.example").server("250");
    envelope_to(talk).client("DATA").server("354").client(".").server("250").check([](session_host const& host) {
        CHECK(host.messages().back().received.starts_with("Received: from two.example (unknown [192.0.2.1])\r\n\tby mx.example.org with SMTP id "));
    });
    talk.run_whole();
}

TEST_CASE("a listener may leave the Received field out", "[session][received]") {
    script talk;
    talk.config.add_received = false;
    talk.client("HELO c").server("250");
    envelope_to(talk).client("DATA").server("354").client(".").server("250").check([](session_host const& host) {
        CHECK(host.messages().back().received.empty());
    });
    talk.run_whole();
}

TEST_CASE("a header section of the greatest size is held back, one octet more refused", "[session][limits]") {
    for (std::size_t const extra : {0u, 1u}) {
        script talk;
        talk.config.hold_headers = true;
        talk.client("EHLO c").server("250");
        std::string header;
        while (header.size() + 1000 < talk.config.limits.header_octets) header += "X: " + std::string(995, 'x') + "\r\n";
        std::size_t const left = talk.config.limits.header_octets - 2 - header.size() + extra;
        header += "Y: " + std::string(left - 5, 'y') + "\r\n";
        envelope_to(talk).client("DATA").server("354").octets(header + "\r\nbody\r\n.\r\n");
        if (extra == 0) talk.expect<headers_complete>().server("250").messages(1);
        else talk.server("552 5.3.4").messages(0);
        talk.run_whole();
    }
}

TEST_CASE("ten thousand fields pass, one more is refused", "[session][limits]") {
    for (unsigned const extra : {0u, 1u}) {
        script talk;
        talk.client("EHLO c").server("250");
        std::string header;
        for (unsigned i = 0; i < talk.config.limits.header_fields + extra; ++i) header += "A:b\r\n";
        envelope_to(talk).client("DATA").server("354").octets(header + "\r\n.\r\n").server(extra == 0 ? "250" : "552 5.3.4");
        talk.run_whole();
    }
}

TEST_CASE("early talk may come while the greeting waits, and is asked about once", "[session][greeting]") {
    bare it{[] {
        session_config config;
        config.timeouts.greeting_delay = 5s;
        return config;
    }()};
    it.talk->answer(it.next<connected>().ticket, accept());
    CHECK(it.dry());
    CHECK(it.output().empty());
    it.feed("EHLO early\r\n");
    it.talk->answer(it.next<early_talk>().ticket, accept());
    CHECK(it.dry());
    it.talk->keep_rest();
    CHECK(it.output().empty());
    it.pass_time(5s);
    CHECK(it.next<greeted>().hello_name == "early");
    CHECK(it.output().starts_with("220 "));
    CHECK(it.talk->info().talked_ahead());
}

TEST_CASE("stop waits for a transaction; a hook that is open is answered first", "[session][stop]") {
    bare it;
    it.greet();
    it.feed("MAIL FROM:<a@b>\r\n");
    auto const asked = it.next<mail_offered>();
    it.talk->stop();
    CHECK(it.dry());
    it.talk->answer(asked.ticket, reject());
    CHECK(it.next<closed>().why == close_reason::stopped);
    auto const said = it.output();
    CHECK(said.starts_with("550 "));
    CHECK(said.find("\r\n421 4.3.2 ") != std::string::npos);
}

TEST_CASE("no case of SMTP smuggling yields a second message", "[session][smuggling][data]") {
    auto const vectors = mailquay_test::read_data("smuggling/vectors.json");
    if (!vectors) {
        WARN("no smuggling vectors: set MAILQUAY_TEST_DATA");
        return;
    }
    auto const value = [](std::string_view text, std::string_view key, std::size_t& at) -> std::optional<std::string> {
        auto const found = text.find("\"" + std::string(key) + "\": \"", at);
        if (found == std::string_view::npos) return std::nullopt;
        auto const start = found + key.size() + 5;
        at = text.find('"', start);
        return std::string(text.substr(start, at - start));
    };
    auto const octets_of = [](std::string const& hex) {
        std::string octets;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2) octets += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        return octets;
    };
    std::string_view const all = std::string_view{*vectors}.substr(0, vectors->find("\"command_stream\""));
    std::size_t at = all.find("\"end_of_data\"");
    std::size_t cases = 0;
    while (auto const name = value(all, "name", at)) {
        auto const sequence = octets_of(value(all, "sequence_hex", at).value());
        auto const data = octets_of(value(all, "data_hex", at).value());
        ++cases;
        bool const is_end = sequence == "\r\n.\r\n";
        for (auto const policy : {line_ending_policy::refuse, line_ending_policy::normalise, line_ending_policy::keep})
            for (int const manner_of_input : {0, 1}) {
                INFO(*name << " under policy " << static_cast<int>(policy));
                session_config config;
                config.hostname = "mx.example.org";
                config.extensions = extension_registry::standard();
                config.line_endings = policy;
                mailquay_test::host_hooks const hooks;
                session_host host{config, hooks, mailquay_test::manner{}};
                host.connect();
                for (char const* line : {"EHLO c\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<b@example.org>\r\n", "DATA\r\n"})
                    host.send(line);
                if (manner_of_input == 0) host.send(data);
                else
                    for (char const& c : data) host.send({&c, 1});
                host.check_end();
                bool const bad = [&] {
                    for (std::size_t i = 0; i < data.size(); ++i)
                        if ((data[i] == '\n' && (i == 0 || data[i - 1] != '\r')) ||
                            (data[i] == '\r' && (i + 1 == data.size() || data[i + 1] != '\n')))
                            return true;
                    return false;
                }();
                std::size_t const wanted = is_end ? 2 : bad && policy == line_ending_policy::refuse ? 0 : 1;
                CHECK(host.messages().size() == wanted);
            }
    }
    CHECK(cases == 18);
}

}  // namespace test_session
