#include <mailquay/session/extensions/future_release.hpp>

#include "support/catch.hpp"

namespace test_extension_future_release {

using namespace mailquay;

using namespace std::chrono;

constexpr system_clock::time_point wall = sys_days{2026y / November / 25} + 22h + 500ms;

TEST_CASE("FUTURERELEASE announces how long, and until when", "[extensions]") {
    extensions::future_release const day{24h};
    CHECK(day.announcement_at({}, {}, wall) == "86400 2026-11-26T22:00:00Z");
    CHECK(day.opt_in());
    CHECK_FALSE(day.kept_by(promises{}));
    CHECK(day.kept_by(promises{.hold = true}));
}

TEST_CASE("FUTURERELEASE holds for a while or until a time, not both", "[extensions]") {
    extensions::future_release const day{24h};
    transaction mail;
    auto const give = [&](std::string_view keyword, std::string_view value) {
        return day.mail_parameter({keyword, value, true}, transaction_editor{mail, wall}, {});
    };
    CHECK(give("HOLDFOR", "86401")->code == 554);
    CHECK(give("HOLDUNTIL", "2026-11-26T22:00:01Z")->code == 554);
    CHECK(give("HOLDUNTIL", "2026-11-25T21:59:59Z")->code == 501);
    CHECK_FALSE(mail.requests().hold);

    CHECK_FALSE(give("HOLDFOR", "60"));
    CHECK(mail.requests().hold->release == sys_days{2026y / November / 25} + 22h + 1min);
    CHECK(mail.requests().hold->interval == 60s);
    CHECK(give("HOLDUNTIL", "2026-11-26T00:00:00Z")->code == 501);
}

}  // namespace test_extension_future_release
