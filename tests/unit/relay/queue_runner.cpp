#include <mailquay/relay/queue_runner.hpp>

#include "support/catch.hpp"
#include "support/runner_place.hpp"

#include <atomic>
#include <set>
#include <string>
#include <thread>

namespace test_queue_runner {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::holds;
using mailquay_test::made_transaction;
using mailquay_test::runner_place;
using mailquay_test::scripted_carrier;

void by_a_user(made_transaction& given) { given.client.set_user("ada"); }

std::function<scripted_carrier::answer(consignment const&)> always(carried_state state, std::string reply) {
    return [state, reply](consignment const& what) { return scripted_carrier::all(what, state, reply); };
}

TEST_CASE("what is in the queue is delivered and leaves it", "[relay][runner]") {
    runner_place at;
    at.start();
    at.mail({"a@example.com", "b@example.com", "c@example.org"});
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    at.settle();
    CHECK(at.carrier->attempts.size() == 2);
    CHECK(at.carrier->attempts_for("example.com") == 1);

    at.mail({"d@example.com"});  // while it runs
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    at.settle();
    CHECK(at.runner->counts().delivered == 4);
    CHECK(at.runner->counts().in_memory == 0);
}

TEST_CASE("what fails for now is tried again after each interval, the last one repeating", "[relay][runner]") {
    runner_place at;
    at.how.retry = {5min, 10min};
    at.carrier->script = always(carried_state::temporary, "451 4.2.1 later");
    at.start();
    at.mail({"a@example.com"});
    at.begin();
    at.settle();
    CHECK(at.carrier->attempts.size() == 1);
    for (auto const wait : {5min, 10min, 10min}) {
        auto const before = at.carrier->attempts.size();
        at.pass(wait - 1s);
        CHECK(at.carrier->attempts.size() == before);
        at.pass(1s);
        CHECK(at.carrier->attempts.size() == before + 1);
    }
    auto const seen = at.queue->look_at(at.queue->list({}, 1)[0].id);
    CHECK(seen->stored.state.attempts == 4);
    CHECK(seen->stored.state.outcome_of(0)->reply == "mx.example.com said: 451 4.2.1 later");
}

TEST_CASE("each recipient has an outcome of its own", "[relay][runner][dsn]") {
    runner_place at;
    at.carrier->script = [](consignment const& what) {
        scripted_carrier::answer given;
        for (auto const& one : what.recipients) {
            auto const state = one.address[0] == 'g' ? carried_state::delivered : one.address[0] == 'b' ? carried_state::permanent : carried_state::temporary;
            char const* const reply = one.address[0] == 'g' ? "250 2.1.5 Ok" : one.address[0] == 'b' ? "550 5.1.1 no such user" : "450 4.2.1 busy";
            given.outcomes.push_back({one.number, state, reply, "mx.example.com"});
        }
        return given;
    };
    at.start();
    auto const id = at.mail({"good@example.com", "bad@example.com", "wait@example.com"}, by_a_user);
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
    at.begin();
    at.settle();

    auto const seen = at.queue->look_at(*transaction_id::parse(id));
    REQUIRE(seen);
    CHECK(seen->stored.state.outcome_of(0)->kind == outcome_kind::relayed);
    CHECK(seen->stored.state.outcome_of(1)->kind == outcome_kind::failed);
    CHECK(seen->stored.state.outcome_of(2)->kind == outcome_kind::deferred);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; bad@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.com\r\n"
                            "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
    CHECK_FALSE(holds(notices[0], "good@"));
    CHECK_FALSE(holds(notices[0], "wait@"));
    CHECK(holds(notices[0], "Subject: s\r\n"));
    CHECK_FALSE(holds(notices[0], "body"));

    at.pass(5min);
    CHECK(at.carrier->attempts.back().recipients == std::vector<std::string>{"wait@example.com"});
}

TEST_CASE("a destination that cannot be reached is tried once an interval for all its mail", "[relay][runner]") {
    runner_place at;
    at.how.retry = {5min, 10min};
    at.carrier->script = [](consignment const&) { return scripted_carrier::unreachable(); };
    at.start();
    for (int i = 0; i < 50; ++i) at.mail({"a@dead.example"});
    at.begin();
    at.settle();
    CHECK(at.carrier->attempts.size() <= 2);
    auto const first = at.carrier->attempts.size();
    at.mail({"late@dead.example"});
    at.settle();
    CHECK(at.carrier->attempts.size() == first);
    CHECK(at.queue->size() == 51);

    at.pass(5min + 10ms);
    CHECK(at.carrier->attempts.size() == first + 1);
    at.pass(10min + 10ms);
    CHECK(at.carrier->attempts.size() == first + 2);

    at.carrier->script = {};
    at.pass(10min + 10ms);
    CHECK(at.queue->size() == 0);
}

TEST_CASE("a third of the destinations is down, and the rest is not slowed", "[relay][runner][many]") {
    runner_place at;
    at.settings.segment_octets = 8 * 1024 * 1024;
    at.start();
    constexpr int destinations = 200, messages = 10'000;
    // All at once, by the queue's own door: one sync serves many.
    std::atomic<int> kept{0};
    id_generator ids;
    for (int i = 0; i < messages; ++i) {
        new_queued_message one;
        one.envelope.id = ids.next(at.clock->wall()).view();
        one.envelope.reverse_path = "sender" + std::to_string(i % 7) + "@example.net";
        one.envelope.recipients.push_back({"a@host" + std::to_string(i % destinations) + ".example", {}, {}});
        one.octets = "Subject: s\r\n\r\nbody\r\n";
        at.queue->add(std::move(one), [&](std::error_code failed) { kept += failed ? 0 : 1; });
    }
    while (kept != messages) std::this_thread::sleep_for(1ms);
    auto const down = [](std::string const& name) { return std::stoi(name.substr(4)) % 3 == 0; };
    at.carrier->script = [&](consignment const& what) {
        return down(what.to.name) ? scripted_carrier::unreachable() : scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.begin();
    int expected = 0;
    for (int i = 0; i < messages; ++i) expected += down("host" + std::to_string(i % destinations)) ? 0 : 1;
    at.until([&] { return at.runner->counts().delivered == static_cast<std::uint64_t>(expected); }, "all that can be reached have their mail");
    at.settle();
    CHECK(at.queue->size() == static_cast<std::size_t>(messages - expected));
    // In vain went two attempts for each that is down, not one for each message.
    CHECK(at.carrier->attempts.size() <= static_cast<std::size_t>(expected + 2 * destinations));
}

TEST_CASE("a slow destination leaves room for the rest", "[relay][runner][many]") {
    runner_place at;
    at.how.messages_in_memory = 100;
    at.how.messages_per_slow_destination = 20;
    at.carrier->held = [](consignment const& what) { return what.to.name == "slow.example"; };
    at.start();
    for (int i = 0; i < 300; ++i) at.mail({"a@slow.example"});
    for (int i = 0; i < 50; ++i) at.mail({"a@fast.example"});
    at.begin();
    at.until([&] { return at.runner->counts().in_memory == 100; }, "memory is full");
    CHECK(at.carrier->attempts.size() == 2);
    at.clock->pass(61s);  // it is slow: most of its mail goes back
    at.runner->wake();
    at.until([&] { return at.runner->counts().delivered == 50; }, "the fast one has its mail");
    CHECK(at.runner->counts().in_memory <= 100);
    CHECK(at.carrier->most_under_way["slow.example"] == 2);
    at.carrier->held = {};
    at.until([&] { return at.runner->counts().in_memory == 0; }, "the rest");
    for (int i = 0; i < 40 && at.queue->size() != 0; ++i) at.pass(61s);
    CHECK(at.queue->size() == 0);
    std::set<std::string> ids;
    for (auto const& one : at.carrier->attempts) ids.insert(one.id);
    CHECK(ids.size() == at.carrier->attempts.size());
}

TEST_CASE("a recipient expires at a failed attempt after its lifetime, never without one", "[relay][runner][expiry]") {
    runner_place at;
    at.how.lifetime = 2h;
    at.how.retry = {30min};
    at.carrier->script = always(carried_state::temporary, "451 4.2.1 later");
    at.start();
    auto const id = at.mail({"a@example.com"}, by_a_user);
    at.clock->pass(3h);  // nothing ran meanwhile: the first attempt is after the end
    at.carrier->held = [](consignment const&) { return true; };
    at.begin();
    at.until([&] { return at.runner->counts().under_way == 1; }, "an attempt");
    CHECK(at.has(id));
    at.carrier->held = {};
    at.until([&] { return at.runner->counts().expired == 1; }, "it expires");
    at.until([&] { return !at.has(id); }, "its notice is made");
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Action: failed\r\nStatus: 4.4.7\r\n"));
    CHECK(holds(notices[0], "451 4.2.1 later"));
}

TEST_CASE("mail for a destination that is down expires with it", "[relay][runner][expiry]") {
    runner_place at;
    at.how.lifetime = 30min;
    at.how.retry = {20min};
    at.carrier->script = [](consignment const& what) {
        return what.to.name == "dead.example" ? scripted_carrier::unreachable() : scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.start();
    for (int i = 0; i < 20; ++i) at.mail({"a@dead.example"}, by_a_user);
    at.begin();
    at.settle();
    CHECK(at.queue->size() == 20);
    at.pass(20min + 10ms);
    CHECK(at.runner->counts().expired == 0);
    at.pass(20min + 10ms);
    at.until([&] { return at.runner->counts().expired == 20; }, "all expire");
    CHECK(at.runner->counts().expired == 20);
}

TEST_CASE("a clock that jumps ahead expires nothing", "[relay][runner][expiry][clock]") {
    runner_place at;
    at.how.retry = {5min};
    at.carrier->script = always(carried_state::temporary, "451 4.2.1 later");
    at.start();
    at.mail({"a@example.com"}, by_a_user);
    at.begin();
    at.settle();
    at.clock->wall_ms += 10LL * 24 * 3600 * 1000;
    at.clock->pass(2s);  // the spool looks once a second
    at.until([&] { return !at.queue->may_expire(); }, "the spool sees the jump");
    at.pass(5min);
    CHECK(at.carrier->attempts.size() == 2);
    CHECK(at.runner->counts().expired == 0);
    CHECK(at.notices_to("sender@example.net").empty());
    at.queue->clock_ok();
    at.pass(5min);
    CHECK(at.runner->counts().expired == 1);
}

TEST_CASE("killed after the next hop took it and before that was written: it is sent again, the one window", "[relay][runner][crash]") {
    runner_place at;
    at.carrier->script = [&](consignment const& what) {
        at.disk->read_only = true;
        return scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.start();
    at.mail({"a@example.com"});
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 1 && at.disk->read_only; }, "taken");
    at.kill();

    at.carrier->script = {};
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(at.carrier->attempts.size() == 2);
}

TEST_CASE("killed after the outcome was written: it is not sent again", "[relay][runner][crash]") {
    runner_place at;
    at.where = route_to(delivery_way::smarthost, "relay.example:25");
    bool killed = false;
    // One of two recipients is done; the process dies before anything else.
    at.carrier->script = [](consignment const& what) {
        scripted_carrier::answer given;
        given.outcomes.push_back({what.recipients.front().number, carried_state::delivered, "250 2.0.0 Ok", "relay.example"});
        return given;
    };
    at.carrier->recorded = [&](consignment const&) { at.disk->read_only = killed = true; };
    at.start();
    at.mail({"a@example.com", "b@example.com"});
    at.begin();
    at.until([&] { return killed; }, "on record");
    at.kill();

    at.carrier->script = {};
    at.carrier->recorded = {};
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(at.carrier->attempts.back().recipients == std::vector<std::string>{"b@example.com"});
}

TEST_CASE("killed between a failure and its notice: the notice is made once", "[relay][runner][crash][dsn]") {
    runner_place at;
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
    bool killed = false;
    at.carrier->script = always(carried_state::permanent, "550 5.1.1 no such user");
    at.carrier->recorded = [&](consignment const&) { at.disk->read_only = killed = true; };
    at.start();
    auto const id = at.mail({"a@example.com", "b@example.com"}, by_a_user);
    at.begin();
    at.until([&] { return killed; }, "on record");
    at.kill();

    at.carrier->recorded = {};
    at.begin();
    at.until([&] { return !at.has(id); }, "the notice is queued");
    auto const first = at.notices_to("sender@example.net");
    REQUIRE(first.size() == 1);
    CHECK(holds(first[0], "a@example.com"));
    CHECK(holds(first[0], "b@example.com"));
    CHECK(at.carrier->attempts.size() == 1);
    at.kill();
    at.begin();
    at.settle();
    CHECK(at.notices_to("sender@example.net").size() == 1);
}

TEST_CASE("a notice tells of its attempt's failures alone, after a crash too", "[relay][runner][crash][dsn]") {
    runner_place at;
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
    at.carrier->script = [](consignment const& what) {
        scripted_carrier::answer given;
        given.outcomes.push_back({what.recipients.front().number, carried_state::permanent, "550 5.1.1 no", "mx.example.com"});
        for (std::size_t i = 1; i < what.recipients.size(); ++i)
            given.outcomes.push_back({what.recipients[i].number, carried_state::temporary, "450 4.2.1 busy", "mx.example.com"});
        return given;
    };
    at.start();
    at.mail({"a@example.com", "b@example.com", "c@example.com"}, by_a_user);
    at.begin();
    at.settle();
    CHECK(at.notices_to("sender@example.net").size() == 1);

    bool killed = false;
    at.carrier->recorded = [&](consignment const&) { at.disk->read_only = killed = true; };
    at.clock->pass(5min);
    at.runner->wake();
    at.until([&] { return killed; }, "the second failure is on record");
    at.kill();
    at.carrier->recorded = {};
    at.carrier->script = always(carried_state::temporary, "450 4.2.1 busy");
    at.begin();
    at.settle();
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 2);
    CHECK((holds(notices[1], "b@example.com") && !holds(notices[1], "a@example.com") && !holds(notices[1], "c@example.com")));
}

TEST_CASE("who is told of what is for NOTIFY to say", "[relay][runner][dsn]") {
    struct row {
        dsn_notify asked;
        carried_state state;
        bool passed_on, final_delivery;
        std::string_view told;
    };
    auto const success = dsn_notify::success, failure = dsn_notify::failure;
    for (row const& one : {row{dsn_notify::unsaid, carried_state::permanent, false, false, "failed"}, row{failure, carried_state::permanent, false, false, "failed"},
                           row{success, carried_state::permanent, false, false, ""}, row{dsn_notify::never, carried_state::permanent, false, false, ""},
                           row{dsn_notify::unsaid, carried_state::delivered, false, false, ""}, row{success, carried_state::delivered, false, false, "relayed"},
                           row{success, carried_state::delivered, true, false, ""}, row{success | failure, carried_state::delivered, false, true, "delivered"},
                           row{dsn_notify::never, carried_state::delivered, false, false, ""}}) {
        runner_place at;
        at.where = [](std::string_view address) -> result<destination, std::string> {
            if (address == "sender@example.net") return std::string("450 4.3.0 not now");
            return destination{delivery_way::mx, "example.com"};
        };
        at.carrier->script = [&](consignment const& what) {
            auto given = scripted_carrier::all(what, one.state, one.state == carried_state::delivered ? "250 2.0.0 Ok" : "550 5.1.1 no");
            for (auto& each : given.outcomes) each.dsn_passed_on = one.passed_on, each.final_delivery = one.final_delivery;
            return given;
        };
        at.start();
        auto const id = at.mail({"a@example.com"}, [&](made_transaction& given) {
            by_a_user(given);
            given.edit().requests(const_cast<recipient&>(given.last())).notify = one.asked;
        });
        at.begin();
        at.until([&] { return !at.has(id); }, "the end");
        auto const notices = at.notices_to("sender@example.net");
        CAPTURE(to_string(one.asked), one.told);
        REQUIRE(notices.size() == (one.told.empty() ? 0u : 1u));
        if (!one.told.empty()) CHECK(holds(notices[0], "Action: " + std::string(one.told) + "\r\n"));
    }
}

TEST_CASE("after four hours the sender is told of the delay, once", "[relay][runner][dsn]") {
    runner_place at;
    at.how.retry = {1h};
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return destination{delivery_way::mx, "held.example"};
        return destination{delivery_way::mx, "example.com"};
    };
    at.carrier->script = [](consignment const& what) {
        if (what.to.name == "held.example") return scripted_carrier::all(what, carried_state::temporary, "450 4.3.0 not now");
        return scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later");
    };
    at.start();
    at.mail({"a@example.com"}, by_a_user);
    auto const stranger = at.mail({"b@example.com"}, {}, "stranger@example.net");
    at.begin();
    at.settle();
    for (int i = 0; i < 3; ++i) at.pass(1h);
    CHECK(at.notices_to("sender@example.net").empty());
    for (int i = 0; i < 3; ++i) at.pass(1h);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Action: delayed\r\nStatus: 4.2.1\r\n"));
    CHECK(holds(notices[0], "Will-Retry-Until: "));
    CHECK(at.notices_to("stranger@example.net").empty());
    CHECK(at.has(stranger));
}

TEST_CASE("strangers get few notices; what is above goes to a folder", "[relay][runner][dsn]") {
    runner_place at;
    at.how.undeliverable_folder = at.folder.path("undeliverable");
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("stranger")) return std::string("450 4.3.0 not now");
        return std::string("550 5.1.2 no such domain");
    };
    at.start();
    for (int i = 0; i < 8; ++i) at.mail({"a@example.com"}, {}, "stranger@example.net");
    at.begin();
    at.until([&] { return at.runner->counts().undeliverable == 3; }, "the end");
    CHECK(at.notices_to("stranger@example.net").size() == 5);
    std::size_t files = 0;
    for (auto const& one : std::filesystem::directory_iterator(at.how.undeliverable_folder)) {
        ++files;
        CHECK(std::filesystem::file_size(one) > 60);
    }
    CHECK(files == 6);
    at.until([&] { return at.queue->size() == 5; }, "the rest leaves the queue");

    at.clock->pass(1h);
    at.mail({"a@example.com"}, {}, "stranger@example.net");
    at.until([&] { return at.notices_to("stranger@example.net").size() == 6; }, "a new hour");
}

TEST_CASE("a notice that fails goes to the postmaster named, and from there nowhere", "[relay][runner][dsn]") {
    for (bool const named : {false, true}) {
        runner_place at;
        if (named) at.how.double_bounce_to = "postmaster@example.org";
        at.carrier->script = always(carried_state::permanent, "550 5.1.1 no such user");
        at.start();
        at.mail({"a@example.com"}, by_a_user);
        at.begin();
        at.until([&] { return at.queue->size() == 0; }, "the queue is empty");
        CHECK(at.carrier->attempts.size() == (named ? 3u : 2u));
        at.until([&] { return at.runner->counts().notices == (named ? 2u : 1u); }, "the notices are counted");
        if (named) CHECK(at.carrier->attempts[2].recipients == std::vector<std::string>{"postmaster@example.org"});
    }
}

TEST_CASE("an alias is sent to what it stands for, which its notice does not name", "[relay][runner][dsn]") {
    runner_place at;
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, std::string(address.substr(address.find('@') + 1))};
    };
    at.carrier->script = always(carried_state::permanent, "550 5.1.1 secret@hidden.example is unknown");
    at.start();
    auto const id = [&] {
        made_transaction given;
        by_a_user(given);
        given.to("alias@example.com", {}, {"secret@hidden.example"});
        std::string made;
        (void)at.send(given, "Subject: s\r\n\r\n", &made);
        return made;
    }();
    at.begin();
    at.until([&] { return !at.has(id); }, "the end");
    CHECK(at.carrier->attempts[0].to == "hidden.example");
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; alias@example.com\r\n"));
    CHECK_FALSE(holds(notices[0], "hidden"));
    CHECK_FALSE(holds(notices[0], "mx.example.com"));
}

TEST_CASE("an alias with members becomes a message for them, once, and answers for itself", "[relay][runner][dsn][crash]") {
    runner_place at;
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, std::string(address.substr(address.find('@') + 1))};
    };
    at.carrier->script = [](consignment const& what) {
        return what.to.name == "b.example" ? scripted_carrier::all(what, carried_state::permanent, "550 5.1.1 no two@b.example")
                                           : scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.start();
    made_transaction given;
    by_a_user(given);
    given.to("team@example.com", {}, {"one@a.example", "two@b.example", "three@c.example"});
    given.edit().requests(const_cast<recipient&>(given.last())).notify = dsn_notify::success | dsn_notify::failure;
    REQUIRE(at.send(given, "Subject: s\r\n\r\nbody\r\n").accepts());
    at.begin();
    at.until([&] { return at.runner->counts().notices == 2; }, "both notices");
    at.settle();

    CHECK(at.carrier->attempts.size() == 3);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 2);
    std::string const both = notices[0] + notices[1];
    CHECK(holds(both, "Final-Recipient: rfc822; team@example.com\r\nAction: expanded\r\n"));
    CHECK(holds(both, "Final-Recipient: rfc822; team@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"));
    CHECK_FALSE(holds(both, "b.example"));
}

TEST_CASE("DELIVERBY: R returns the message when its time is over, N tells of it once", "[relay][runner][deliver-by]") {
    runner_place at;
    at.how.retry = {30min};
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("sender")) return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
    at.carrier->script = always(carried_state::temporary, "451 4.2.1 later");
    at.start();
    auto const returned = at.mail({"r@example.com"}, [](made_transaction& given) {
        by_a_user(given);
        given.edit().requests().by = deliver_by{600, by_mode::return_to_sender, false};
    });
    auto const told = at.mail({"n@example.com"}, [](made_transaction& given) {
        by_a_user(given);
        given.edit().requests().by = deliver_by{600, by_mode::notify, false};
    });
    at.begin();
    at.settle();
    CHECK(at.carrier->attempts[0].deliver_within == 600s);
    at.pass(10min + 10ms);
    at.until([&] { return !at.has(returned); }, "R is returned");
    CHECK(at.has(told));
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 2);
    std::string const both = notices[0] + notices[1];
    CHECK(holds(both, "Final-Recipient: rfc822; r@example.com\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
    CHECK(holds(both, "Final-Recipient: rfc822; n@example.com\r\nAction: delayed\r\n"));
    CHECK(holds(both, "Deliver-By-Date: "));
    CHECK(std::count_if(at.carrier->attempts.begin(), at.carrier->attempts.end(), [](auto const& one) { return one.recipients[0][0] == 'r'; }) == 1);
    at.pass(30min);
    CHECK(at.notices_to("sender@example.net").size() == 2);
    CHECK(at.carrier->attempts.back().deliver_within < 0s);
}

TEST_CASE("many recipients of a destination go in pieces", "[relay][runner]") {
    runner_place at;
    at.start();
    std::vector<std::string> to;
    for (int i = 0; i < 250; ++i) to.push_back("u" + std::to_string(i) + "@example.com");
    at.mail(to);
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(at.carrier->attempts.size() == 3);
    CHECK(at.carrier->attempts[0].recipients.size() == 100);
}

TEST_CASE("flush tries at once, also a destination that is left alone", "[relay][runner]") {
    runner_place at;
    at.carrier->script = [](consignment const&) { return scripted_carrier::unreachable(); };
    at.start();
    auto const id = at.mail({"a@dead.example"});
    at.begin();
    at.settle();
    CHECK(at.carrier->attempts.size() == 1);
    at.carrier->script = {};
    CHECK(at.queue->flush(*transaction_id::parse(id)));
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(at.carrier->attempts.size() == 2);
}

TEST_CASE("an operator's hold keeps a message from being tried", "[relay][runner]") {
    runner_place at;
    at.start();
    auto const id = at.mail({"a@example.com"});
    spool_change hold;
    hold.hold = true;
    REQUIRE_FALSE(change_and_wait(*at.queue, *transaction_id::parse(id), hold));
    at.begin();
    at.settle();
    CHECK(at.carrier->attempts.empty());
    hold.hold = false;
    REQUIRE_FALSE(change_and_wait(*at.queue, *transaction_id::parse(id), hold));
    at.until([&] { return at.queue->size() == 0; }, "delivered");
}

TEST_CASE("large content is read only when its turn comes", "[relay][runner]") {
    runner_place at;
    at.start();
    made_transaction given;
    given.to("a@example.com");
    std::string const content = "Subject: large\r\n\r\n" + std::string(100'000, 'x') + "\r\n";
    REQUIRE(at.send(given, content).accepts());
    std::string seen;
    at.carrier->script = [&](consignment const& what) {
        seen.resize(what.message->octets);
        CHECK(what.message->read(0, seen).value() == seen.size());
        return scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(seen == content);
}

TEST_CASE("stopping cancels what is under way and loses nothing", "[relay][runner][stop]") {
    runner_place at;
    at.carrier->held = [](consignment const&) { return true; };
    at.start();
    for (int i = 0; i < 10; ++i) at.mail({"a@example.com"});
    at.begin();
    at.until([&] { return at.runner->counts().under_way == 2; }, "attempts");
    at.stop_runner();
    CHECK(at.queue->size() == 10);
    for (auto const& one : at.queue->list({}, 100)) {
        CHECK_FALSE(one.claimed);
        CHECK(one.attempts == 0);
    }
    at.carrier->held = {};
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered by the next one");
}

TEST_CASE("a destroyed runner starts nothing more", "[relay][runner][stop]") {
    runner_place at;
    at.carrier->held = [](consignment const&) { return true; };
    at.start();
    at.mail({"a@example.com"});
    at.begin();
    at.until([&] { return at.runner->counts().under_way == 1; }, "an attempt");
    at.runner.reset();
    auto const end = std::chrono::steady_clock::now() + 100ms;
    while (std::chrono::steady_clock::now() < end) at.io.run_one_for(5ms);
    CHECK(at.queue->size() == 1);
    CHECK_FALSE(at.queue->list({}, 1)[0].claimed);
}

TEST_CASE("a disk that takes no outcome stops delivery until it does", "[relay][runner][disk]") {
    runner_place at;
    at.carrier->script = [&](consignment const& what) {
        at.disk->read_only = true;
        return scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.start();
    for (int i = 0; i < 6; ++i) at.mail({"a@example" + std::to_string(i) + ".com"});
    at.how.connections = 1;
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 1; }, "the first");
    auto const end = std::chrono::steady_clock::now() + 300ms;
    while (std::chrono::steady_clock::now() < end) at.io.run_one_for(5ms);
    CHECK(at.carrier->attempts.size() == 1);
    at.carrier->script = {};
    at.disk->read_only = false;
    at.clock->pass(2s);
    at.until([&] { return at.queue->size() == 0; }, "all is delivered, once");
    CHECK(at.carrier->attempts.size() == 6);
}

TEST_CASE("settings that cannot work are refused by name", "[relay][runner][settings]") {
    runner_place at;
    at.start();
    auto const complaint = [&](auto change) {
        runner_settings how = at.how;
        change(how);
        try {
            queue_runner made{at.io.get_executor(), at.queue, at.carrier, at.where, how};
        } catch (std::invalid_argument const& wrong) {
            return std::string(wrong.what());
        }
        return std::string("taken");
    };
    CHECK(holds(complaint([](auto& how) { how.hostname.clear(); }), "hostname"));
    CHECK(holds(complaint([](auto& how) { how.retry.clear(); }), "retry"));
    CHECK(holds(complaint([](auto& how) { how.retry = {0s}; }), "retry has 0 s"));
    CHECK(holds(complaint([](auto& how) { how.jitter_percent = 100; }), "jitter_percent is 100"));
    CHECK(holds(complaint([](auto& how) { how.hostname = "mx example.org"; }), "hostname"));
    CHECK(holds(complaint([](auto& how) { how.retry = {std::chrono::seconds::max()}; }), "retry is "));
    for (auto const member : {&runner_settings::lifetime, &runner_settings::null_sender_lifetime, &runner_settings::delay_notice, &runner_settings::crowded_wait})
        for (auto const wrong : {std::chrono::seconds{0}, std::chrono::seconds{-5}, std::chrono::seconds::max()})
            CHECK(holds(complaint([&](auto& how) { how.*member = wrong; }), " is " + std::to_string(wrong.count()) + " s: choose from 1"));
    for (auto const member : {&runner_settings::connections, &runner_settings::connections_per_destination, &runner_settings::recipients, &runner_settings::messages_in_memory})
        CHECK(holds(complaint([&](auto& how) { how.*member = static_cast<std::size_t>(-1); }), "choose 100000000 or less"));
    CHECK(holds(complaint([](auto& how) { how.undeliverable_folder = "/tmp", how.undeliverable_messages = 0; }), "undeliverable_messages is 0"));
    CHECK(holds(complaint([](auto& how) { how.double_bounce_to = "nobody here"; }), "double_bounce_to"));
    CHECK(holds(complaint([](auto& how) { how.connections = 0; }), "connections"));
    CHECK(holds(complaint([](auto& how) { how.recipients = 0; }), "recipients"));
    CHECK(complaint([](auto&) {}) == "taken");
}

TEST_CASE("a router that throws what it likes makes its mail wait, and no other", "[relay][runner]") {
    runner_place at;
    int thrown = 0;
    at.where = [&](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("odd") && thrown++ == 0) throw 7;
        return destination{delivery_way::mx, "example.com"};
    };
    at.start();
    at.mail({"odd@example.com"});
    at.mail({"a@example.com"});
    at.begin();
    at.until([&] { return at.runner->counts().delivered == 1; }, "the other one");
    at.settle();
    CHECK(at.queue->size() == 1);
    at.pass(5min + 10ms);
    CHECK(at.queue->size() == 0);
}

TEST_CASE("a destination whose hosts have no connection free holds no slot", "[relay][runner][many]") {
    runner_place at;
    at.how.connections = 4;
    bool free = false;
    at.carrier->script = [&](consignment const& what) {
        if (what.to.name == "fast.example" || free) return scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
        scripted_carrier::answer none;
        none.report.end = carry_end::full;
        return none;
    };
    at.start();
    for (int i = 0; i < 20; ++i) at.mail({"a@full" + std::to_string(i) + ".example"});
    for (int i = 0; i < 10; ++i) at.mail({"a@fast.example"});
    at.begin();
    at.until([&] { return at.runner->counts().delivered == 10; }, "the fast one has its mail");
    CHECK(at.runner->counts().deferred == 0);
    auto const asked = at.carrier->attempts.size();
    CHECK(asked <= 20u * 2 + 10 + 10);  // each once, and one with each end of another
    free = true;
    at.until([&] { return at.queue->size() == 0; }, "the rest");
}

TEST_CASE("a notice that the disk does not take counts once in the budget, and is not given up", "[relay][runner][dsn][disk]") {
    runner_place at;
    at.how.notices_per_address = 1;
    at.how.undeliverable_folder = "/proc/no-such-folder";
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("stranger")) return std::string("450 4.3.0 not now");
        return std::string("550 5.1.2 no such domain");
    };
    at.start();
    at.mail({"a@example.com"}, {}, "stranger@example.net");
    at.mail({"a@example.com"}, {}, "Stranger@Example.net");  // the same one
    at.begin();
    at.until([&] { return at.runner->counts().notices == 1; }, "the first");
    auto const end = std::chrono::steady_clock::now() + 1500ms;
    while (std::chrono::steady_clock::now() < end) at.io.run_one_for(5ms);
    CHECK(at.runner->counts().undeliverable == 0);  // nobody has it: it is still owed
    CHECK(at.queue->ordered_notices().size() == 1);
}

TEST_CASE("who is never told is not told of success either", "[relay][runner][dsn]") {
    for (bool const never : {true, false}) {
        runner_place at;
        at.where = [](std::string_view address) -> result<destination, std::string> {
            if (address.starts_with("sender")) return std::string("450 4.3.0 not now");
            return destination{delivery_way::mx, "example.com"};
        };
        at.start();
        new_queued_message one;
        id_generator ids;
        one.envelope.id = ids.next(at.clock->wall()).view();
        one.envelope.reverse_path = "sender@example.net";
        one.envelope.recipients.push_back({"a@example.com", {}, {}});
        one.envelope.recipients.front().requests.notify = dsn_notify::success;
        one.octets = "Subject: s\r\n\r\nbody\r\n";
        one.bounce = never ? bounce::never : bounce::always;
        std::atomic<bool> kept{false};
        at.queue->add(std::move(one), [&](std::error_code) { kept = true; });
        while (!kept) std::this_thread::sleep_for(1ms);
        at.begin();
        at.until([&] { return at.runner->counts().delivered == 1; }, "delivered");
        at.settle();
        CHECK(at.notices_to("sender@example.net").size() == (never ? 0u : 1u));
    }
}

}  // namespace test_queue_runner
