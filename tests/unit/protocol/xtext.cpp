#include <mailquay/protocol/xtext.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

TEST_CASE("xtext stands for any octets, there and back", "[protocol][xtext]") {
    CHECK(*decode_xtext("a+2Bb") == "a+b");
    CHECK(*decode_xtext("") == "");
    CHECK(*decode_xtext("+3C+3E") == "<>");
    std::string every;
    for (int octet = 0; octet < 256; ++octet) every += static_cast<char>(octet);
    std::string encoded;
    append_xtext(encoded, every);
    CHECK(*decode_xtext(encoded) == every);
    CHECK(encoded.find('=') == std::string::npos);
    encoded.clear();
    append_xtext(encoded, "a+b=c d\xc3");
    CHECK(encoded == "a+2Bb+3Dc+20d+C3");
}

TEST_CASE("What is no xtext is refused where it goes wrong", "[protocol][xtext]") {
    for (auto text : {"ab+", "ab+2", "ab+2b", "ab+G0", "ab+0G", "ab=", "ab c", "ab\xc3", "ab\t", "ab++20"}) {
        INFO(text);
        auto const found = decode_xtext(text);
        REQUIRE_FALSE(found);
        CHECK(found.error() == refusal{protocol_errc::bad_xtext, 2});
    }
}
