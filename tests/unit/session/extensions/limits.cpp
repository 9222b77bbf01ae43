#include <mailquay/session/extensions/limits.hpp>

#include "support/catch.hpp"

namespace test_extension_limits {

using namespace mailquay;

TEST_CASE("LIMITS names each limit that there is, in at most six digits (RFC 9422 4)", "[extensions]") {
    extensions::limits const offered;
    session_limits of;
    CHECK(offered.keyword() == "LIMITS");
    CHECK(offered.announcement(session_info{}, of) == "MAILMAX=1000 RCPTMAX=1000");
    of.messages = 0;
    of.recipients = 1'000'000;
    of.recipient_domains = 1;
    CHECK(offered.announcement(session_info{}, of) == "RCPTMAX=999999 RCPTDOMAINMAX=1");
    of.recipients = 999'999;
    of.messages = 1;
    of.recipient_domains = 0;
    CHECK(offered.announcement(session_info{}, of) == "MAILMAX=1 RCPTMAX=999999");
    CHECK(offered.mail_keywords().empty());
    CHECK(offered.verbs().empty());
}

}  // namespace test_extension_limits
