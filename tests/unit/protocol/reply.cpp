#include <mailquay/protocol/reply.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace mailquay;

namespace test_reply {

std::string sent(int code, std::string_view enhanced, std::string_view text, bool utf8 = false) {
    std::string out = "before";
    append_reply(out, code, enhanced, text, utf8);
    REQUIRE(out.starts_with("before"));
    return out.substr(6);
}

/// Checks what holds for every reply, and returns its lines.
std::vector<std::string> lines_of(std::string const& wire, std::string const& head) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at < wire.size()) {
        std::size_t const end = wire.find("\r\n", at);
        REQUIRE(end != std::string::npos);
        lines.push_back(wire.substr(at, end - at));
        at = end + 2;
        CHECK(lines.back().size() <= 510);
        CHECK(lines.back().substr(0, 3) == head.substr(0, 3));
        CHECK(lines.back()[3] == (at < wire.size() ? '-' : ' '));
        if (lines.back().size() > 4) CHECK(lines.back().substr(4).starts_with(head.substr(4, head.size() - 5)));
        for (char c : lines.back()) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
    return lines;
}

}  // namespace test_reply

namespace test_reply {

TEST_CASE("A reply of one line is sent as it stands", "[protocol][reply]") {
    CHECK(sent(250, "2.1.5", "OK") == "250 2.1.5 OK\r\n");
    CHECK(sent(250, "", "mx.example.org") == "250 mx.example.org\r\n");
    CHECK(sent(354, "", "Go") == "354 Go\r\n");
    CHECK(sent(250, "2.0.0", "") == "250 2.0.0\r\n");
    CHECK(sent(334, "", "") == "334 \r\n");
}

TEST_CASE("Each line of a reply bears the codes", "[protocol][reply]") {
    CHECK(sent(550, "5.7.1", "no\nreally\nno") == "550-5.7.1 no\r\n550-5.7.1 really\r\n550 5.7.1 no\r\n");
    CHECK(sent(250, "", "host\nPIPELINING\nSIZE 10") == "250-host\r\n250-PIPELINING\r\n250 SIZE 10\r\n");
    CHECK(sent(250, "2.0.0", "a\n\nb") == "250-2.0.0 a\r\n250-2.0.0\r\n250 2.0.0 b\r\n");
    CHECK(sent(250, "2.0.0", "a\r\nb\n") == "250-2.0.0 a\r\n250 2.0.0 b\r\n");
    CHECK(sent(250, "2.0.0", "\n") == "250 2.0.0\r\n");
}

TEST_CASE("The enhanced code is made to agree with the code", "[protocol][reply]") {
    CHECK(sent(451, "5.7.1", "x") == "451 4.7.1 x\r\n");
    CHECK(sent(550, "nonsense", "x") == "550 5.0.0 x\r\n");
    CHECK(sent(550, "5.1.1\r\n250 OK", "x") == "550 5.0.0 x\r\n");
    CHECK(sent(550, "5.1.1.1.1.1.1.1.1.1.1", "x") == "550 5.0.0 x\r\n");
    CHECK(sent(550, "5.123.123", "x") == "550 5.123.123 x\r\n");
    CHECK(sent(354, "2.0.0", "x") == "354 x\r\n");
}

TEST_CASE("Nothing in a text can end a line or begin a reply", "[protocol][reply]") {
    CHECK(sent(550, "5.1.1", "a\r250 OK") == "550 5.1.1 a?250 OK\r\n");
    CHECK(sent(550, "5.1.1", std::string{"a\0b\x1b\x7f\t", 6}) == "550 5.1.1 a?b???\r\n");
    CHECK(sent(550, "5.1.1", "a\r\r\nb") == "550-5.1.1 a?\r\n550 5.1.1 b\r\n");
}

TEST_CASE("UTF-8 is sent only to who asked for it", "[protocol][reply]") {
    CHECK(sent(550, "5.1.1", "caf\xc3\xa9") == "550 5.1.1 caf?\r\n");
    CHECK(sent(550, "5.1.1", "caf\xc3\xa9", true) == "550 5.1.1 caf\xc3\xa9\r\n");
    CHECK(sent(550, "5.1.1", "caf\xe9", true) == "550 5.1.1 caf?\r\n");
    CHECK(sent(550, "5.1.1",
               "a\xe2\x80\xae"
               "b",
               true) == "550 5.1.1 a?b\r\n");
}

TEST_CASE("A long text is folded at spaces and keeps its words", "[protocol][reply]") {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "word" + std::to_string(i) + " ";
    text += "end";

    auto const lines = lines_of(sent(550, "5.7.1", text), "550 5.7.1 ");

    CHECK(lines.size() > 5);
    std::string joined;
    for (auto const& line : lines) joined += (joined.empty() ? "" : " ") + line.substr(10);
    CHECK(joined == text);
}

TEST_CASE("A text without spaces is cut, and never within a character", "[protocol][reply]") {
    for (std::size_t lead = 0; lead < 4; ++lead) {
        std::string text(lead, 'a');
        for (int i = 0; i < 600; ++i) text += "\xf0\x9f\x93\xa7";

        auto const lines = lines_of(sent(550, "5.7.1", text, true), "550 5.7.1 ");

        std::string joined;
        for (auto const& line : lines) joined += line.substr(10);
        CHECK(joined == text);
        CHECK(joined.find('?') == std::string::npos);
    }
}

TEST_CASE("Lines are full to the last octet that fits", "[protocol][reply]") {
    for (std::size_t size = 495; size < 515; ++size) {
        auto const lines = lines_of(sent(550, "5.7.1", std::string(size, 'x')), "550 5.7.1 ");
        CHECK(lines.size() == (size <= 500 ? 1u : 2u));
    }
}

TEST_CASE("A reply is made of a named one or of its parts", "[protocol][reply]") {
    reply const named{replies::no_such_user};
    reply const own{452, "4.2.2", "Full"};
    std::string out;

    append_reply(out, named);
    append_reply(out, own);
    append_reply(out, replies::ok);

    CHECK(out == "550 5.1.1 No such user here\r\n452 4.2.2 Full\r\n250 2.0.0 OK\r\n");
    CHECK_FALSE(named.close);
    CHECK(reply{replies::bye}.then_close().close);
}

}  // namespace test_reply
