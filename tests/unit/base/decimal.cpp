#include <mailquay/base/decimal.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <string>

using mailquay::parse_decimal;

TEST_CASE("a decimal number is read up to the greatest its type holds and not beyond", "[base][decimal]") {
    CHECK(parse_decimal<std::uint8_t>("0") == std::uint8_t{0});
    CHECK(parse_decimal<std::uint8_t>("255") == std::uint8_t{255});
    CHECK_FALSE(parse_decimal<std::uint8_t>("256"));
    CHECK_FALSE(parse_decimal<std::uint8_t>("260"));
    CHECK_FALSE(parse_decimal<std::uint8_t>("1000"));
    CHECK(parse_decimal<std::uint16_t>("65535") == std::uint16_t{65535});
    CHECK_FALSE(parse_decimal<std::uint16_t>("65536"));
    CHECK(parse_decimal<std::uint64_t>("18446744073709551615") == UINT64_MAX);
    CHECK_FALSE(parse_decimal<std::uint64_t>("18446744073709551616"));
    CHECK_FALSE(parse_decimal<std::uint64_t>("99999999999999999999"));
    CHECK_FALSE(parse_decimal<std::uint64_t>("184467440737095516150"));
}

TEST_CASE("every number of one octet is read as what it says", "[base][decimal]") {
    for (unsigned number = 0; number < 1000; ++number) {
        auto const read = parse_decimal<std::uint8_t>(std::to_string(number));
        REQUIRE(read.has_value() == (number < 256));
        if (read) REQUIRE(*read == number);
    }
}

TEST_CASE("leading zeros do not change a number", "[base][decimal]") {
    CHECK(parse_decimal<std::uint8_t>("007") == std::uint8_t{7});
    CHECK(parse_decimal<std::uint8_t>("0000000000000255") == std::uint8_t{255});
}

TEST_CASE("anything but digits is no number", "[base][decimal]") {
    for (char const* text : {"", " ", "+1", "-1", "1 ", " 1", "1a", "0x1", "1.0", "1,0", "1\n", "\xd9\xa1"}) {
        INFO("text \"" << text << '"');
        CHECK_FALSE(parse_decimal<unsigned>(text));
    }
    CHECK_FALSE(parse_decimal<unsigned>(std::string_view{"1\0", 2}));
}

TEST_CASE("a number is appended in decimal", "[base][decimal]") {
    std::string text = "SIZE=";

    mailquay::append_decimal(text, 0);
    text += ' ';
    mailquay::append_decimal(text, UINT64_MAX);

    CHECK(text == "SIZE=0 18446744073709551615");
}
