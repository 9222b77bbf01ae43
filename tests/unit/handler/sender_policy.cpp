#include <mailquay/handler/sender_policy.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>

namespace test_sender_policy {

using namespace mailquay;
using mailquay_test::made_transaction;

verdict asked(sender_policy checks, std::string_view user, std::string_view from) {
    made_transaction made{from};
    if (!user.empty()) made.client.set_user(std::string(user));
    return std::move(checks.on_mail(made.mail)).value();
}

TEST_CASE("a user sends from the address that is his name, in any case", "[policy][sender]") {
    CHECK(asked(sender_policy{}, "alice@example.org", "alice@example.org").passes());
    CHECK(asked(sender_policy{}, "Alice@Example.ORG", "alice@example.org").passes());
    CHECK(asked(sender_policy{}, "alice@example.org", "bob@example.org").code() == 553);
    CHECK(asked(sender_policy{}, "alice@example.org", "bob@example.org").enhanced() == "5.7.1");
    CHECK(asked(sender_policy{}, "alice@example.org", "alice@example.net").refuses());
    CHECK(asked(sender_policy{}, "alice@example.org", "xalice@example.org").refuses());
}

TEST_CASE("a name without a domain sends from the domains named, and from nowhere without any", "[policy][sender]") {
    CHECK(asked(sender_policy{"example.org"}, "alice", "alice@example.org").passes());
    CHECK(asked(sender_policy{std::vector<std::string>{"example.net", "example.org"}}, "alice", "alice@example.org").passes());
    CHECK(asked(sender_policy{"example.org"}, "alice", "alice@example.net").refuses());
    CHECK(asked(sender_policy{"example.org"}, "alice", "bob@example.org").refuses());
    CHECK(asked(sender_policy{}, "alice", "alice@example.org").refuses());
}

TEST_CASE("a function may decide instead", "[policy][sender]") {
    auto const sales = [](std::string_view user, address const& from) { return user == "alice" && from.local_part == "sales"; };
    CHECK(asked(sender_policy{sales}, "alice", "sales@example.org").passes());
    CHECK(asked(sender_policy{sales}, "alice", "alice@example.org").refuses());
    CHECK(asked(sender_policy{sales}, "bob", "sales@example.org").refuses());
}

TEST_CASE("the null sender is a user's only where that is allowed", "[policy][sender]") {
    CHECK(asked(sender_policy{}, "alice@example.org", "").code() == 550);
    CHECK(asked(sender_policy{}, "alice@example.org", "").enhanced() == "5.7.1");
    CHECK(asked(sender_policy{}.allow_null(), "alice@example.org", "").passes());
}

TEST_CASE("of those who have not authenticated it says nothing", "[policy][sender]") {
    CHECK(asked(sender_policy{}, "", "anybody@example.org").passes());
    CHECK(asked(sender_policy{}, "", "").passes());
}

TEST_CASE("it is asked at MAIL, of users where others are not", "[policy][sender]") {
    CHECK(sender_policy{}.stages() == policy_stage::mail);
    CHECK(sender_policy{}.asks_about_users());
}

}  // namespace test_sender_policy
