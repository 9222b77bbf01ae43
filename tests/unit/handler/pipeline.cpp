#include <mailquay/handler/pipeline.hpp>

#include <mailquay/handler/make_message_filter.hpp>
#include <mailquay/handler/make_observer.hpp>
#include <mailquay/handler/make_policy.hpp>
#include <mailquay/handler/make_recipient_validator.hpp>
#include <mailquay/handler/quarantine.hpp>
#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"
#include "support/run_eventual.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace test_pipeline {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// What a sink was given, and what it answers.
struct kept_mail {
    std::string octets{};
    int writes = 0;
    int opened = 0;
    int finished = 0;
    int destroyed = 0;
    commit how{};
    bool asynchronous = false;
    verdict on_write = accept();
    delivery on_finish = accept();
    bool throw_in_open = false;
    bool throw_in_write = false;
    bool throw_in_finish = false;
    std::string quarantined_at_finish{};
};

class writer final : public message_writer {
public:
    writer(kept_mail& kept, transaction const& mail) : kept_(kept), mail_(mail) {}
    ~writer() override { ++kept_.destroyed; }
    eventual<verdict> write(std::span<char const> octets) override {
        if (kept_.throw_in_write) throw std::runtime_error("no");
        kept_.octets.append(octets.data(), octets.size());
        ++kept_.writes;
        if (kept_.asynchronous) return later(kept_.on_write);
        return kept_.on_write;
    }
    eventual<delivery> finish(commit how) override {
        if (kept_.throw_in_finish) throw std::runtime_error("no");
        ++kept_.finished;
        kept_.how = how;
        kept_.quarantined_at_finish = quarantine_of(mail_);
        if (kept_.asynchronous) return later_delivery();
        return std::move(kept_.on_finish);
    }

private:
    asio::awaitable<delivery> later_delivery() {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        co_return std::move(kept_.on_finish);
    }

    kept_mail& kept_;
    transaction const& mail_;
};

class sink final : public message_sink {
public:
    explicit sink(kept_mail& kept) : kept_(kept) {}
    eventual<opened> open(transaction const& mail) override {
        if (kept_.throw_in_open) throw std::runtime_error("no");
        ++kept_.opened;
        if (refusal) return opened{*refusal};
        if (kept_.asynchronous) return open_later(mail);
        return opened{std::make_unique<writer>(kept_, mail)};
    }
    recipient_group group(recipient const& to) const override {
        return {by_domain ? std::string(to.domain()) : by_mailbox ? std::string(to.mailbox) : std::string{}};
    }

    std::optional<verdict> refusal{};
    bool by_domain = false;
    bool by_mailbox = false;

private:
    asio::awaitable<opened> open_later(transaction const& mail) {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        opened made{std::make_unique<writer>(kept_, mail)};
        co_return made;
    }
    kept_mail& kept_;
};

struct bench {
    kept_mail kept{};
    std::shared_ptr<test_pipeline::sink> to = std::make_shared<test_pipeline::sink>(kept);
    handlers set{};
    strings lines{};
    asio::io_context io{};
    made_transaction made{};

    bench() {
        set.sink = to;
        set.buffers = std::make_shared<memory_buffers>(1'000'000);
        made.received("Received: by us;\r\n\tnow\r\n");
    }
    std::shared_ptr<pipeline const> make() {
        logger log{log_level::trace, [this](log_level, std::string_view line) { lines.emplace_back(line); }};
        return std::make_shared<pipeline const>(set, log);
    }
    bool logged(std::string_view part) const {
        for (auto const& one : lines)
            if (one.find(part) != std::string::npos) return true;
        return false;
    }
    recipient offered(std::string_view local, std::string_view domain) {
        recipient to_offer;
        to_offer.forward_path = {local, local, domain};
        return to_offer;
    }
    /// Sends a message as a session would: header shown if anyone needs it, then all octets in pieces of `step`.
    delivery send(std::string_view header, std::string_view body, std::size_t step, commit how = commit::all_or_none) {
        auto const through = make();
        pipeline::message message{through, made.mail};
        verdict given = run(io, message.start());
        if (given.refuses()) return given;
        if (through->needs() >= message_needs::headers) {
            given = run(io, message.headers(header));
            if (given.refuses()) return given;
        }
        std::string const whole = std::string{header} + std::string{body};
        for (std::size_t at = 0; at < whole.size(); at += step) {
            std::string const piece = whole.substr(at, step);
            given = run(io, message.chunk(piece));
            if (given.refuses()) return given;
        }
        return run(io, message.complete(how));
    }
};

/// A policy whose every stage notes its name and answers from a list.
struct noting_policy {
    strings* notes;
    std::string name;
    verdict answer = pass();
    bool later_answer = false;

    eventual<verdict> say(std::string_view stage) {
        notes->push_back(name + "." + std::string(stage));
        if (later_answer) return later(answer);
        return answer;
    }
    eventual<verdict> on_connect(session_info const&) { return say("connect"); }
    eventual<verdict> on_hello(session_info const&, std::string_view text) { return say("hello:" + std::string(text)); }
    eventual<verdict> on_mail(transaction const&) { return say("mail"); }
    eventual<verdict> on_recipient(transaction const&, recipient const&) { return say("recipient"); }
    eventual<verdict> on_recipient_accepted(transaction const&, recipient const&) { return say("accepted"); }
    eventual<verdict> on_data(transaction const&) { return say("data"); }
};

auto validator(strings& notes, std::string name, verdict answer, bool later_answer = false) {
    return make_recipient_validator([&notes, name, answer, later_answer](transaction const&, recipient const&) -> eventual<verdict> {
        notes.push_back(name);
        if (later_answer) return later(answer);
        return answer;
    });
}

constexpr std::string_view a_header = "From: a@b\r\nSubject: x\r\n\r\n";
constexpr std::string_view a_body = "Hello,\r\nworld\r\n";

TEST_CASE("a pipeline without a sink is a start-up error that names the cure", "[pipeline]") {
    handlers none;
    CHECK_THROWS_WITH((pipeline{none, logger{}}), Catch::Contains("sink"));
}

TEST_CASE("a null handler and a filter that edits without buffers are start-up errors", "[pipeline]") {
    bench b;
    b.set.policies.push_back(nullptr);
    CHECK_THROWS_AS(b.make(), std::invalid_argument);

    bench c;
    c.set.buffers = nullptr;
    c.set.filters.push_back(make_message_filter([](message_edit&) { return pass(); }));
    CHECK_THROWS_WITH(c.make(), Catch::Contains("buffers"));
}

TEST_CASE("without policies every stage but RCPT is accepted at once", "[pipeline]") {
    bench b;
    auto const p = b.make();

    auto answer = p->connect(b.made.client);
    REQUIRE(answer.ready());
    CHECK(std::move(answer).value().accepts());
    CHECK(run(b.io, p->early_talk(b.made.client)).accepts());
    CHECK(run(b.io, p->hello(b.made.client, "c")).accepts());
    CHECK(run(b.io, p->mail(b.made.mail)).accepts());
    p->close(b.made.client);
}

TEST_CASE("policies are asked in order until one has an opinion", "[pipeline]") {
    bool const asynchronous = GENERATE(false, true);
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "one", pass(), asynchronous}),
                      make_policy(noting_policy{&notes, "two", pass(), asynchronous})};

    SECTION("all pass: accepted") {
        CHECK(run(b.io, b.make()->hello(b.made.client, "c.example")).accepts());
        CHECK(notes == strings{"one.hello:c.example", "two.hello:c.example"});
    }
    SECTION("a refusal ends the stage") {
        b.set.policies.insert(b.set.policies.begin(), make_policy(noting_policy{&notes, "no", reject(replies::rejected), asynchronous}));
        verdict const given = run(b.io, b.make()->mail(b.made.mail));
        CHECK(given.kind() == verdict_kind::reject);
        CHECK(given.named() == &replies::rejected);
        CHECK(notes == strings{"no.mail"});
    }
    SECTION("accept() spares the remaining policies") {
        b.set.policies.insert(b.set.policies.begin(), make_policy(noting_policy{&notes, "yes", accept(), asynchronous}));
        CHECK(run(b.io, b.make()->connect(b.made.client)).accepts());
        CHECK(notes == strings{"yes.connect"});
    }
}

TEST_CASE("a policy is asked only at the stages it has", "[pipeline]") {
    bench b;
    int asked = 0;
    struct only_mail {
        int* asked;
        verdict on_mail(transaction const&) { return ++*asked, defer(); }
    };
    b.set.policies = {make_policy(only_mail{&asked})};
    auto const p = b.make();

    CHECK(run(b.io, p->connect(b.made.client)).accepts());
    CHECK(asked == 0);
    CHECK(run(b.io, p->mail(b.made.mail)).refuses());
    CHECK(asked == 1);
}

TEST_CASE("a delay of a policy that passes counts for the stage, the longest wins", "[pipeline]") {
    bench b;
    b.set.policies = {make_policy([](session_info const&) { return pass().after(300ms); }),
                      make_policy([](session_info const&) { return pass().after(200ms); })};
    verdict const given = run(b.io, b.make()->connect(b.made.client));
    CHECK(given.accepts());
    CHECK(given.delay() == 300ms);
}

TEST_CASE("no policy can say yes to a recipient", "[pipeline][rcpt]") {
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "yes", accept()})};
    auto const p = b.make();
    recipient const to = b.offered("bob", "example.org");

    verdict const given = run(b.io, p->recipient(b.made.mail, to));

    CHECK(given.named() == &replies::relay_denied);
    CHECK(notes == strings{"yes.recipient"});
}

TEST_CASE("RCPT asks on_recipient, then validators until one does not pass, then on_recipient_accepted", "[pipeline][rcpt]") {
    bool const asynchronous = GENERATE(false, true);
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "p", pass(), asynchronous}),
                      make_policy(noting_policy{&notes, "q", pass(), asynchronous})};
    b.set.recipients = {validator(notes, "v1", pass(), asynchronous), validator(notes, "v2", accept().mailbox("bob"), asynchronous),
                        validator(notes, "v3", reject(), asynchronous)};
    recipient const to = b.offered("bob", "example.org");

    verdict const given = run(b.io, b.make()->recipient(b.made.mail, to));

    CHECK(given.accepts());
    CHECK(given.resolved_mailbox() == "bob");
    CHECK(notes == strings{"p.recipient", "q.recipient", "v1", "v2", "p.accepted", "q.accepted"});
}

TEST_CASE("an accept() of on_recipient spares the other policies, not the validators", "[pipeline][rcpt]") {
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "p", accept()}), make_policy(noting_policy{&notes, "q"})};
    b.set.recipients = {validator(notes, "v", accept())};
    recipient const to = b.offered("bob", "example.org");

    CHECK(run(b.io, b.make()->recipient(b.made.mail, to)).accepts());
    CHECK(notes == strings{"p.recipient", "v", "p.accepted"});
}

TEST_CASE("a validator's refusal decides, and on_recipient_accepted is not asked", "[pipeline][rcpt]") {
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "p"})};
    b.set.recipients = {validator(notes, "v1", reject(replies::no_such_user)), validator(notes, "v2", accept())};
    recipient const to = b.offered("bob", "example.org");

    CHECK(run(b.io, b.make()->recipient(b.made.mail, to)).named() == &replies::no_such_user);
    CHECK(notes == strings{"p.recipient", "v1"});
}

TEST_CASE("on_recipient_accepted may still say no", "[pipeline][rcpt]") {
    bench b;
    strings notes;
    struct greylist {
        verdict on_recipient_accepted(transaction const&, recipient const&) { return defer(replies::greylisted); }
    };
    b.set.policies = {make_policy(greylist{})};
    b.set.recipients = {validator(notes, "v", accept().mailbox("bob"))};
    recipient const to = b.offered("bob", "example.org");

    verdict const given = run(b.io, b.make()->recipient(b.made.mail, to));
    CHECK(given.named() == &replies::greylisted);
    CHECK(given.resolved_mailbox().empty());
}

TEST_CASE("a recipient of another group than the first is deferred, but not over LMTP", "[pipeline][rcpt]") {
    bench b;
    strings notes;
    b.to->by_domain = true;
    b.set.recipients = {validator(notes, "v", accept())};
    auto const p = b.make();
    recipient const here = b.offered("carol", "example.org");
    recipient const there = b.offered("carol", "other.example");

    CHECK(run(b.io, p->recipient(b.made.mail, there)).accepts());
    b.made.to("bob@example.org");
    CHECK(run(b.io, p->recipient(b.made.mail, here)).accepts());
    CHECK(run(b.io, p->recipient(b.made.mail, there)).named() == &replies::one_destination);
    b.made.client.set_lmtp(true);
    CHECK(run(b.io, p->recipient(b.made.mail, there)).accepts());
}

TEST_CASE("groups are told by what a recipient resolves to", "[pipeline][rcpt]") {
    bench b;
    strings notes;
    b.to->by_mailbox = true;
    b.made.to("bob@example.org", "bob");
    recipient const alias = b.offered("robert", "example.org");

    b.set.recipients = {validator(notes, "v", accept().mailbox("bob"))};
    CHECK(run(b.io, b.make()->recipient(b.made.mail, alias)).accepts());
    b.set.recipients = {validator(notes, "v", accept().mailbox("carol"))};
    CHECK(run(b.io, b.make()->recipient(b.made.mail, alias)).named() == &replies::one_destination);
}

TEST_CASE("a plug-in that throws is 451 4.3.0 and a log line, at once or later", "[pipeline][errors]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    strings notes;
    auto const throws_later = []() -> asio::awaitable<verdict> {
        throw std::runtime_error("boom");
        co_return pass();
    };
    b.set.recipients = {make_recipient_validator([=](transaction const&, recipient const&) -> eventual<verdict> {
        if (asynchronous) return throws_later();
        throw std::runtime_error("boom");
    })};
    recipient const to = b.offered("bob", "example.org");

    verdict const given = run(b.io, b.make()->recipient(b.made.mail, to));

    CHECK(given.named() == &replies::local_error);
    CHECK(b.logged("hook-failed"));
    CHECK(b.logged("hook=validate"));
    CHECK(b.logged("boom"));
    CHECK(b.logged(std::string(b.made.mail.id())));
}

TEST_CASE("busy workers are 451 4.3.2", "[pipeline][errors]") {
    bench b;
    b.set.policies = {make_policy([](session_info const&) -> verdict { throw workers_busy{}; })};
    CHECK(run(b.io, b.make()->connect(b.made.client)).named() == &replies::queue_full);
    CHECK(b.logged("workers-busy"));
}

TEST_CASE("a cancelled hook is 451, and no error line", "[pipeline][errors]") {
    bench b;
    b.set.policies = {make_policy([](session_info const&) -> verdict {
        throw std::system_error(std::make_error_code(std::errc::operation_canceled));
    })};
    CHECK(run(b.io, b.make()->connect(b.made.client)).named() == &replies::local_error);
    CHECK(b.logged("hook-cancelled"));
    CHECK_FALSE(b.logged("hook-failed"));
}

TEST_CASE("what is not a std::exception is caught too", "[pipeline][errors]") {
    bench b;
    b.set.policies = {make_policy([](session_info const&) -> verdict { throw 7; })};
    CHECK(run(b.io, b.make()->connect(b.made.client)).named() == &replies::local_error);
}

TEST_CASE("a message goes straight to the writer, Received first", "[pipeline][message]") {
    bench b;
    b.kept.asynchronous = GENERATE(false, true);
    std::size_t const step = GENERATE(1u, 5u, 1000u);
    b.made.to("bob@example.org");

    delivery const done = b.send(a_header, a_body, step);

    CHECK(done.combined().accepts());
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + std::string(a_header) + std::string(a_body));
    CHECK(b.kept.finished == 1);
    CHECK(b.kept.destroyed == 1);
}

TEST_CASE("an empty message has its Received field", "[pipeline][message]") {
    bench b;
    CHECK(b.send("", "", 1).combined().accepts());
    CHECK(b.kept.octets == b.made.mail.received_field());
}

TEST_CASE("where no Received is added none is written", "[pipeline][message]") {
    bench b;
    b.made.received("");
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.octets == std::string(a_header) + std::string(a_body));
}

TEST_CASE("on_data is asked before the sink is opened", "[pipeline][message]") {
    bool const asynchronous = GENERATE(false, true);
    strings notes;
    bench b;
    b.kept.asynchronous = asynchronous;
    b.set.policies = {make_policy(noting_policy{&notes, "p", defer(replies::rate_limited), asynchronous})};
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::rate_limited);
    CHECK(b.kept.opened == 0);

    b.set.policies = {make_policy(noting_policy{&notes, "p", pass(), asynchronous})};
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.opened == 1);
}

TEST_CASE("a sink that cannot open says so before the body", "[pipeline][message]") {
    bench b;
    b.to->refusal = defer(replies::no_storage);
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::no_storage);
    CHECK(b.kept.octets.empty());

    b.to->refusal = accept();
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
    CHECK(b.logged("hook=open"));
}

TEST_CASE("a writer's refusal is the answer, and nothing stays", "[pipeline][message]") {
    bench b;
    b.kept.asynchronous = GENERATE(false, true);
    b.kept.on_write = defer(replies::no_storage);
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::no_storage);
    CHECK(b.kept.finished == 0);
    CHECK(b.kept.destroyed == 1);
}

TEST_CASE("pass() from a writer is a host's mistake: 451 4.3.0 and a log line", "[pipeline][message]") {
    bench b;
    b.kept.asynchronous = GENERATE(false, true);
    SECTION("write") {
        b.kept.on_write = pass();
        CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
        CHECK(b.logged("hook=write"));
        CHECK(b.kept.destroyed == 1);
    }
    SECTION("finish") {
        b.kept.on_finish = delivery{};
        CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
        CHECK(b.logged("hook=finish"));
    }
    SECTION("finish for one of several") {
        b.made.to("a@example.org").to("b@example.org");
        b.kept.on_finish = std::vector<verdict>{accept(), pass()};
        delivery const done = b.send(a_header, a_body, 9, commit::each);
        REQUIRE(done.each().size() == 2);
        CHECK(done.each()[0].accepts());
        CHECK(done.each()[1].named() == &replies::local_error);
    }
    SECTION("finish with too few") {
        b.made.to("a@example.org").to("b@example.org");
        b.kept.on_finish = std::vector<verdict>{accept()};
        CHECK(b.send(a_header, a_body, 9, commit::each).combined().named() == &replies::local_error);
    }
}

TEST_CASE("the writer is told how to commit", "[pipeline][message]") {
    bench b;
    b.made.to("a@example.org").to("b@example.org");
    b.kept.on_finish = std::vector<verdict>{accept(), reject(replies::no_such_user)};
    delivery const done = b.send(a_header, a_body, 9, commit::each);
    CHECK(b.kept.how == commit::each);
    CHECK(done.accepted_for(0));
    CHECK_FALSE(done.accepted_for(1));
}

TEST_CASE("an exception of sink or writer is 451 4.3.0, and the writer is let go", "[pipeline][message][errors]") {
    bench b;
    SECTION("open") { b.kept.throw_in_open = true; }
    SECTION("write") { b.kept.throw_in_write = true; }
    SECTION("finish") { b.kept.throw_in_finish = true; }
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
    CHECK(b.logged("hook-failed"));
    CHECK(b.kept.destroyed == b.kept.opened);
}

TEST_CASE("a message that is abandoned lets go of its writer at once", "[pipeline][message]") {
    bench b;
    pipeline::message message{b.make(), b.made.mail};
    REQUIRE(run(b.io, message.start()).accepts());

    message.abandon();

    CHECK(b.kept.destroyed == 1);
    CHECK(run(b.io, message.chunk(std::string_view{"x"})).refuses());
    CHECK(run(b.io, message.complete(commit::all_or_none)).combined().refuses());
}

TEST_CASE("abandoned while a write is under way, the writer goes when that has answered", "[pipeline][message]") {
    bench b;
    b.kept.asynchronous = true;
    pipeline::message message{b.make(), b.made.mail};
    REQUIRE(run(b.io, message.start()).accepts());
    bool answered = false;
    asio::co_spawn(b.io, wait_for(message.chunk(std::string_view{"x"})), [&](std::exception_ptr, verdict) { answered = true; });
    b.io.restart();
    b.io.run_one();  // started, and waits in write()
    REQUIRE_FALSE(answered);

    message.abandon();
    CHECK(b.kept.destroyed == 0);

    b.io.run();
    CHECK(answered);
    CHECK(b.kept.destroyed == 1);
}

TEST_CASE("policies see the header section before it flows, and may refuse", "[pipeline][message]") {
    bool const asynchronous = GENERATE(false, true);
    struct header_policy {
        std::string* seen;
        bool later_answer;
        verdict answer;
        eventual<verdict> on_headers(transaction const&, std::string_view header) {
            *seen = header;
            if (later_answer) return later(answer);
            return answer;
        }
    };
    bench b;
    std::string seen;
    b.set.policies = {make_policy(header_policy{&seen, asynchronous, reject(replies::rejected)})};
    CHECK(b.make()->needs() == message_needs::headers);
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::rejected);
    CHECK(seen == a_header);
    CHECK(b.kept.octets.empty());
    CHECK(b.kept.destroyed == 1);
}

/// Notes what it sees; may refuse at a step, and edit.
struct noting_run {
    strings* notes;
    std::string name;
    bool later_answer;
    verdict answer(bool) const { return pass(); }
    eventual<verdict> say(std::string what) {
        notes->push_back(name + ":" + what);
        if (later_answer) return later(pass());
        return pass();
    }
};
struct streaming_run : noting_run {
    eventual<verdict> on_headers(std::string_view header) { return say("headers " + std::string(header)); }
    eventual<verdict> on_chunk(std::span<char const> octets) { return say("chunk " + std::string(octets.data(), octets.size())); }
    eventual<verdict> on_end() { return say("end"); }
};
struct editing_run : streaming_run {
    eventual<verdict> on_end(message_edit& message) {
        message.add_field("X-" + name, "1");
        return say("end " + std::string(message.header()));
    }
};
template <class Run>
struct noting_filter {
    strings* notes;
    std::string name;
    bool later_answer;
    Run begin(transaction const&) { return Run{{noting_run{notes, name, later_answer}}}; }
};
template <>
inline streaming_run noting_filter<streaming_run>::begin(transaction const&) {
    return streaming_run{noting_run{notes, name, later_answer}};
}

TEST_CASE("a filter without edits is shown header and body as they pass, and the message is not buffered", "[pipeline][filter]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    b.kept.asynchronous = asynchronous;
    b.set.buffers = nullptr;
    strings notes;
    b.set.filters = {make_message_filter(noting_filter<streaming_run>{&notes, "f", asynchronous})};
    CHECK(b.make()->needs() == message_needs::body);

    CHECK(b.send("A: b\r\n\r\n", "one\r\ntwo\r\n", 10).combined().accepts());

    CHECK(notes == strings{"f:headers A: b\r\n\r\n", "f:chunk on", "f:chunk e\r\ntwo\r\n", "f:end"});
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "A: b\r\n\r\none\r\ntwo\r\n");
}

TEST_CASE("with edits each filter sees its predecessors' edits, and the writer the last of them", "[pipeline][filter]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    b.kept.asynchronous = asynchronous;
    strings notes;
    b.set.filters = {make_message_filter(noting_filter<streaming_run>{&notes, "f", asynchronous}),
                     make_message_filter(noting_filter<editing_run>{&notes, "g", asynchronous}),
                     make_message_filter(noting_filter<editing_run>{&notes, "h", asynchronous})};
    CHECK(b.make()->needs() == message_needs::edits);

    CHECK(b.send("A: b\r\n\r\n", "one\r\n", 100).combined().accepts());

    CHECK(notes == strings{"f:headers A: b\r\n\r\n", "g:headers A: b\r\n\r\n", "f:chunk one\r\n", "g:chunk one\r\n", "f:end",
                           "g:end X-g: 1\r\nA: b\r\n\r\n", "h:headers X-g: 1\r\nA: b\r\n\r\n", "h:chunk one\r\n",
                           "h:end X-h: 1\r\nX-g: 1\r\nA: b\r\n\r\n"});
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "X-h: 1\r\nX-g: 1\r\nA: b\r\n\r\none\r\n");
}

TEST_CASE("a buffered message arrives whole whatever its size and split", "[pipeline][filter]") {
    bench b;
    std::size_t const size = GENERATE(0u, 1u, 65536u, 65537u, 200'000u);
    std::string body(size, 'x');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 26);
    b.set.filters = {make_message_filter([](message_edit& message) {
        message.add_field("X-Seen", std::to_string(message.body_octets()), field_place::bottom);
        return pass();
    })};

    CHECK(b.send(a_header, body, 7919).combined().accepts());

    std::string expected{b.made.mail.received_field()};
    expected += "From: a@b\r\nSubject: x\r\nX-Seen: " + std::to_string(size) + "\r\n\r\n";
    CHECK(b.kept.octets == expected + body);
}

TEST_CASE("a message that cannot be buffered is deferred as the storage table says", "[pipeline][filter]") {
    bench b;
    b.set.buffers = std::make_shared<memory_buffers>(10);
    b.set.filters = {make_message_filter([](message_edit&) { return pass(); })};
    CHECK(b.send(a_header, "12345678901", 100).combined().named() == &replies::no_storage);
    CHECK(b.kept.octets.empty());
    CHECK(b.kept.destroyed == 1);
    CHECK(b.logged("buffer-failed"));
}

TEST_CASE("a filter's refusal ends the message at each step, and nothing stays", "[pipeline][filter]") {
    struct refusing {
        std::string where;
        struct a_run {
            std::string where;
            verdict at(std::string_view step) const { return where == step ? reject(replies::transaction_failed) : pass(); }
            verdict on_headers(std::string_view) { return at("headers"); }
            verdict on_chunk(std::span<char const>) { return at("chunk"); }
            verdict on_end(message_edit&) { return at("end"); }
        };
        a_run begin(transaction const&) { return {where}; }
    };
    bench b;
    std::string const where = GENERATE(as<std::string>{}, "headers", "chunk", "end");
    b.set.filters = {make_message_filter(refusing{where})};
    if (GENERATE(false, true)) b.set.filters.insert(b.set.filters.begin(), make_message_filter([](message_edit&) { return pass(); }));

    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::transaction_failed);
    CHECK(b.kept.finished == 0);
    CHECK(b.kept.octets.empty());
    CHECK(b.kept.destroyed == 1);
}

TEST_CASE("an edit by a filter that did not ask for edits defers the message", "[pipeline][filter]") {
    struct sneaky {
        struct a_run final : filter_run {
            eventual<verdict> on_end(message_edit& message) override {
                message.add_field("X", "y");
                return pass();
            }
        };
        message_needs needs() const { return message_needs::headers; }
        std::unique_ptr<filter_run> begin(transaction const&) { return std::make_unique<a_run>(); }
    };
    bench b;
    b.set.filters = {make_message_filter(sneaky{})};
    if (GENERATE(false, true)) b.set.filters.push_back(make_message_filter([](message_edit&) { return pass(); }));
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
    CHECK(b.logged("needs()"));
}

TEST_CASE("a quarantined message reaches the sink with its reason, and the log", "[pipeline][filter]") {
    bench b;
    b.set.filters = {make_message_filter([](transaction const&, message_edit& message) {
        message.quarantine("virus");
        return accept();
    })};
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.quarantined_at_finish == "virus");
    CHECK(b.logged("quarantined"));
}

TEST_CASE("a filter may leave a message alone", "[pipeline][filter]") {
    struct nothing {
        message_needs needs() const { return message_needs::edits; }
        std::unique_ptr<filter_run> begin(transaction const&) { return nullptr; }
    };
    bench b;
    b.set.filters = {make_message_filter(nothing{})};
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + std::string(a_header) + std::string(a_body));
}

TEST_CASE("a field given to a message without header begins one", "[pipeline][filter]") {
    bench b;
    b.set.filters = {make_message_filter([](message_edit& message) {
        message.add_field("X-A", "b");
        return pass();
    })};
    CHECK(b.send("", "just text\r\n", 100).combined().accepts());
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "X-A: b\r\n\r\njust text\r\n");
}

TEST_CASE("observers are told what they want to know", "[pipeline][observer]") {
    struct counter {
        int* seen;
        observation_kind wants() const noexcept { return observation_kind::opened | observation_kind::closed; }
        void on_event(observation const&) { ++*seen; }
    };
    bench b;
    int seen = 0;
    int all = 0;
    b.set.observers = {make_observer(counter{&seen}), make_observer([&](observation const&) { ++all, throw 1; })};
    auto const p = b.make();

    p->tell(observation{observation_kind::opened, b.made.client});
    p->tell(observation{observation_kind::greeted, b.made.client});

    CHECK(seen == 1);
    CHECK(all == 2);
    b.set.observers.pop_back();
    CHECK_FALSE(b.make()->observed(observation_kind::greeted));
    CHECK(b.make()->observed(observation_kind::all));
}

TEST_CASE("closing tells the policies that have the stage", "[pipeline]") {
    struct closing {
        int* closed;
        void on_close(session_info const&) { ++*closed, throw 1; }
    };
    bench b;
    int closed = 0;
    b.set.policies = {make_policy(closing{&closed})};
    b.make()->close(b.made.client);
    CHECK(closed == 1);
}

}  // namespace test_pipeline
