#include <mailquay/protocol/params/size.hpp>

#include "support/catch.hpp"

#include <limits>

using namespace mailquay;

TEST_CASE("SIZE is 1 to 20 digits, and never wraps", "[protocol][params]") {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    auto size = [](std::string_view value) { return parse_size({"SIZE", value, true}); };
    CHECK(*size("0") == 0);
    CHECK(*size("00000000000000000017") == 17);
    CHECK(*size("18446744073709551615") == most);
    CHECK(*size("18446744073709551616") == most);
    CHECK(*size("99999999999999999999") == most);
    for (auto value : {"", "+1", "-1", "1k", "0x10", "1.5", "000000000000000000001", "1 "}) {
        INFO(value);
        auto const found = size(value);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == protocol_errc::bad_size);
    }
    CHECK(parse_size({"SIZE", "", false}).error().code == protocol_errc::parameter_value_missing);
}
