#include <mailquay/base/cursor.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string_view>

using mailquay::cursor;

TEST_CASE("a cursor reads a command word by word", "[base][cursor]") {
    cursor in{"mail FROM:<a@b> SIZE=10"};

    CHECK(in.iskip("MAIL "));
    CHECK(in.iskip("from:"));
    CHECK(in.skip('<'));
    auto const start = in.position();
    CHECK(in.take_while(mailquay::is_alpha) == "a");
    CHECK(in.skip('@'));
    CHECK(in.take_while(mailquay::is_alpha) == "b");
    CHECK(in.since(start) == "a@b");
    CHECK(in.skip('>'));
    CHECK(in.rest() == " SIZE=10");
}

TEST_CASE("what is not next is not skipped", "[base][cursor]") {
    cursor in{"MAIL"};

    CHECK_FALSE(in.skip('m'));
    CHECK_FALSE(in.iskip("MAILS"));
    CHECK_FALSE(in.iskip("RCPT"));
    CHECK(in.take_while(mailquay::is_digit).empty());
    CHECK(in.position() == 0);
    CHECK(in.iskip(""));
    CHECK(in.position() == 0);
}

TEST_CASE("reading at the end yields NUL and moves nowhere", "[base][cursor]") {
    cursor in{""};

    CHECK(in.at_end());
    CHECK(in.peek() == '\0');
    CHECK(in.peek(1) == '\0');
    CHECK_FALSE(in.skip('\0'));
    CHECK(in.rest().empty());
    CHECK(in.take_while([](char) { return true; }).empty());
    in.advance(5);
    CHECK(in.position() == 0);
}

TEST_CASE("a NUL in the text is an octet like any other", "[base][cursor]") {
    cursor in{std::string_view{"\0x", 2}};

    CHECK(in.peek() == '\0');
    CHECK_FALSE(in.at_end());
    CHECK(in.skip('\0'));
    CHECK(in.peek() == 'x');
}

TEST_CASE("peeking ahead stays within the text", "[base][cursor]") {
    cursor in{"abc"};
    in.advance();

    CHECK(in.peek(0) == 'b');
    CHECK(in.peek(1) == 'c');
    CHECK(in.peek(2) == '\0');
    CHECK(in.peek(std::numeric_limits<std::size_t>::max()) == '\0');
}

TEST_CASE("no move leaves the text", "[base][cursor]") {
    cursor in{"abc"};

    in.advance(std::numeric_limits<std::size_t>::max());
    CHECK(in.position() == 3);
    CHECK(in.at_end());
    in.seek(1);
    CHECK(in.rest() == "bc");
    in.seek(99);
    CHECK(in.position() == 3);
    in.seek(1);
    CHECK(in.since(2).empty());
    CHECK(in.since(0) == "a");
}

TEST_CASE("a cursor works at compile time", "[base][cursor]") {
    constexpr auto number = [] {
        cursor in{"SIZE=42 x"};
        return in.iskip("size=") ? in.take_while(mailquay::is_digit) : std::string_view{};
    }();

    STATIC_REQUIRE(number == "42");
}
