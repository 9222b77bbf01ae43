#include <mailquay/handler/pipeline.hpp>

#include "support/catch.hpp"
#include "support/pipeline_bench.hpp"

#include <stdexcept>
#include <string>
#include <system_error>

namespace test_pipeline {

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

TEST_CASE("an alias of more members than a transaction keeps is refused with a log line", "[pipeline][rcpt]") {
    bool const asynchronous = GENERATE(false, true);
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "p"})};
    b.set.recipients = {validator(notes, "v", accept().deliver_to(strings(max_alias_members + 1, "a@example.org")), asynchronous)};
    recipient const to = b.offered("team", "example.org");

    CHECK(run(b.io, b.make()->recipient(b.made.mail, to)).named() == &replies::local_error);

    CHECK(notes == strings{"p.recipient", "v"});
    REQUIRE(b.lines.size() == 1);
    CHECK_THAT(b.lines[0], Catch::Contains("hook-failed") && Catch::Contains("hook=validate") && Catch::Contains("more than 100 addresses"));

    b.set.recipients = {validator(notes, "v", accept().deliver_to(strings(max_alias_members, "a@example.org")), asynchronous)};
    CHECK(run(b.io, b.make()->recipient(b.made.mail, to)).accepts());
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

TEST_CASE("without policies a validator's yes keeps its delay, its reply and its end", "[pipeline][rcpt]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    strings notes;
    recipient const to = b.offered("bob", "example.org");

    b.set.recipients = {validator(notes, "v", accept().after(std::chrono::milliseconds{20}).then_close(), asynchronous)};
    verdict const plain = run(b.io, b.make()->recipient(b.made.mail, to));
    CHECK(plain.accepts());
    CHECK(plain.delay() == std::chrono::milliseconds{20});
    CHECK(plain.closes());

    b.set.recipients = {validator(notes, "v", pass().after(std::chrono::milliseconds{30}), asynchronous), validator(notes, "w", accept(replies::ok))};
    verdict const named = run(b.io, b.make()->recipient(b.made.mail, to));
    CHECK(named.named() == &replies::ok);
    CHECK(named.delay() == std::chrono::milliseconds{30});
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

TEST_CASE("a recipient above what the sink takes at once is deferred, but not over LMTP", "[pipeline][rcpt]") {
    bench b;
    strings notes;
    b.to->most_recipients = 1;
    verdict const yes = GENERATE(0, 1) == 0 ? accept() : accept().mailbox("carol");
    b.set.recipients = {validator(notes, "v", yes)};
    auto const p = b.make();
    recipient const to = b.offered("carol", "example.org");

    CHECK(run(b.io, p->recipient(b.made.mail, to)).accepts());
    b.made.to("bob@example.org");
    CHECK(run(b.io, p->recipient(b.made.mail, to)).named() == &replies::too_many_recipients);
    b.made.client.set_lmtp(true);
    CHECK(run(b.io, p->recipient(b.made.mail, to)).accepts());
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

}  // namespace test_pipeline
