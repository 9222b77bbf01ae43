#include <mailquay/session/extensions/chunking.hpp>

#include "support/catch.hpp"

namespace test_extension_chunking {

using namespace mailquay;

TEST_CASE("CHUNKING is announced by its keyword alone and brings BDAT (RFC 3030 2)", "[extensions]") {
    extensions::chunking const offered;
    CHECK(offered.keyword() == "CHUNKING");
    CHECK(offered.offered(session_info{}));
    CHECK(offered.announcement(session_info{}, session_limits{}).empty());
    CHECK(offered.mail_keywords().empty());
    REQUIRE(offered.verbs().size() == 1);
    CHECK(offered.verbs()[0] == "BDAT");
}

}  // namespace test_extension_chunking
