#include <mailquay/handler/pipeline.hpp>

#include "support/catch.hpp"
#include "support/pipeline_bench.hpp"

#include <exception>
#include <string>

namespace test_pipeline {

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
    auto const through = b.make();
    pipeline::message message{*through, b.made.mail};
    REQUIRE(run(b.io, message.start()).accepts());

    message.abandon();

    CHECK(b.kept.destroyed == 1);
    CHECK(run(b.io, message.chunk(std::string_view{"x"})).refuses());
    CHECK(run(b.io, message.complete(commit::all_or_none)).combined().refuses());
}

TEST_CASE("abandoned while a write is under way, the writer goes when that has answered", "[pipeline][message]") {
    bench b;
    b.kept.asynchronous = true;
    auto const through = b.make();
    pipeline::message message{*through, b.made.mail};
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

}  // namespace test_pipeline
