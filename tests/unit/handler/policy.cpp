#include <mailquay/handler/policy.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

TEST_CASE("a policy has no opinion at any stage unless it says more", "[policy]") {
    using namespace mailquay;
    struct silent final : policy {};
    silent p;
    mailquay_test::made_transaction made;
    made.to("a@example.org");
    CHECK(p.stages() == policy_stage::all);
    CHECK(p.needs() == message_needs::none);
    CHECK(std::move(p.on_connect(made.client)).value().passes());
    CHECK(std::move(p.on_early_talk(made.client)).value().passes());
    CHECK(std::move(p.on_hello(made.client, "x")).value().passes());
    CHECK(std::move(p.on_mail(made.mail)).value().passes());
    CHECK(std::move(p.on_recipient(made.mail, made.last())).value().passes());
    CHECK(std::move(p.on_recipient_accepted(made.mail, made.last())).value().passes());
    CHECK(std::move(p.on_data(made.mail)).value().passes());
    CHECK(std::move(p.on_headers(made.mail, "")).value().passes());
    p.on_close(made.client);
}

TEST_CASE("stages are a set", "[policy]") {
    using mailquay::policy_stage;
    constexpr auto two = policy_stage::mail | policy_stage::data;
    STATIC_REQUIRE(has(two, policy_stage::mail));
    STATIC_REQUIRE(has(two, policy_stage::data));
    STATIC_REQUIRE_FALSE(has(two, policy_stage::hello));
    STATIC_REQUIRE(has(policy_stage::all, policy_stage::close));
}
