#include <mailquay/session/extensions/deliver_by.hpp>

#include "support/catch.hpp"

namespace test_extension_deliver_by {

using namespace mailquay;

TEST_CASE("DELIVERBY announces its minimum, which bounds R and not N", "[extensions]") {
    extensions::deliver_by const hour{std::chrono::hours{1}};
    CHECK(hour.announcement({}, {}) == "3600");
    CHECK(extensions::deliver_by{}.announcement({}, {}).empty());
    CHECK(hour.opt_in());
    CHECK_FALSE(hour.kept_by(promises{}));
    CHECK(hour.kept_by(promises{.deliver_by = true}));

    transaction mail;
    CHECK(hour.mail_parameter({"BY", "3599;R", true}, transaction_editor{mail}, {})->code == 554);
    CHECK(hour.mail_parameter({"BY", "0;R", true}, transaction_editor{mail}, {})->code == 501);
    CHECK_FALSE(mail.requests().by);
    CHECK_FALSE(hour.mail_parameter({"BY", "-1;N", true}, transaction_editor{mail}, {}));
    CHECK(mail.requests().by == mailquay::deliver_by{-1, by_mode::notify, false});
}

}  // namespace test_extension_deliver_by
