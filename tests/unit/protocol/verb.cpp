#include <mailquay/protocol/verb.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

TEST_CASE("Every verb is known by its name, in any case", "[protocol][verb]") {
    for (std::size_t i = 1; i < verb_count; ++i) {
        auto const which = static_cast<verb>(i);
        std::string name{to_string(which)};
        INFO(name);
        CHECK(parse_verb(name) == which);
        for (std::size_t j = 0; j < name.size(); j += 2) name[j] = static_cast<char>(name[j] | 0x20);
        CHECK(parse_verb(name) == which);
        CHECK(parse_verb(name + "X") == verb::unknown);
        CHECK(parse_verb(name.substr(0, name.size() - 1)) == verb::unknown);
    }
}

TEST_CASE("No change of one octet but that of case leaves a verb what it is", "[protocol][verb]") {
    for (std::size_t i = 1; i < verb_count; ++i) {
        auto const which = static_cast<verb>(i);
        std::string const name{to_string(which)};
        for (std::size_t at = 0; at < name.size(); ++at) {
            for (int octet = 0; octet < 256; ++octet) {
                std::string changed = name;
                changed[at] = static_cast<char>(octet);
                bool const same = octet == name[at] || octet == (name[at] | 0x20);
                if ((parse_verb(changed) == which) != same) FAIL(changed);
            }
        }
    }
    CHECK(parse_verb("") == verb::unknown);
    CHECK(to_string(verb::unknown) == "unknown");
}

TEST_CASE("A command line is a verb and what follows its space", "[protocol][verb]") {
    auto const line = parse_command_line("MAIL FROM:<a@b> SIZE=1");
    REQUIRE(line);
    CHECK(line->verb == verb::mail);
    CHECK(line->name == "MAIL");
    CHECK(line->argument == "FROM:<a@b> SIZE=1");
    CHECK(line->has_argument);

    auto const bare = parse_command_line("quit");
    REQUIRE(bare);
    CHECK(bare->verb == verb::quit);
    CHECK(bare->name == "quit");
    CHECK_FALSE(bare->has_argument);
}

TEST_CASE("White space before the line end is tolerated", "[protocol][verb]") {
    for (auto text : {"NOOP ", "NOOP\t", "NOOP \t  "}) {
        auto const line = parse_command_line(text);
        REQUIRE(line);
        CHECK(line->verb == verb::noop);
        CHECK_FALSE(line->has_argument);
    }
    auto const line = parse_command_line("HELO   example.org \t");
    REQUIRE(line);
    CHECK(line->argument == "example.org");
}

TEST_CASE("A well-formed verb may be unknown", "[protocol][verb]") {
    for (auto text : {"FOO", "X", "XYZZY bar", "X-EXPS LOGIN", "MAILX FROM:<>", "123"}) {
        auto const line = parse_command_line(text);
        REQUIRE(line);
        CHECK(line->verb == verb::unknown);
    }
}

TEST_CASE("A line that does not begin with a verb is refused", "[protocol][verb]") {
    auto fault = [](std::string_view text) {
        auto const line = parse_command_line(text);
        return line ? protocol_errc{} : line.error().code;
    };
    CHECK(fault("") == protocol_errc::empty_line);
    CHECK(fault(" \t ") == protocol_errc::empty_line);
    CHECK(fault(" NOOP") == protocol_errc::bad_verb);
    CHECK(fault("NOOP\tx") == protocol_errc::bad_verb);
    CHECK(fault("MAIL:") == protocol_errc::bad_verb);
    CHECK(fault("\xc3\x89HLO x") == protocol_errc::bad_verb);
    CHECK(fault(std::string_view{"NO\0P", 4}) == protocol_errc::bad_verb);
    CHECK(fault("<html>") == protocol_errc::bad_verb);
    CHECK(parse_command_line("MA!L").error().position == 2);
}

TEST_CASE("The methods of HTTP are known as such", "[protocol][verb]") {
    for (auto name : {"GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS", "get"}) CHECK(is_http_method(name));
    for (auto name : {"HELO", "GETX", "", "MAIL"}) CHECK_FALSE(is_http_method(name));
}
