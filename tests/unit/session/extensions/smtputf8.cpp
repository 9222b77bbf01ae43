#include <mailquay/session/extensions/smtputf8.hpp>

#include "support/catch.hpp"

namespace test_extension_smtputf8 {

using namespace mailquay;

TEST_CASE("SMTPUTF8 is a keyword and a MAIL parameter without value (RFC 6531 3.1)", "[extensions]") {
    extensions::smtputf8 const offered;
    CHECK(offered.keyword() == "SMTPUTF8");
    CHECK(offered.announcement(session_info{}, session_limits{}).empty());
    REQUIRE(offered.mail_keywords().size() == 1);
    CHECK(offered.mail_keywords()[0] == "SMTPUTF8");
    CHECK(offered.recipient_keywords().empty());

    transaction mail;
    REQUIRE_FALSE(mail.parameters().smtputf8);
    CHECK_FALSE(offered.mail_parameter({"smtputf8", "", false}, transaction_editor{mail}, {}));
    CHECK(mail.parameters().smtputf8);
}

TEST_CASE("SMTPUTF8 with a value, even an empty one, is 501 5.5.4", "[extensions]") {
    parameter const given = GENERATE(parameter{"SMTPUTF8", "", true}, parameter{"SMTPUTF8", "yes", true});
    transaction mail;
    auto const refused = extensions::smtputf8{}.mail_parameter(given, transaction_editor{mail}, {});
    REQUIRE(refused.has_value());
    CHECK(refused->code == 501);
    CHECK(refused->enhanced == "5.5.4");
    CHECK_FALSE(mail.parameters().smtputf8);
}

TEST_CASE("SMTPUTF8 is there just when domains in UTF-8 can be read", "[extensions]") {
    CHECK(extensions::smtputf8::built() == bool(MAILQUAY_IDNA));
}

}  // namespace test_extension_smtputf8
