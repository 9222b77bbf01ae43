#include <mailquay/handler/pipeline.hpp>

#include "support/catch.hpp"
#include "support/pipeline_bench.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace test_pipeline {

using namespace std::chrono_literals;

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

TEST_CASE("authenticated users are spared policies where that is set, but not those that ask about users", "[pipeline][auth]") {
    struct about_users final : policy {
        explicit about_users(strings& into) : notes(into) {}
        bool asks_about_users() const noexcept override { return true; }
        eventual<verdict> on_mail(transaction const&) override {
            notes.emplace_back("users");
            return pass();
        }
        strings& notes;
    };
    strings notes;
    bench b;
    b.set.policies = {make_policy(noting_policy{&notes, "strangers"}), std::make_shared<about_users>(notes)};
    CHECK(run(b.io, b.make()->mail(b.made.mail)).accepts());
    CHECK(notes == strings{"strangers.mail", "users"});

    notes.clear();
    b.made.client.set_user("alice");
    CHECK(run(b.io, b.make()->mail(b.made.mail)).accepts());
    CHECK(notes == strings{"strangers.mail", "users"});

    notes.clear();
    b.set.spare_users = true;
    CHECK(run(b.io, b.make()->mail(b.made.mail)).accepts());
    CHECK(notes == strings{"users"});
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
