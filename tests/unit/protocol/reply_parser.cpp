#include <mailquay/protocol/reply_parser.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace test_reply_parser {

using namespace mailquay;
using outcome = reply_parser::outcome;

struct read_reply {
    outcome how{};
    received_reply reply{};
};

/// What a stream holds, given in pieces of `piece` octets.
std::vector<read_reply> read(std::string_view stream, std::size_t piece, reply_limits limits = {}) {
    std::vector<read_reply> all;
    reply_parser parser{limits};
    while (!stream.empty()) {
        std::string_view part = stream.substr(0, piece);
        stream.remove_prefix(part.size());
        while (!part.empty()) {
            std::size_t const used = parser.feed(part);
            REQUIRE(used != 0);
            part.remove_prefix(used);
            if (parser.state() != outcome::need_more) {
                outcome const how = parser.state();
                all.push_back({how, parser.take()});
            }
        }
    }
    return all;
}

/// The only reply of a stream, however it is cut.
read_reply only(std::string_view stream, reply_limits limits = {}) {
    auto const whole = read(stream, std::string_view::npos, limits);
    REQUIRE(whole.size() == 1);
    for (std::size_t piece = 1; piece < 9; ++piece) {
        auto const cut = read(stream, piece, limits);
        REQUIRE(cut.size() == 1);
        CHECK(cut.front().how == whole.front().how);
        CHECK(cut.front().reply == whole.front().reply);
    }
    return whole.front();
}

TEST_CASE("replies of one line and of several, with and without text and enhanced codes", "[protocol][reply_parser]") {
    struct row {
        std::string_view stream;
        received_reply reply;
    };
    row const rows[] = {
        {"250 ok\r\n", {250, "", "ok"}},
        {"250\r\n", {250, "", ""}},
        {"250 \r\n", {250, "", ""}},
        {"250 2.1.5 Ok\r\n", {250, "2.1.5", "Ok"}},
        {"250 2.1.5\r\n", {250, "2.1.5", ""}},
        {"550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n", {550, "5.1.1", "no\nsuch\nuser"}},
        {"250-mx.example\r\n250-SIZE 10\r\n250 HELP\r\n", {250, "", "mx.example\nSIZE 10\nHELP"}},
        {"250-\r\n250 \r\n", {250, "", "\n"}},
        {"450 5.1.1 of another class\r\n", {450, "", "5.1.1 of another class"}},
        {"250 2.1 not a code\r\n", {250, "", "2.1 not a code"}},
        {"250 with a bare LF\n", {250, "", "with a bare LF"}},
        {"354\n", {354, "", ""}},
        {"599 five\r\n", {599, "", "five"}},
    };
    for (row const& one : rows) {
        INFO(one.stream);
        auto const got = only(one.stream);
        CHECK(got.how == outcome::complete);
        CHECK(got.reply == one.reply);
    }
}

TEST_CASE("NUL and octets above 127 stay in the text", "[protocol][reply_parser]") {
    std::string_view const stream{"250 a\0b\xff\r\n", 11};

    auto const got = only(stream);

    CHECK(got.how == outcome::complete);
    CHECK(got.reply.text == std::string_view("a\0b\xff", 4));
}

TEST_CASE("what is no reply is garbled", "[protocol][reply_parser]") {
    for (std::string_view const stream :
         {"hello\r\n", "\r\n", "25\r\n", "2x0 ok\r\n", "250ok\r\n", "250\tok\r\n", " 250 ok\r\n", "199 no\r\n", "600 no\r\n", "099 no\r\n",
          "250-a\r\n550 b\r\n", "250-a\r\nhello\r\n250 b\r\n", "-250 no\r\n", "250-a\r\n\r\n250 b\r\n"}) {
        INFO(stream);
        auto const got = only(stream);
        CHECK(got.how == outcome::garbled);
        CHECK(got.reply.code == 0);
        CHECK(got.reply.enhanced.empty());
        CHECK(got.reply.temporary());
    }
}

TEST_CASE("replies that follow each other are told apart", "[protocol][reply_parser]") {
    for (std::size_t const piece : {1u, 2u, 5u, 100u}) {
        auto const got = read("250 a\r\n250-b\r\n250 c\r\n354 d\r\n55", piece);
        REQUIRE(got.size() == 3);
        CHECK(got[0].reply.text == "a");
        CHECK(got[1].reply.text == "b\nc");
        CHECK(got[2].reply.code == 354);
    }
}

TEST_CASE("long lines and texts are cut, a reply without end is told", "[protocol][reply_parser]") {
    reply_limits limits;
    limits.line_octets = 20;
    limits.text_octets = 30;
    limits.octets = 200;
    SECTION("a line") {
        auto const got = only("250 " + std::string(100, 'x') + "\r\n", limits);
        CHECK(got.how == outcome::complete);
        CHECK(got.reply.text == std::string(16, 'x'));
    }
    SECTION("a text") {
        auto const got = only("250-" + std::string(15, 'x') + "\r\n250-" + std::string(15, 'y') + "\r\n250 z\r\n", limits);
        CHECK(got.how == outcome::complete);
        CHECK(got.reply.text == std::string(15, 'x') + '\n' + std::string(14, 'y'));
    }
    SECTION("lines without end") {
        std::string stream;
        while (stream.size() <= 200) stream += "250-x\r\n";
        reply_parser parser{limits};
        parser.feed(stream);
        CHECK(parser.state() == outcome::endless);
        CHECK(parser.take().code == 0);
    }
    SECTION("a line without end") {
        reply_parser parser{limits};
        std::size_t fed = 0;
        while (parser.state() == outcome::need_more && fed < 1000) fed += parser.feed("x");
        CHECK(parser.state() == outcome::endless);
        CHECK(fed == 201);
    }
}

TEST_CASE("a parser goes on after a reply that it could not read", "[protocol][reply_parser]") {
    reply_parser parser;
    parser.feed("hello\r\n");
    REQUIRE(parser.state() == outcome::garbled);
    CHECK(parser.feed("250 ok\r\n") == 0);
    CHECK(parser.take().text == "hello");

    CHECK(parser.feed("250 ok\r\n250 more\r\n") == 8);
    CHECK(parser.state() == outcome::complete);
    CHECK(parser.take().code == 250);
    parser.feed("250 m");
    CHECK(parser.within_reply());
}

TEST_CASE("the class of a reply", "[protocol][reply_parser]") {
    CHECK(received_reply{250, "", ""}.positive());
    CHECK(received_reply{354, "", ""}.intermediate());
    CHECK(received_reply{451, "", ""}.temporary());
    CHECK(received_reply{554, "", ""}.permanent());
    CHECK(received_reply{}.temporary());
    CHECK_FALSE(received_reply{354, "", ""}.temporary());
}

}  // namespace test_reply_parser
