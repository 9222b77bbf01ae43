#include <mailquay/base/ascii.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace test_ascii {

/// The octets from 0 to 255 for which `wanted` holds, in order.
template <class Predicate>
std::string members(Predicate wanted) {
    std::string found;
    for (int octet = 0; octet < 256; ++octet) {
        if (wanted(static_cast<char>(octet))) found += static_cast<char>(octet);
    }
    return found;
}

std::string sorted(std::string text) {
    std::sort(text.begin(), text.end(),
              [](char a, char b) { return static_cast<unsigned char>(a) < static_cast<unsigned char>(b); });
    return text;
}

std::string const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
std::string const lower = "abcdefghijklmnopqrstuvwxyz";
std::string const digits = "0123456789";

TEST_CASE("each character class holds exactly the octets its grammar names", "[base][ascii]") {
    CHECK(members(mailquay::is_alpha) == upper + lower);
    CHECK(members(mailquay::is_digit) == digits);
    CHECK(members(mailquay::is_alnum) == digits + upper + lower);
    CHECK(members(mailquay::is_let_dig) == digits + upper + lower);
    CHECK(members(mailquay::is_hex) == digits + "ABCDEFabcdef");
    CHECK(members(mailquay::is_wsp) == "\t ");
    CHECK(members(mailquay::is_atext) == sorted(digits + upper + lower + "!#$%&'*+-/=?^_`{|}~"));
    CHECK(members(mailquay::is_control) == members([](char c) { return (c >= 0 && c < 32) || c == 127; }));
    CHECK(members(mailquay::is_printable) == members([](char c) { return c >= 32 && c < 127; }));
}

TEST_CASE("only ASCII letters have a case", "[base][ascii]") {
    for (int octet = 0; octet < 256; ++octet) {
        char const c = static_cast<char>(octet);
        auto const in_upper = upper.find(c);
        auto const in_lower = lower.find(c);
        INFO("octet " << octet);
        CHECK(mailquay::to_lower(c) == (in_upper != std::string::npos ? lower[in_upper] : c));
        CHECK(mailquay::to_upper(c) == (in_lower != std::string::npos ? upper[in_lower] : c));
    }
}

TEST_CASE("comparison without case knows ASCII letters only", "[base][ascii]") {
    CHECK(mailquay::iequals("MAIL From", "mail fROM"));
    CHECK(mailquay::iequals("", ""));
    CHECK_FALSE(mailquay::iequals("MAIL", "MAI"));
    CHECK_FALSE(mailquay::iequals("MAI", "MAIL"));
    CHECK_FALSE(mailquay::iequals("@", "`"));             // 0x40 and 0x60
    CHECK_FALSE(mailquay::iequals("[", "{"));             // 0x5b and 0x7b
    CHECK_FALSE(mailquay::iequals("\xc4", "\xe4"));       // Ä and ä in Latin-1
    CHECK_FALSE(mailquay::iequals("K", "\xe2\x84\xaa"));  // Kelvin sign
    CHECK(mailquay::istarts_with("Mail From:<a>", "MAIL FROM:"));
    CHECK(mailquay::istarts_with("x", ""));
    CHECK_FALSE(mailquay::istarts_with("MAIL", "MAIL "));
}

TEST_CASE("lowering changes A to Z and nothing else", "[base][ascii]") {
    std::string const mixed{"Ab\0Z\xc4@[9", 8};
    std::string in_place = mixed;

    mailquay::to_lower_in_place(in_place);

    CHECK(in_place == std::string("ab\0z\xc4@[9", 8));
    CHECK(mailquay::to_lower_copy(mixed) == in_place);
    CHECK(mailquay::to_lower_copy("").empty());
}

TEST_CASE("an octet above 127 is found wherever it stands", "[base][ascii]") {
    CHECK(mailquay::is_ascii(""));
    for (std::size_t length = 1; length <= 40; ++length) {
        std::string text(length, '\x7f');
        REQUIRE(mailquay::is_ascii(text));
        for (std::size_t at = 0; at < length; ++at) {
            for (char high : {'\x80', '\xff'}) {
                std::string spoiled = text;
                spoiled[at] = high;
                REQUIRE_FALSE(mailquay::is_ascii(spoiled));
                REQUIRE(mailquay::is_ascii(std::string_view{spoiled}.substr(at + 1)));
                REQUIRE(mailquay::is_ascii(std::string_view{spoiled}.substr(0, at)));
            }
        }
    }
}

TEST_CASE("the functions work at compile time", "[base][ascii]") {
    STATIC_REQUIRE(mailquay::is_ascii("twelve octets"));
    STATIC_REQUIRE_FALSE(mailquay::is_ascii("twelve octets\x80"));
    STATIC_REQUIRE(mailquay::iequals("a", "A"));
    STATIC_REQUIRE(mailquay::to_lower('Q') == 'q');
    STATIC_REQUIRE(mailquay::is_atext('~'));
}

}  // namespace test_ascii
