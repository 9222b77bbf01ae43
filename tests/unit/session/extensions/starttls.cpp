#include <mailquay/session/extensions/starttls.hpp>

#include "support/catch.hpp"

namespace test_extension_starttls {

using namespace mailquay;

TEST_CASE("STARTTLS is announced in clear and no more under TLS", "[extensions]") {
    extensions::starttls const offered;
    CHECK(offered.keyword() == "STARTTLS");
    session_info client;
    CHECK(offered.offered(client));
    client.set_tls({.protocol = "TLSv1.3"});
    CHECK_FALSE(offered.offered(client));
    CHECK(offered.announcement(client, session_limits{}).empty());
    REQUIRE(offered.verbs().size() == 1);
    CHECK(offered.verbs()[0] == "STARTTLS");
}

}  // namespace test_extension_starttls
