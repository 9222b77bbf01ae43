#include <mailquay/base/scrub.hpp>

#include <mailquay/base/utf8.hpp>

#include "support/catch.hpp"

#include <random>
#include <string>
#include <string_view>

using mailquay::scrub;
using mailquay::scrub_to;

TEST_CASE("printable text stays as it is", "[base][scrub]") {
    CHECK(scrub("") == "");
    CHECK(scrub("FOO <a@b> \"x\\y\"") == "FOO <a@b> \"x\\y\"");
    CHECK(scrub("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80") == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
}

TEST_CASE("control characters and what is not UTF-8 become question marks", "[base][scrub]") {
    CHECK(scrub("a\r\n250 ok") == "a??250 ok");
    CHECK(scrub(std::string_view{"a\0\tb\x7f", 5}) == "a??b?");
    CHECK(scrub("\xff\xfe") == "??");
    CHECK(scrub("\xc3") == "?");
    CHECK(scrub("\xe2\x82x") == "??x");
    CHECK(scrub("\xc0\xaf") == "??");
    CHECK(scrub("a\xc2\x9b"
                "b") == "a?b");  // C1: one code point, one mark
    CHECK(scrub("a\xe2\x80\xae"
                "b\xef\xbb\xbf") == "a?b?");  // override, byte order mark
}

TEST_CASE("for a peer without SMTPUTF8 only ASCII stays", "[base][scrub]") {
    CHECK(scrub("gr\xc3\xbc\xc3\x9f", 100, scrub_to::ascii) == "gr??");
    CHECK(scrub("plain", 100, scrub_to::ascii) == "plain");
}

TEST_CASE("the bound holds and no code point is cut in two", "[base][scrub]") {
    CHECK(scrub("abcdef", 3) == "abc");
    CHECK(scrub("abcdef", 0) == "");
    CHECK(scrub("ab\xc3\xbc", 3) == "ab");
    CHECK(scrub("ab\xc3\xbc", 4) == "ab\xc3\xbc");
    CHECK(scrub(std::string(10'000, 'x')).size() == 256);
    std::string text = "500 5.5.1 ";
    mailquay::scrub_append(text, "a\nbc", 3);
    CHECK(text == "500 5.5.1 a?b");
}

TEST_CASE("whatever the octets, the outcome is bounded, valid and harmless", "[base][scrub]") {
    std::mt19937 random{5321};
    for (int round = 0; round < 20'000; ++round) {
        std::string octets(random() % 40, '\0');
        for (char& octet : octets) octet = static_cast<char>(random() % 3 == 0 ? random() : 0x80 + random() % 0x80);
        std::size_t const bound = random() % 30;
        std::string const utf8 = scrub(octets, bound);
        std::string const ascii = scrub(octets, bound, scrub_to::ascii);
        if (utf8.size() > bound || !mailquay::allowed_in_address(utf8)) FAIL("round " << round);
        if (ascii.size() > bound || !mailquay::is_ascii(ascii)) FAIL("round " << round);
    }
}
