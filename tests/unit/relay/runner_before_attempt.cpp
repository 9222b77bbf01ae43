#include <mailquay/relay/queue_runner.hpp>

#include "support/catch.hpp"
#include "support/faulty_queue.hpp"
#include "support/runner_place.hpp"

#include <algorithm>
#include <string>

/// What changes while a message waits for its turn, and what DELIVERBY asks then.
namespace test_runner_before_attempt {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::holds;
using mailquay_test::made_transaction;
using mailquay_test::runner_place;
using mailquay_test::scripted_carrier;

router one_destination() {
    return [](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("sender")) return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
}
std::function<void(made_transaction&)> asking(deliver_by by, dsn_notify notify = dsn_notify::unsaid) {
    return [by, notify](made_transaction& given) {
        given.client.set_user("ada");
        given.edit().requests().by = by;
        given.edit().requests(const_cast<recipient&>(given.last())).notify = notify;
    };
}

/// A runner with one connection, which a first message holds while others wait in memory.
struct busy_place : runner_place {
    bool busy = true;
    busy_place() {
        where = one_destination();
        how.connections = 1;
        carrier->held = [this](consignment const& what) { return busy && what.recipients.front().address == "first@example.com"; };
        start();
        mail({"first@example.com"});
        begin();
        until([&] { return runner->counts().under_way == 1; }, "the first");
    }
    void wait_in_memory() {
        until([&] { return runner->counts().in_memory == 2; }, "the second waits");
    }
    bool tried(std::string const& address) const {
        return std::any_of(carrier->attempts.begin(), carrier->attempts.end(), [&](auto const& one) { return one.recipients.front() == address; });
    }
};

TEST_CASE("a message that is deleted while it waits for its turn is not sent", "[relay][runner][operator]") {
    busy_place at;
    auto const id = at.mail({"second@example.com"});
    at.wait_in_memory();
    REQUIRE_FALSE(remove_and_wait(*at.queue, *transaction_id::parse(id)));
    at.busy = false;
    at.until([&] { return at.queue->size() == 0 && at.runner->counts().in_memory == 0; }, "the end");

    CHECK_FALSE(at.tried("second@example.com"));
}

TEST_CASE("a message that is held while it waits for its turn is not sent before it is released", "[relay][runner][operator]") {
    busy_place at;
    auto const id = *transaction_id::parse(at.mail({"second@example.com"}));
    at.wait_in_memory();
    spool_change change;
    change.hold = true;
    change.give_back = false;
    REQUIRE_FALSE(change_and_wait(*at.queue, id, change));
    at.busy = false;
    at.settle();
    CHECK_FALSE(at.tried("second@example.com"));
    CHECK(at.queue->find(id)->held);
    CHECK_FALSE(at.queue->find(id)->claimed);
    CHECK(at.queue->find(id)->attempts == 0);

    change.hold = false;
    REQUIRE_FALSE(change_and_wait(*at.queue, id, change));
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    CHECK(at.tried("second@example.com"));
}

TEST_CASE("BY with R is returned when its time ends while it waits for its turn", "[relay][runner][deliver-by]") {
    busy_place at;
    auto const id = at.mail({"second@example.com"}, asking(deliver_by{600, by_mode::return_to_sender, false}));
    at.wait_in_memory();
    at.clock->pass(11min);
    at.busy = false;
    at.until([&] { return !at.has(id); }, "returned");
    at.settle();

    CHECK_FALSE(at.tried("second@example.com"));
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; second@example.com\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
}

TEST_CASE("BY's time ends also for what waits in memory behind others", "[relay][runner][deliver-by]") {
    busy_place at;
    auto const returned = at.mail({"r@example.com"}, asking(deliver_by{600, by_mode::return_to_sender, false}));
    auto const told = at.mail({"n@example.com"}, asking(deliver_by{600, by_mode::notify, false}));
    at.mail({"other@example.com"});
    at.until([&] { return at.runner->counts().in_memory == 4; }, "all wait");
    at.clock->pass(10min + 10ms);
    at.runner->wake();
    at.until([&] { return !at.has(returned) && at.runner->counts().notices == 2; }, "both are told of");
    CHECK(at.has(told));
    std::string both;
    for (auto const& one : at.notices_to("sender@example.net")) both += one;
    CHECK(holds(both, "Final-Recipient: rfc822; r@example.com\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
    CHECK(holds(both, "Final-Recipient: rfc822; n@example.com\r\nAction: delayed\r\nStatus: 4.4.7\r\n"));
    at.busy = false;
    at.until([&] { return !at.has(told); }, "delivered after all");
    at.settle();
    CHECK(at.tried("n@example.com"));
    CHECK(at.tried("other@example.com"));
    CHECK_FALSE(at.tried("r@example.com"));
}

TEST_CASE("BY with N is told at its time also while an attempt is under way, of those who have not got it", "[relay][runner][deliver-by]") {
    runner_place at;
    at.where = mailquay_test::by_domain();
    bool busy = true;
    bool down = false;
    at.carrier->held = [&](consignment const& what) { return busy && what.to.name == "slow.example"; };
    at.carrier->script = [&](consignment const& what) {
        return down ? scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later") : scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
    };
    at.start();
    auto const id = at.mail({"a@slow.example", "b@quick.example"}, asking(deliver_by{600, by_mode::notify, false}, dsn_notify::failure));
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 2 && at.runner->counts().delivered == 1; }, "one has it");
    at.clock->pass(10min + 10ms);
    at.runner->wake();
    at.until([&] { return at.runner->counts().notices >= 1; }, "told in time");
    CHECK(at.runner->counts().under_way >= 1);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; a@slow.example\r\nAction: delayed\r\nStatus: 4.4.7\r\n"));
    CHECK_FALSE(holds(notices[0], "b@quick.example"));

    down = GENERATE(false, true);
    busy = false;
    if (down) at.until([&] { return at.runner->counts().deferred == 1; }, "the attempt fails");
    else at.until([&] { return !at.has(id); }, "delivered after all");
    at.settle();
    for (auto const& one : at.notices_to("sender@example.net")) CHECK((holds(one, "Action: delayed") || holds(one, "Action: relayed")));
    std::size_t delayed = 0;
    for (auto const& one : at.notices_to("sender@example.net")) delayed += holds(one, "Action: delayed") ? 1 : 0;
    CHECK(delayed == 1);
    if (down) {
        down = false;
        at.pass(5min + 10ms);
        CHECK_FALSE(at.has(id));
    }
}

TEST_CASE("a notice that BY's time has come names nobody who wants none", "[relay][runner][deliver-by][dsn]") {
    bool const made_late = GENERATE(false, true);  // when the attempt has failed as well
    auto const workers = std::make_shared<mailquay_test::inline_workers>();
    runner_place at;
    at.how.workers = workers;
    at.where = one_destination();
    bool busy = true;
    at.carrier->held = [&](consignment const&) { return busy; };
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "450 4.2.1 later"); };
    at.start();
    auto const ask = asking(deliver_by{60, by_mode::notify, false}, dsn_notify::never);
    auto const id = *transaction_id::parse(at.mail({"never@example.com"}, [&](made_transaction& given) {
        ask(given);
        given.to("told@example.com");
    }));
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 1; }, "an attempt");
    at.clock->pass(61s);
    workers->busy = made_late;
    at.runner->wake();
    auto const told = [&] { return !at.queue->ordered_notices().empty() || at.runner->counts().notices == 1; };
    at.until([&] { return told() && (made_late || at.runner->counts().notices == 1); }, "a notice is ordered");
    busy = false;
    at.until([&] { return !at.queue->find(id)->claimed; }, "the attempt fails");
    workers->busy = false;
    at.settle();
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; told@example.com\r\nAction: delayed\r\n"));
    CHECK_FALSE(holds(notices[0], "never@example.com"));
}

TEST_CASE("what an operator holds is not returned when BY's time ends, but once it is released", "[relay][runner][deliver-by][operator]") {
    bool const under_way = GENERATE(false, true);
    runner_place at;
    at.where = one_destination();
    if (!under_way) at.how.connections = 1;
    bool busy = true;
    at.carrier->held = [&](consignment const&) { return busy; };
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "450 4.2.1 later"); };
    at.start();
    at.mail({"first@example.com"});
    auto const id = *transaction_id::parse(at.mail({"second@example.com"}, asking(deliver_by{60, by_mode::return_to_sender, false})));
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == (under_way ? 2 : 1) && at.runner->counts().in_memory == 2; }, "attempts");
    spool_change change;
    change.hold = true;
    change.give_back = false;
    REQUIRE_FALSE(change_and_wait(*at.queue, id, change));
    at.clock->pass(61s);
    at.runner->wake();
    if (!under_way) at.until([&] { return at.runner->counts().in_memory == 1; }, "it leaves the line");
    busy = false;
    at.settle();
    REQUIRE(at.queue->find(id));
    CHECK(at.queue->find(id)->held);
    CHECK_FALSE(at.queue->find(id)->claimed);
    CHECK(at.notices_to("sender@example.net").empty());

    change.hold = false;
    REQUIRE_FALSE(change_and_wait(*at.queue, id, change));
    at.pass(5min + 10ms);
    CHECK_FALSE(at.queue->find(id));
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; second@example.com\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
}

TEST_CASE("an attempt of BY with R ends at its time, and the message is returned at once", "[relay][runner][deliver-by]") {
    runner_place at;
    at.where = one_destination();
    bool busy = true;
    at.carrier->held = [&](consignment const&) { return busy; };
    at.carrier->script = [](consignment const&) {
        scripted_carrier::answer given;
        given.report.end = carry_end::cancelled;
        return given;
    };
    at.start();
    auto const id = at.mail({"a@example.com"}, asking(deliver_by{600, by_mode::return_to_sender, false}));
    at.mail({"b@example.com"}, asking(deliver_by{600, by_mode::notify, false}));
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 2; }, "attempts");
    CHECK(at.carrier->attempts[0].give_up_after == 10min);
    CHECK_FALSE(at.carrier->attempts[1].give_up_after);
    at.clock->pass(10min);
    busy = false;
    at.until([&] { return !at.has(id); }, "returned");
    at.until([&] { return at.runner->counts().notices >= 1; }, "told");
    std::string all;
    for (auto const& one : at.notices_to("sender@example.net")) all += one;
    CHECK(holds(all, "Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
}

TEST_CASE("what is left of BY's time is never rounded down to none", "[relay][runner][deliver-by]") {
    busy_place at;
    at.mail({"second@example.com"}, asking(deliver_by{600, by_mode::return_to_sender, false}));
    at.wait_in_memory();
    at.clock->pass(599'500ms);
    at.busy = false;
    at.until([&] { return at.tried("second@example.com"); }, "sent in time");

    CHECK(at.carrier->attempts.back().deliver_within == 1s);
}

TEST_CASE("BY with N is told at its time, not before and not twice", "[relay][runner][deliver-by]") {
    runner_place at;
    at.where = one_destination();
    at.how.retry = {1h};
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later"); };
    at.start();
    at.mail({"a@example.com"}, asking(deliver_by{6 * 3600, by_mode::notify, false}));
    at.begin();
    at.settle();
    for (int hour = 1; hour <= 5; ++hour) at.pass(1h + 10ms);
    CHECK(at.notices_to("sender@example.net").empty());
    for (int hour = 6; hour <= 8; ++hour) at.pass(1h + 10ms);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Action: delayed\r\n"));
}

TEST_CASE("a notice of delay that takes long is made though the message is tried again meanwhile", "[relay][runner][dsn]") {
    runner_place at;
    at.where = one_destination();
    at.how.retry = {5h};
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later"); };
    at.start();
    auto const faults = std::make_shared<mailquay_test::faulty_queue>(at.queue);
    at.queue = faults;
    auto const id = at.mail({"a@example.com"}, [](made_transaction& given) { given.client.set_user("ada"); });
    at.begin();
    at.settle();
    faults->unreadable = true;
    at.clock->pass(5h + 10ms);
    at.runner->wake();
    at.until([&] { return at.carrier->attempts.size() == 2 && at.runner->counts().in_memory == 0; }, "tried, and late");
    REQUIRE(at.queue->flush(*transaction_id::parse(id)));
    at.until([&] { return at.carrier->attempts.size() == 3 && at.runner->counts().in_memory == 0; }, "tried again");
    faults->unreadable = false;
    at.until([&] { return at.queue->ordered_notices().empty(); }, "the notice is made, or given up");
    CHECK(at.notices_to("sender@example.net").size() == 1);
}

TEST_CASE("a message that is its own obstacle waits alone", "[relay][runner][tls]") {
    runner_place at;
    at.where = one_destination();
    at.carrier->script = [](consignment const& what) {
        if (what.recipients.front().address != "strict@example.com") return scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
        auto given = scripted_carrier::unreachable("4.7.5 the handshake failed");
        given.report.end = carry_end::message_alone;
        return given;
    };
    at.start();
    auto const strict = at.mail({"strict@example.com"});
    at.begin();
    at.until([&] { return at.carrier->attempts.size() == 1; }, "the first");
    for (int i = 0; i < 5; ++i) at.mail({"a@example.com"});
    at.until([&] { return at.queue->size() == 1; }, "the others are delivered");
    at.settle();
    CHECK(at.has(strict));
    CHECK(at.runner->counts().deferred == 1);
    CHECK(at.carrier->attempts.size() == 6);
    at.pass(5min + 10ms);
    CHECK(at.carrier->attempts.size() == 7);
}

TEST_CASE("a trace tells of what was passed on as relayed, whoever sends notices from there on", "[relay][runner][deliver-by][dsn]") {
    bool const keeps_time = GENERATE(false, true);
    runner_place at;
    at.where = one_destination();
    at.carrier->script = [keeps_time](consignment const& what) {
        auto given = scripted_carrier::all(what, carried_state::delivered, "250 2.0.0 Ok");
        for (auto& one : given.outcomes) {
            one.dsn_passed_on = true;
            one.deliver_by_passed_on = keeps_time;
        }
        return given;
    };
    at.start();
    at.mail({"a@example.com"}, asking(deliver_by{6 * 3600, by_mode::notify, keeps_time}));
    at.begin();
    at.until([&] { return at.runner->counts().notices == 1; }, "told");
    at.settle();
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Action: relayed\r\n"));
}

}  // namespace test_runner_before_attempt
