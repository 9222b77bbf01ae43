#include <mailquay/session/extensions/mt_priority.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

namespace test_extension_mt_priority {

using namespace mailquay;

TEST_CASE("MT-PRIORITY is lowered to what a client may ask", "[extensions]") {
    mailquay_test::made_transaction given;
    extensions::mt_priority const usual{"NSEP"};
    CHECK(usual.announcement({}, {}) == "NSEP");
    CHECK(usual.opt_in());
    CHECK_FALSE(usual.kept_by(promises{}));
    CHECK(usual.kept_by(promises{.priority = true}));

    CHECK_FALSE(usual.mail_parameter({"MT-PRIORITY", "3", true}, transaction_editor{given.mail}, {}));
    CHECK(given.mail.requests().priority->value == 0);
    CHECK(given.mail.requests().priority->asked == 3);

    extensions::mt_priority const own{"", [](session_info const&) { return 2; }};
    CHECK_FALSE(own.mail_parameter({"MT-PRIORITY", "3", true}, transaction_editor{given.mail}, {}));
    CHECK(given.mail.requests().priority->value == 2);
    CHECK_FALSE(own.mail_parameter({"MT-PRIORITY", "-3", true}, transaction_editor{given.mail}, {}));
    CHECK(given.mail.requests().priority->value == -3);
}

}  // namespace test_extension_mt_priority
