#include <mailquay/session/extensions/requiretls.hpp>

#include "support/catch.hpp"

namespace test_extension_requiretls {

using namespace mailquay;

TEST_CASE("REQUIRETLS is offered inside TLS only, and takes no value", "[extensions]") {
    extensions::requiretls const offered;
    session_info client;
    CHECK_FALSE(offered.offered(client));
    client.set_tls({});
    CHECK(offered.offered(client));
    CHECK(offered.opt_in());
    CHECK_FALSE(offered.kept_by(promises{}));
    CHECK(offered.kept_by(promises{.requiretls = true}));

    transaction mail;
    CHECK(offered.mail_parameter({"REQUIRETLS", "", true}, transaction_editor{mail}, {})->code == 501);
    CHECK_FALSE(mail.requests().requiretls);
    CHECK_FALSE(offered.mail_parameter({"REQUIRETLS", {}, false}, transaction_editor{mail}, {}));
    CHECK(mail.requests().requiretls);
}

}  // namespace test_extension_requiretls
