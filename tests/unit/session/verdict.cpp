#include <mailquay/session/verdict.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <utility>

namespace test_verdict {

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("a verdict is small, and one of a named reply allocates nothing", "[verdict]") {
    STATIC_REQUIRE(sizeof(verdict) == 24);
    verdict const given = defer(replies::greylisted);
    CHECK(given.named() == &replies::greylisted);
    CHECK(given.code() == 451);
    CHECK(given.enhanced() == "4.7.1");
    CHECK(given.has_reply());
}

TEST_CASE("a default verdict has no opinion", "[verdict]") {
    verdict const none;
    CHECK(none.kind() == verdict_kind::pass);
    CHECK(none.passes());
    CHECK_FALSE(none.accepts());
    CHECK_FALSE(none.refuses());
    CHECK_FALSE(none.has_reply());
    CHECK(none.code() == 0);
    CHECK(none.text().empty());
    CHECK(none.rule().empty());
    CHECK(none.resolved_addresses().empty());
}

TEST_CASE("the four answers", "[verdict]") {
    CHECK(pass().passes());
    CHECK(accept().accepts());
    CHECK(reject().refuses());
    CHECK(defer().refuses());
    CHECK(reject().kind() == verdict_kind::reject);
    CHECK(defer().kind() == verdict_kind::defer);
}

TEST_CASE("a code of the wrong class gives way to the stage's usual reply", "[verdict]") {
    CHECK(reject(451, "4.3.0", "x").code() == 0);
    CHECK(reject(451, "4.3.0", "x").text() == "x");
    CHECK(defer(550, "5.1.1", "x").code() == 0);
    CHECK(accept(replies::no_such_user).named() == nullptr);
    CHECK(reject(replies::greylisted).named() == nullptr);
    CHECK(reject(600, "", "").code() == 0);
    CHECK(defer(399, "", "").code() == 0);
}

TEST_CASE("421 implies the end of the connection", "[verdict]") {
    CHECK(defer(421, "4.3.2", "bye").closes());
    CHECK(defer(replies::service_stopping).closes());
    CHECK_FALSE(reject(421, "4.3.2", "bye").refuses() == false);
    CHECK_FALSE(defer(451, "4.3.0", "no").closes());
}

TEST_CASE("modifiers add to a verdict, on values and on lvalues", "[verdict]") {
    auto given = reject(550, "5.7.1", "No").then_close().after(1500ms).because("rule 7");
    CHECK(given.closes());
    CHECK(given.delay() == 1500ms);
    CHECK(given.rule() == "rule 7");
    CHECK(given.code() == 550);
    given.with_text("Never");
    CHECK(given.text() == "Never");
    CHECK(given.enhanced() == "5.7.1");
}

TEST_CASE("a delay is at most 60 s and never negative", "[verdict]") {
    CHECK(accept().after(60s).delay() == 60s);
    CHECK(accept().after(61s).delay() == 60s);
    CHECK(accept().after(1000h).delay() == 60s);
    CHECK(accept().after(-5s).delay() == 0s);
}

TEST_CASE("a text of its own keeps the codes of a named reply", "[verdict]") {
    auto const given = defer(replies::greylisted).with_text("Come back in 5 minutes");
    CHECK(given.named() == nullptr);
    CHECK(given.code() == 451);
    CHECK(given.enhanced() == "4.7.1");
    CHECK(given.text() == "Come back in 5 minutes");
}

TEST_CASE("a verdict may resolve a recipient", "[verdict]") {
    auto const box = accept().mailbox("alice");
    CHECK(box.resolves());
    CHECK(box.resolved_mailbox() == "alice");
    auto const alias = accept().deliver_to({"a@x", "b@x"});
    CHECK(alias.resolves());
    CHECK(alias.resolved_addresses() == std::vector<std::string>{"a@x", "b@x"});
    CHECK_FALSE(accept().resolves());
}

TEST_CASE("a copy is independent", "[verdict]") {
    auto const first = reject(550, "5.7.1", "No").because("a");
    auto second = first;
    second.with_text("Changed").because("b");
    CHECK(first.text() == "No");
    CHECK(first.rule() == "a");
    second = first;
    CHECK(second.text() == "No");
    auto& alias = second;
    second = alias;
    CHECK(second.text() == "No");
    auto const moved = std::move(second);
    CHECK(moved.text() == "No");
}

}  // namespace test_verdict
