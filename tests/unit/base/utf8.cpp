#include <mailquay/base/utf8.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

using mailquay::cursor;
using mailquay::decode_utf8;
using mailquay::forbidden_in_address;
using mailquay::valid_utf8;

TEST_CASE("every code point but the surrogates survives encoding and decoding", "[base][utf8]") {
    for (char32_t code_point = 0; code_point <= 0x10ffff; ++code_point) {
        if (code_point >= 0xd800 && code_point <= 0xdfff) continue;
        std::string text;
        mailquay::append_utf8(text, code_point);
        cursor in{text};
        auto const decoded = decode_utf8(in);
        if (!decoded || *decoded != code_point || !in.at_end()) {
            FAIL("code point " << static_cast<unsigned>(code_point));
        }
    }
}

TEST_CASE("of all octet pairs and triples exactly the well-formed ones are valid", "[base][utf8]") {
    // RFC 3629 §4 counts: 128 single octets, 1920 pairs, 61440 triples (65536 - 2048 - 2048 surrogates).
    std::size_t pairs = 0, triples = 0;
    for (int a = 0x80; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            char const two[] = {static_cast<char>(a), static_cast<char>(b)};
            if (valid_utf8({two, 2})) ++pairs;
            if (a < 0xe0 || a > 0xef) continue;
            for (int c = 0; c < 256; ++c) {
                char const three[] = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
                if (valid_utf8({three, 3})) ++triples;
            }
        }
    }
    CHECK(pairs == 1920);
    CHECK(triples == 61440);
}

TEST_CASE("text that is not strict UTF-8 is refused", "[base][utf8]") {
    for (char const* text : {
             "\x80",                  // tail without lead
             "\xc3",                  // cut short
             "\xe2\x82",              // cut short
             "\xf0\x9f\x98",          // cut short
             "\xc3(",                 // lead without tail
             "\xc0\xaf",              // overlong "/"
             "\xc1\xbf",              // overlong
             "\xe0\x80\xaf",          // overlong
             "\xe0\x9f\xbf",          // overlong
             "\xf0\x80\x80\xaf",      // overlong
             "\xf0\x8f\xbf\xbf",      // overlong
             "\xed\xa0\x80",          // surrogate D800
             "\xed\xbf\xbf",          // surrogate DFFF
             "\xf4\x90\x80\x80",      // above U+10FFFF
             "\xf5\x80\x80\x80",      // above U+10FFFF
             "\xf8\x88\x80\x80\x80",  // five octets
             "\xfe",
             "\xff",
             "valid up to here \xff and after",
             "\xc3\xa4\xa4",  // one tail too many
         }) {
        INFO("text " << text);
        CHECK_FALSE(valid_utf8(text));
    }
}

TEST_CASE("text in UTF-8 is valid, NUL and the edges of each length included", "[base][utf8]") {
    CHECK(valid_utf8(""));
    CHECK(valid_utf8("plain"));
    CHECK(valid_utf8(std::string_view{"\0", 1}));
    CHECK(valid_utf8(
        "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    STATIC_REQUIRE(valid_utf8("gr\xc3\xbc\xc3\x9f"));
}

TEST_CASE("decoding stays where no code point begins", "[base][utf8]") {
    cursor in{"\xc3\xa4\xff"};

    CHECK(decode_utf8(in) == U'\u00e4');
    CHECK(in.position() == 2);
    CHECK_FALSE(decode_utf8(in));
    CHECK(in.position() == 2);
    in.advance();
    CHECK_FALSE(decode_utf8(in));
    CHECK(in.at_end());
}

TEST_CASE("what cannot be encoded becomes the replacement character", "[base][utf8]") {
    std::string text;

    mailquay::append_utf8(text, 0xd800);
    mailquay::append_utf8(text, 0x110000);

    CHECK(text == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("control, invisible and direction-changing code points have no place in an address", "[base][utf8]") {
    struct {
        char32_t first, last;
    } const forbidden[] = {{0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},
                           {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x2064},  {0x2066, 0x206f},
                           {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    for (char32_t code_point = 0; code_point <= 0x10ffff; ++code_point) {
        bool expected = mailquay::is_noncharacter(code_point);
        for (auto const& [first, last] : forbidden) expected = expected || (code_point >= first && code_point <= last);
        if (forbidden_in_address(code_point) != expected) FAIL("code point " << static_cast<unsigned>(code_point));
    }
    for (char32_t code_point : {U'a', U' ', U'@', U'\u00e4', U'\u0627', U'\u4e2d', U'\U0001f600', U'\ufffd'}) {
        CHECK_FALSE(forbidden_in_address(code_point));
    }
}

TEST_CASE("there are 66 noncharacters", "[base][utf8]") {
    unsigned count = 0;
    for (char32_t code_point = 0; code_point <= 0x10ffff; ++code_point) count += mailquay::is_noncharacter(code_point);

    CHECK(count == 66);
}

TEST_CASE("a text for an address is valid UTF-8 and hides nothing", "[base][utf8]") {
    CHECK(mailquay::allowed_in_address(""));
    CHECK(mailquay::allowed_in_address("j\xc3\xbcrgen"));
    CHECK_FALSE(mailquay::allowed_in_address("j\xfcrgen"));
    CHECK_FALSE(mailquay::allowed_in_address("a\tb"));
    CHECK_FALSE(
        mailquay::allowed_in_address("a\xe2\x80\xae"
                                     "b"));  // right-to-left override
    CHECK_FALSE(
        mailquay::allowed_in_address("a\xc2\x85"
                                     "b"));  // next line (C1)
}
