#include <mailquay/protocol/timestamp.hpp>

#include "support/catch.hpp"

#include <string_view>

namespace test_timestamp {

using namespace mailquay;
using namespace std::chrono;

std::optional<sys_seconds> whole(std::string_view text) {
    cursor in{text};
    auto const found = timestamp(in);
    return in.at_end() ? found : std::nullopt;
}
std::string written(sys_seconds when) {
    std::string text;
    append_timestamp(text, when);
    return text;
}

TEST_CASE("A date-time of RFC 3339 is read in any offset", "[protocol][timestamp]") {
    sys_seconds const when = sys_days{2026y / November / 25} + 22h + 3min + 4s;
    for (auto text : {"2026-11-25T22:03:04Z", "2026-11-25t22:03:04z", "2026-11-25T23:03:04+01:00", "2026-11-25T17:33:04-04:30",
                      "2026-11-26T00:02:04+01:59", "2026-11-25T22:03:04.999999Z", "2026-11-25T22:03:04-00:00"}) {
        INFO(text);
        CHECK(whole(text) == when);
    }
    CHECK(whole("2016-12-31T23:59:60Z") == sys_days{2017y / January / 1});
    CHECK(whole("0000-01-01T00:00:00Z") == sys_days{year{0} / January / 1});
    CHECK(whole("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("What is no date-time is left where it stands", "[protocol][timestamp]") {
    for (auto text : {"", "2026", "2026-11-25", "2026-11-25T22:03:04", "2026-11-25 22:03:04Z", "2026-13-25T22:03:04Z",
                      "2026-11-31T22:03:04Z", "2026-02-29T22:03:04Z", "2026-11-25T24:03:04Z", "2026-11-25T22:60:04Z",
                      "2026-11-25T22:03:61Z", "2026-11-25T22:03:04.Z", "2026-11-25T22:03:04+0100", "2026-11-25T22:03:04+24:00",
                      "26-11-25T22:03:04Z", "2026-1-25T22:03:04Z", "+2026-11-25T22:03:04Z"}) {
        INFO(text);
        cursor in{text};
        CHECK_FALSE(timestamp(in));
        CHECK(in.position() == 0);
    }
    cursor more{"2026-11-25T22:03:04Z;C"};
    CHECK(timestamp(more));
    CHECK(more.rest() == ";C");
}

TEST_CASE("A date-time is written in UTC, and read again", "[protocol][timestamp]") {
    sys_seconds const when = sys_days{2026y / March / 5} + 2h + 3min + 4s;
    CHECK(written(when) == "2026-03-05T02:03:04Z");
    CHECK(whole(written(when)) == when);
    CHECK(written(sys_seconds::max()) == "9999-12-31T23:59:59Z");
    CHECK(written(sys_seconds::min()) == "0000-01-01T00:00:00Z");
}

}  // namespace test_timestamp
