#include <mailquay/handler/quarantine.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

TEST_CASE("a message is quarantined with the first reason given", "[quarantine]") {
    using namespace mailquay;
    mailquay_test::made_transaction made;
    CHECK(quarantine_of(made.mail).empty());
    quarantine(made.mail, "virus");
    quarantine(made.mail, "spam");
    CHECK(quarantine_of(made.mail) == "virus");
}

TEST_CASE("a reason is never empty", "[quarantine]") {
    using namespace mailquay;
    mailquay_test::made_transaction made;
    quarantine(made.mail, "");
    CHECK_FALSE(quarantine_of(made.mail).empty());
}
