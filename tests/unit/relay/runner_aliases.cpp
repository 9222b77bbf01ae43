#include <mailquay/relay/queue_runner.hpp>

#include "support/catch.hpp"
#include "support/runner_place.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// What one recipient stands for: its mailbox, the members of an alias, or both.
namespace test_runner_aliases {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::by_domain;
using mailquay_test::holds;
using mailquay_test::made_transaction;
using mailquay_test::runner_place;
using mailquay_test::scripted_carrier;

std::vector<std::string> all_recipients(scripted_carrier const& of) {
    std::vector<std::string> all;
    for (auto const& attempt : of.attempts) all.insert(all.end(), attempt.recipients.begin(), attempt.recipients.end());
    std::sort(all.begin(), all.end());
    return all;
}

TEST_CASE("a recipient with a mailbox and members is delivered to all of them, once", "[relay][runner][alias]") {
    std::vector<std::string> members{"copy@a.example"};
    SECTION("one member") {}
    SECTION("two members") { members.push_back("copy@b.example"); }
    runner_place at;
    at.where = by_domain();
    at.start();
    made_transaction given;
    given.to("alice@example.com", "alice", members);
    REQUIRE(at.send(given, "Subject: s\r\n\r\nbody\r\n").accepts());
    at.begin();
    at.until([&] { return at.queue->size() == 0; }, "delivered");
    at.settle();

    std::vector<std::string> expected{members};
    expected.insert(expected.begin(), "alice@example.com");
    CHECK(all_recipients(*at.carrier) == expected);
}

}  // namespace test_runner_aliases
