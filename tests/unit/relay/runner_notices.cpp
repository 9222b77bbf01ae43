#include <mailquay/relay/queue_runner.hpp>

#include "support/catch.hpp"
#include "support/faulty_queue.hpp"
#include "support/runner_place.hpp"

#include <string>

/// Notices when the disk has a bad day.
namespace test_runner_notices {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::faulty_queue;
using mailquay_test::by_domain;
using mailquay_test::holds;
using mailquay_test::made_transaction;
using mailquay_test::runner_place;
using mailquay_test::scripted_carrier;

struct faulty_place : runner_place {
    faulty_place() {
        where = by_domain();
        start();
        faults = std::make_shared<faulty_queue>(queue);
        queue = faults;
    }
    std::string team(dsn_notify asked) {
        made_transaction given;
        given.client.set_user("ada");
        given.to("team@example.com", {}, {"one@a.example", "two@b.example"});
        given.edit().requests(const_cast<recipient&>(given.last())).notify = asked;
        std::string id;
        REQUIRE(send(given, "Subject: s\r\n\r\nbody\r\n", &id).accepts());
        return id;
    }
    std::shared_ptr<faulty_queue> faults{};
};

TEST_CASE("a notice whose message cannot be read now is made once it can", "[relay][runner][dsn][disk]") {
    faulty_place at;
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::permanent, "550 5.1.1 no such user"); };
    at.faults->unreadable = true;
    at.mail({"a@example.com"}, [](made_transaction& given) { given.client.set_user("ada"); });
    at.begin();
    at.until([&] { return at.runner->counts().failed == 1; }, "failed");
    auto const end = std::chrono::steady_clock::now() + 300ms;
    while (std::chrono::steady_clock::now() < end) at.io.run_one_for(5ms);
    CHECK(at.queue->ordered_notices().size() == 1);

    at.faults->unreadable = false;
    at.until([&] { return at.runner->counts().notices == 1; }, "the notice");
    at.settle();
    CHECK(at.notices_to("sender@example.net").size() == 1);
}

TEST_CASE("of a message that was deleted nothing is told", "[relay][runner][dsn]") {
    faulty_place at;
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::permanent, "550 5.1.1 no such user"); };
    at.faults->unreadable = true;
    auto const id = at.mail({"a@example.com"}, [](made_transaction& given) { given.client.set_user("ada"); });
    at.begin();
    at.until([&] { return at.runner->counts().failed == 1; }, "failed");
    REQUIRE_FALSE(remove_and_wait(*at.queue, *transaction_id::parse(id)));
    at.until([&] { return at.runner->counts().in_memory == 0; }, "done with");
    at.faults->unreadable = false;
    auto const end = std::chrono::steady_clock::now() + 1500ms;
    while (std::chrono::steady_clock::now() < end) at.io.run_one_for(5ms);
    CHECK(at.queue->size() == 0);
}

TEST_CASE("an alias tells of itself and has one message for its members, whatever the disk refuses first", "[relay][runner][dsn][alias][disk]") {
    faulty_place at;
    SECTION("its notice") { at.faults->add_to_fail = 1; }
    SECTION("the members' message") { at.faults->add_to_fail = 2; }
    at.team(dsn_notify::success);
    at.begin();
    at.until([&] { return at.runner->counts().delivered == 2; }, "the members");
    at.settle();

    CHECK(at.carrier->attempts.size() == 2);
    auto const notices = at.notices_to("sender@example.net");
    REQUIRE(notices.size() == 1);
    CHECK(holds(notices[0], "Final-Recipient: rfc822; team@example.com\r\nAction: expanded\r\n"));
}

TEST_CASE("who asked to be told of delays of an alias is told of those of its members", "[relay][runner][dsn][alias]") {
    faulty_place at;
    at.how.retry = {5h};
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later"); };
    at.team(dsn_notify::success | dsn_notify::delay);
    at.begin();
    at.until([&] { return at.runner->counts().deferred == 3; }, "both are tried, and the notice of the alias");
    at.settle();
    at.pass(5h + 10ms);
    at.until([&] { return at.runner->counts().notices == 2; }, "told");
    std::string both;
    for (auto const& one : at.notices_to("sender@example.net")) both += one;
    CHECK(holds(both, "Action: expanded\r\n"));
    CHECK(holds(both, "Action: delayed\r\n"));
}

TEST_CASE("an attempt that fails some and leaves others counts once", "[relay][runner]") {
    faulty_place at;
    at.where = [](std::string_view address) -> result<destination, std::string> {
        if (address.starts_with("nobody")) return std::string("550 5.1.2 no such domain");
        if (address.starts_with("sender")) return std::string("450 4.3.0 not now");
        return destination{delivery_way::mx, "example.com"};
    };
    at.carrier->script = [](consignment const& what) { return scripted_carrier::all(what, carried_state::temporary, "451 4.2.1 later"); };
    auto const id = at.mail({"nobody@example.com", "a@example.com"}, [](made_transaction& given) { given.client.set_user("ada"); });
    at.begin();
    at.settle();
    CHECK(at.queue->look_at(*transaction_id::parse(id))->stored.state.attempts == 1);
}

}  // namespace test_runner_notices
