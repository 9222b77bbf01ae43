#include <mailquay/message/header_walker.hpp>

#include "support/catch.hpp"
#include "support/test_data.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace test_header_walker {

using namespace mailquay;

inline std::vector<header_field> fields_of(std::string_view text, header_lines lines = header_lines::crlf) {
    std::vector<header_field> fields;
    for (auto const& field : header_walker{text, lines}) fields.push_back(field);
    return fields;
}

}  // namespace test_header_walker

TEST_CASE("Fields come in order as views, the body is never looked at", "[message][header_walker]") {
    using namespace test_header_walker;
    std::string_view const message = "From: a@example.org\r\nSubject:  hi \r\n\r\nBody: no field\r\n";
    header_walker walker{message};

    auto const first = walker.next();
    auto const second = walker.next();
    auto const third = walker.next();

    REQUIRE(first.has_value());
    CHECK(first->name == "From");
    CHECK(first->value == " a@example.org");
    CHECK(first->whole == "From: a@example.org\r\n");
    CHECK(first->whole.data() == message.data());
    REQUIRE(second.has_value());
    CHECK(second->name == "Subject");
    CHECK(second->value == "  hi ");
    CHECK_FALSE(third.has_value());
    CHECK(walker.blank_line());
    CHECK(message.substr(walker.position()) == "Body: no field\r\n");
    CHECK_FALSE(walker.next().has_value());
    CHECK(message.substr(walker.position()) == "Body: no field\r\n");
}

TEST_CASE("A folded field is one field, its folds kept", "[message][header_walker]") {
    using namespace test_header_walker;

    auto const fields = fields_of("Subject: a\r\n\tb\r\n  \r\n c\r\nTo: x\r\n\r\n");

    REQUIRE(fields.size() == 2);
    CHECK(fields[0].value == " a\r\n\tb\r\n  \r\n c");
    CHECK(fields[0].whole == "Subject: a\r\n\tb\r\n  \r\n c\r\n");
    CHECK(fields[1].name == "To");
}

TEST_CASE("A section may be empty, or end without its empty line or line end", "[message][header_walker]") {
    using namespace test_header_walker;

    CHECK(fields_of("").empty());
    CHECK(fields_of("\r\nA: b\r\n").empty());
    auto const open = fields_of("A: b");
    REQUIRE(open.size() == 1);
    CHECK(open[0].value == " b");
    CHECK(open[0].whole == "A: b");
    header_walker walker{"A: b\r\n c"};
    auto const folded = walker.next();
    REQUIRE(folded.has_value());
    CHECK(folded->value == " b\r\n c");
    CHECK_FALSE(walker.next().has_value());
    CHECK_FALSE(walker.blank_line());
    CHECK(walker.position() == 8);
}

TEST_CASE("A line that is no field is reported with its continuations and ends nothing", "[message][header_walker]") {
    using namespace test_header_walker;

    auto const fields = fields_of("A: b\r\nno colon here\r\n more: of it\r\nC: d\r\n\r\n");

    REQUIRE(fields.size() == 3);
    CHECK(fields[1].is_malformed());
    CHECK(fields[1].name.empty());
    CHECK(fields[1].value == "no colon here\r\n more: of it");
    CHECK(fields[1].whole == "no colon here\r\n more: of it\r\n");
    CHECK(fields[2].is("c"));
}

TEST_CASE("A section that begins with a continuation begins with a malformed line", "[message][header_walker]") {
    using namespace test_header_walker;

    auto const fields = fields_of(" A: b\r\n c\r\nD: e\r\n\r\n");

    REQUIRE(fields.size() == 2);
    CHECK(fields[0].is_malformed());
    CHECK(fields[0].whole == " A: b\r\n c\r\n");
    CHECK(fields[1].is("D"));
}

TEST_CASE("Names are printable ASCII; white space before the colon is old but legal", "[message][header_walker]") {
    using namespace test_header_walker;

    auto const fields = fields_of("Old \t: v\r\nX!#$~: v\r\n: v\r\nTwo words: v\r\n\xc3\xa4: v\r\nZero:\r\n\r\n");

    REQUIRE(fields.size() == 6);
    CHECK(fields[0].name == "Old");
    CHECK(fields[1].name == "X!#$~");
    CHECK(fields[2].is_malformed());
    CHECK(fields[3].is_malformed());
    CHECK(fields[4].is_malformed());
    CHECK(fields[5].name == "Zero");
    CHECK(fields[5].value.empty());
    CHECK(fields_of("Subject\r\n : v\r\n\r\n")[0].is_malformed());
    CHECK(fields_of(std::string_view{"A\0B: v\r\n\r\n", 10})[0].is_malformed());
}

TEST_CASE("On the wire only CRLF ends a line; in files LF does too if allowed", "[message][header_walker]") {
    using namespace test_header_walker;
    std::string_view const text = "A: b\nC: d\r\n\nE: f\n\n\r\nG: h\r\n\r\n";

    auto const strict = fields_of(text);
    auto const tolerant = fields_of(text, header_lines::crlf_or_lf);

    REQUIRE(strict.size() == 3);
    CHECK(strict[0].value == " b\nC: d");
    CHECK(strict[1].is_malformed());
    CHECK(strict[1].whole == "\nE: f\n\n\r\n");
    REQUIRE(tolerant.size() == 2);
    CHECK(tolerant[0].value == " b");
    CHECK(tolerant[0].whole == "A: b\n");
    CHECK(tolerant[1].value == " d");
    header_walker walker{"A: b\n\nbody", header_lines::crlf_or_lf};
    while (walker.next()) {}
    CHECK(walker.position() == 6);
}

TEST_CASE("A bare CR is part of its line", "[message][header_walker]") {
    using namespace test_header_walker;

    auto const fields = fields_of("A: b\r\r\n\rC: d\r\n\r\r\n\r\n");

    REQUIRE(fields.size() == 3);
    CHECK(fields[0].value == " b\r");
    CHECK(fields[1].is_malformed());
    CHECK(fields[2].is_malformed());
    CHECK(fields[2].whole == "\r\r\n");
}

TEST_CASE("The wholes of all fields and the empty line are the section", "[message][header_walker]") {
    using namespace test_header_walker;
    std::string_view const alphabet = "\r\n :Aa\t";

    // Every text of seven octets over the octets that matter.
    std::string text(7, ' ');
    std::size_t wrong = 0;
    for (std::size_t number = 0; number < 7 * 7 * 7 * 7 * 7 * 7 * 7; ++number) {
        auto rest = number;
        for (char& c : text) {
            c = alphabet[rest % 7];
            rest /= 7;
        }
        for (auto const lines : {header_lines::crlf, header_lines::crlf_or_lf}) {
            header_walker walker{text, lines};
            std::size_t at = 0;
            while (auto const field = walker.next()) {
                if (field->whole.empty() || field->whole.data() != text.data() + at) ++wrong;
                at += field->whole.size();
            }
            auto const rest_of_section = std::string_view{text}.substr(at, walker.position() - at);
            bool const blank =
                rest_of_section == "\r\n" || (rest_of_section == "\n" && lines == header_lines::crlf_or_lf);
            if (walker.blank_line() ? !blank : at != text.size()) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("The first field of a name is found without regard to case", "[message][header_walker]") {
    using namespace test_header_walker;
    std::string_view const section = "X: 0\r\nmessage-ID: 1\r\nMessage-Id: 2\r\n\r\nTo: body\r\n";

    auto const found = find_first(section, "MESSAGE-ID");

    REQUIRE(found.has_value());
    CHECK(found->value == " 1");
    CHECK_FALSE(find_first(section, "To").has_value());
    CHECK_FALSE(find_first(section, "Message-").has_value());
    CHECK_FALSE(find_first("no colon\r\n\r\n", "").has_value());
    CHECK(find_first("A: b\nTo: c\n\n", "to", header_lines::crlf_or_lf)->value == " c");
}

TEST_CASE("Unfolding drops line ends before white space and trims, nothing else", "[message][header_walker]") {
    using namespace test_header_walker;

    CHECK(unfold("") == "");
    CHECK(unfold(" plain ") == "plain");
    CHECK(unfold(" a\r\n b") == "a b");
    CHECK(unfold(" a\r\n\t b\n c\r\n") == "a\t b c");
    CHECK(unfold("\r\n a") == "a");
    CHECK(unfold(" a\r\n \r\n b") == "a  b");
    CHECK(unfold("a\r\nb\nc\rd\r e") == "a\r\nb\nc\rd\r e");
    CHECK(unfold(" \t\r\n \t") == "");
}

TEST_CASE("Folds of every length keep their text", "[message][header_walker][data]") {
    using namespace test_header_walker;
    auto const mail = mailquay_test::read_data("mail-haraka/varied-fold-lengths-preserve-data.txt");
    if (!mail) {
        WARN("no test data: mail-haraka/varied-fold-lengths-preserve-data.txt");
        return;
    }

    header_walker walker{*mail, header_lines::crlf_or_lf};
    std::size_t at = 0, fields = 0;
    while (auto const field = walker.next()) {
        INFO(field->whole);
        CHECK_FALSE(field->is_malformed());
        CHECK(field->whole == mail->substr(at, field->whole.size()));
        CHECK(unfold(field->value).find_first_of("\r\n") == std::string::npos);
        at += field->whole.size();
        ++fields;
    }
    CHECK(fields > 1);
    CHECK(walker.blank_line());
}
