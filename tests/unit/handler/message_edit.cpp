#include <mailquay/handler/message_edit.hpp>

#include <mailquay/handler/quarantine.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace test_message_edit {
using namespace mailquay;
using namespace mailquay_test;

struct bench {
    made_transaction made{};
    message_edit edit;
    explicit bench(std::string header) : edit(made.mail, std::move(header)) {}
};
constexpr char const* header = "A: 1\r\nB: 2\r\n 2\r\na: 3\r\n\r\n";

TEST_CASE("a header that nobody edits stays as it came, octet by octet", "[edit]") {
    std::string const given = GENERATE(as<std::string>{}, header, "", "\r\n", "A: 1\r\n", "A: 1", "junk\r\nA : x\r\n\r\n", " odd\r\n\r\n");
    bench b{given};
    CHECK(b.edit.header() == given);
    CHECK_FALSE(b.edit.edited());
}

TEST_CASE("fields are found by name without regard to case, and counted", "[edit]") {
    bench b{header};
    REQUIRE(b.edit.fields() == 3);
    CHECK(b.edit.find("A")->value == " 1");
    CHECK(b.edit.find("A", 1)->value == " 3");
    CHECK_FALSE(b.edit.find("A", 2));
    CHECK_FALSE(b.edit.find("AB"));
    std::vector<std::string> names;
    b.edit.for_each_field([&](header_field const& field) { names.emplace_back(field.name); });
    CHECK(names == std::vector<std::string>{"A", "B", "a"});
}

TEST_CASE("fields are added at the top, at the bottom and at an index", "[edit]") {
    bench b{"A: 1\r\nB: 2\r\n\r\n"};
    b.edit.add_field("Top", "t");
    b.edit.add_field("Low", "l", field_place::bottom);
    b.edit.add_field_at(1, "Second", "s");
    b.edit.add_field_at(99, "Last", "z");
    CHECK(b.edit.header() == "Top: t\r\nSecond: s\r\nA: 1\r\nB: 2\r\nLow: l\r\nLast: z\r\n\r\n");
    CHECK(b.edit.edited());
}

TEST_CASE("the nth field of a name is replaced or removed", "[edit]") {
    bench b{header};
    CHECK(b.edit.replace_field("A", 1, "new"));
    CHECK(b.edit.header() == "A: 1\r\nB: 2\r\n 2\r\na: new\r\n\r\n");
    CHECK(b.edit.remove_field("B"));
    CHECK_FALSE(b.edit.remove_field("B"));
    CHECK_FALSE(b.edit.replace_field("C", 0, "x"));
    CHECK(b.edit.header() == "A: 1\r\na: new\r\n\r\n");
    CHECK(b.edit.remove_fields("a") == 2);
    CHECK(b.edit.header() == "\r\n");
    CHECK(b.edit.remove_fields("a") == 0);
}

TEST_CASE("no value can add a field or end the header", "[edit]") {
    std::string const value =
        GENERATE(as<std::string>{}, "a\r\nB: c", "a\nB: c", "a\rB: c", "a\r\n", "a\r\n\r\nbody", "a\r\n \r\n b", "a\r\n ", "a\x01" "b",
                 "a\r\n\tb\r\n", "\r", "\n", "a\n b", std::string("a\0b", 3));
    bench b{header};
    CHECK_THROWS_AS(b.edit.add_field("X", value), std::invalid_argument);
    CHECK_THROWS_AS(b.edit.replace_field("A", 0, value), std::invalid_argument);
    CHECK(b.edit.header() == header);
}

TEST_CASE("what is not a field name is refused", "[edit]") {
    std::string const name = GENERATE(as<std::string>{}, "", "a b", "a:", "a\r\nb", "\xc3\xa4", "a\t");
    bench b{header};
    CHECK_THROWS_AS(b.edit.add_field(name, "v"), std::invalid_argument);
    CHECK(b.edit.fields() == 3);
}

TEST_CASE("folded and empty values are taken as they are", "[edit]") {
    bench b{"\r\n"};
    b.edit.add_field("X", "a\r\n\tb");
    b.edit.add_field("Y", "");
    b.edit.add_field("Z", "\xc3\xa4");
    b.edit.add_field("W", "\r\n folded first");
    CHECK(b.edit.header() == "W:\r\n folded first\r\nZ: \xc3\xa4\r\nY:\r\nX: a\r\n\tb\r\n\r\n");
}

TEST_CASE("lines over 998 octets are folded at white space, a word that long is refused", "[edit]") {
    bench b{"\r\n"};
    std::string words;
    for (int i = 0; i < 600; ++i) words += "word ";
    words += "end";
    b.edit.add_field("X", words);
    std::string_view rest = b.edit.header();
    std::string unfolded;
    while (rest != "\r\n") {
        auto const end = rest.find("\r\n");
        REQUIRE(end <= 998);
        REQUIRE(end > 0);
        unfolded += rest.substr(0, end);
        rest.remove_prefix(end + 2);
    }
    CHECK(unfolded == "X: " + words);

    CHECK_NOTHROW(b.edit.add_field("Y", std::string(995, 'y')));
    CHECK(b.edit.header().substr(0, 1000) == "Y: " + std::string(995, 'y') + "\r\n");
    CHECK_NOTHROW(b.edit.add_field("Y", std::string(996, 'y')));  // fits behind a fold of its own
    CHECK(b.edit.header().substr(0, 4) == "Y:\r\n");
    CHECK_THROWS_AS(b.edit.add_field("Y", std::string(998, 'y')), std::invalid_argument);
}

TEST_CASE("a field added behind a line without end does not join it", "[edit]") {
    bench b{"A: 1"};
    b.edit.add_field("B", "2", field_place::bottom);
    CHECK(b.edit.header() == "A: 1\r\nB: 2\r\n");
}

TEST_CASE("who did not ask for edits may not edit, but look and quarantine", "[edit]") {
    bench b{header};
    b.edit.allow_edits(false);
    CHECK_THROWS_AS(b.edit.add_field("X", "y"), std::logic_error);
    CHECK_THROWS_AS(b.edit.remove_field("A"), std::logic_error);
    CHECK_THROWS_AS(b.edit.remove_fields("A"), std::logic_error);
    CHECK_THROWS_AS(b.edit.replace_field("A", 0, "y"), std::logic_error);
    CHECK(b.edit.header() == header);
    b.edit.quarantine("spam");
    CHECK(b.edit.quarantined());
    CHECK(quarantine_of(b.made.mail) == "spam");
}

TEST_CASE("the body is read from its beginning, and again after a rewind", "[edit]") {
    memory_buffers buffers{100};
    auto body = buffers.make();
    REQUIRE(std::move(body->write(std::string_view{"hello"})).value());
    made_transaction made;
    message_edit edit{made.mail, "A: b\r\n\r\n", body.get()};
    CHECK(edit.has_body());
    CHECK(edit.body_octets() == 5);
    for (int i = 0; i < 2; ++i) {
        edit.rewind_body();
        char room[3];
        CHECK(*std::move(edit.read_body(room)).value() == 3);
        CHECK(std::string(room, 3) == "hel");
        CHECK(*std::move(edit.read_body(room)).value() == 2);
        CHECK(*std::move(edit.read_body(room)).value() == 0);
    }
}

}  // namespace test_message_edit
