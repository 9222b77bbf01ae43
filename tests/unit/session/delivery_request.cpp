#include <mailquay/session/delivery_request.hpp>

#include "support/catch.hpp"

TEST_CASE("A request asks nothing by itself", "[session][delivery_request]") {
    mailquay::delivery_request const mail;
    CHECK(mail.ret == mailquay::dsn_return::unsaid);
    CHECK((mail.envid.empty() && !mail.requiretls && !mail.by && !mail.hold && !mail.priority));
    mailquay::recipient_request const to;
    CHECK(to.notify == mailquay::dsn_notify::unsaid);
    CHECK((to.original.empty() && !to.valid_since && to.unknown.empty()));
}
