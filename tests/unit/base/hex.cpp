#include <mailquay/base/hex.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

TEST_CASE("hexadecimal digits of either case have a value, all other octets none", "[base][hex]") {
    constexpr std::string_view lower = "0123456789abcdef";
    constexpr std::string_view upper = "0123456789ABCDEF";
    for (int octet = 0; octet < 256; ++octet) {
        char const c = static_cast<char>(octet);
        auto at = lower.find(c);
        if (at == std::string_view::npos) at = upper.find(c);
        INFO("octet " << octet);
        CHECK(mailquay::hex_digit_value(c) == (at == std::string_view::npos ? -1 : static_cast<int>(at)));
    }
}

TEST_CASE("an octet is appended as two upper-case digits", "[base][hex]") {
    std::string text;

    for (char octet : {'\x00', '\x0a', '\x7f', '\xff'}) mailquay::append_hex(text, octet);

    CHECK(text == "000A7FFF");
}
