#include <mailquay/session/extensions/dsn.hpp>

#include "support/catch.hpp"

namespace test_extension_dsn {

using namespace mailquay;

session_info user() {
    session_info client;
    client.set_user("alice");
    return client;
}

TEST_CASE("DSN for everybody is opt-in; for users it is on as the sink keeps it", "[extensions]") {
    extensions::dsn const all;
    CHECK(all.keyword() == "DSN");
    CHECK(all.opt_in());
    CHECK(all.offered(session_info{}));
    extensions::dsn const users{extensions::dsn::offered_to::authenticated};
    CHECK_FALSE(users.opt_in());
    CHECK_FALSE(users.offered(session_info{}));
    CHECK(users.offered(user()));
    CHECK_FALSE(all.kept_by(promises{}));
    CHECK(all.kept_by(promises{.dsn = true}));
}

TEST_CASE("DSN puts its four parameters where sinks look for them", "[extensions]") {
    extensions::dsn const offered;
    transaction mail;
    recipient to;
    recipient other;
    CHECK_FALSE(offered.mail_parameter({"ret", "FULL", true}, transaction_editor{mail}, {}));
    CHECK_FALSE(offered.mail_parameter({"ENVID", "a+2Bb", true}, transaction_editor{mail}, {}));
    CHECK_FALSE(offered.recipient_parameter({"Notify", "DELAY", true}, transaction_editor{mail}, to));
    CHECK_FALSE(offered.recipient_parameter({"ORCPT", "rfc822;x", true}, transaction_editor{mail}, to));

    CHECK(mail.requests().ret == dsn_return::full);
    CHECK(mail.requests().envid == "a+b");
    CHECK(to.requests().notify == dsn_notify::delay);
    CHECK(to.requests().original == original_recipient{"rfc822", "x"});
    CHECK(other.asked == nullptr);
    CHECK(other.requests().notify == dsn_notify::unsaid);
    CHECK(offered.mail_parameter({"RET", "x", true}, transaction_editor{mail}, {})->code == 501);
    CHECK(offered.recipient_parameter({"NOTIFY", "x", true}, transaction_editor{mail}, to)->code == 501);
}

}  // namespace test_extension_dsn
