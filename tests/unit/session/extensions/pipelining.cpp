#include <mailquay/session/extensions/pipelining.hpp>

#include "support/catch.hpp"

namespace test_extension_pipelining {

using namespace mailquay;

TEST_CASE("PIPELINING is announced to every client by its keyword alone, and reads nothing", "[extensions]") {
    extensions::pipelining const offered;
    CHECK(offered.keyword() == "PIPELINING");
    session_info client;
    CHECK(offered.offered(client));
    CHECK(offered.announcement(client, session_limits{}).empty());
    CHECK(offered.mail_keywords().empty());
    CHECK(offered.recipient_keywords().empty());
    CHECK(offered.verbs().empty());
    transaction mail;
    auto const refused = offered.mail_parameter({"PIPELINING", "", false}, transaction_editor{mail}, {});
    REQUIRE(refused.has_value());
    CHECK(refused->code == 555);
}

}  // namespace test_extension_pipelining
