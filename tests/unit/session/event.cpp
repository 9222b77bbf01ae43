#include <mailquay/session/event.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>
#include <variant>

namespace test_event {

using namespace mailquay;

TEST_CASE("each reason has a name of its own, fit for a log line", "[event]") {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(abort_reason::reset); ++i) names.insert(to_string(static_cast<abort_reason>(i)));
    CHECK(names.size() == 6);
    CHECK_FALSE(names.contains("unknown"));
    names.clear();
    for (int i = 0; i <= static_cast<int>(close_reason::output_stalled); ++i) names.insert(to_string(static_cast<close_reason>(i)));
    CHECK(names.size() == 9);
    CHECK_FALSE(names.contains("unknown"));
    for (auto const name : names) CHECK(name.find(' ') == std::string_view::npos);
}

TEST_CASE("an event is small enough to be returned by value", "[event]") {
    STATIC_REQUIRE(sizeof(event) <= 64);
    event const what = message_complete{ticket{7}, nullptr, 5, 0};
    REQUIRE(std::holds_alternative<message_complete>(what));
    CHECK(std::get<message_complete>(what).ticket == ticket{7});
}

}  // namespace test_event
