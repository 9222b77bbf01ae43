#include <mailquay/session/extensions/binarymime.hpp>

#include <mailquay/session/extension_registry.hpp>

#include "support/catch.hpp"

namespace test_extension_binarymime {

using namespace mailquay;

TEST_CASE("BINARYMIME is announced by its keyword alone; BODY stays with 8BITMIME (RFC 3030 3)", "[extensions]") {
    extensions::binarymime const offered;
    CHECK(offered.keyword() == "BINARYMIME");
    CHECK(offered.offered(session_info{}));
    CHECK(offered.announcement(session_info{}, session_limits{}).empty());
    CHECK(offered.mail_keywords().empty());
    auto const all = extension_registry::standard();
    CHECK(all.for_mail("BODY") == all.find("8BITMIME"));
}

}  // namespace test_extension_binarymime
