#include <mailquay/session/extensions/prdr.hpp>

#include <mailquay/session/extension_registry.hpp>

#include "support/catch.hpp"

namespace test_extension_prdr {

using namespace mailquay;

TEST_CASE("PRDR is offered to SMTP clients where a host adds it; LMTP needs it not", "[extensions]") {
    extensions::prdr const offered;
    CHECK(offered.keyword() == "PRDR");
    session_info client;
    CHECK(offered.offered(client));
    client.set_lmtp(true);
    CHECK_FALSE(offered.offered(client));
    CHECK(extension_registry::standard().find("PRDR") == nullptr);
}

TEST_CASE("its parameter takes no value", "[extensions]") {
    extensions::prdr const offered;
    transaction mail;
    auto const refused = offered.mail_parameter({"PRDR", "1", true}, transaction_editor{mail}, {});
    REQUIRE(refused.has_value());
    CHECK(refused->code == 501);
    CHECK_FALSE(mail.parameters().prdr);
    CHECK_FALSE(offered.mail_parameter({"PRDR", "", false}, transaction_editor{mail}, {}).has_value());
    CHECK(mail.parameters().prdr);
}

}  // namespace test_extension_prdr
