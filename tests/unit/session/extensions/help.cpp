#include <mailquay/session/extensions/help.hpp>

#include "support/catch.hpp"

namespace test_extension_help {

using namespace mailquay;

TEST_CASE("HELP is announced to every client by its keyword alone, and reads nothing", "[extensions]") {
    extensions::help const offered;
    CHECK(offered.keyword() == "HELP");
    session_info client;
    CHECK(offered.offered(client));
    CHECK(offered.announcement(client, session_limits{}).empty());
    CHECK(offered.mail_keywords().empty());
    CHECK(offered.recipient_keywords().empty());
    CHECK(offered.verbs().empty());
    transaction mail;
    auto const refused = offered.mail_parameter({"HELP", "", false}, transaction_editor{mail}, {});
    REQUIRE(refused.has_value());
    CHECK(refused->code == 555);
}

}  // namespace test_extension_help
