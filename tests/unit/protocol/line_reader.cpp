#include <mailquay/protocol/line_reader.hpp>

#include <mailquay/protocol/detail/line_end_finder.hpp>

#include "support/catch.hpp"

#include <random>
#include <string>
#include <vector>

using namespace mailquay;

namespace test_line_reader {

struct found_line {
    std::string text;
    bool bad = false;
    bool too_long = false;

    bool operator==(found_line const&) const = default;
};

/// RFC 5321 §2.3.8 octet by octet, on the whole stream.
std::vector<found_line> reference(std::string const& stream, std::size_t limit, bool bare_lf = false) {
    std::vector<found_line> lines;
    std::string line;
    for (char c : stream) {
        line += c;
        bool const crlf = line.ends_with("\r\n");
        if (!crlf && !(bare_lf && c == '\n')) continue;
        std::size_t const octets = line.size();
        line.resize(octets - (crlf ? 2 : 1));
        bool const bad = line.find_first_of(std::string{"\r\n\0", 3}) != std::string::npos;
        if (octets > limit) {
            lines.push_back({"", false, true});
        } else {
            lines.push_back({line, bad, false});
        }
        line.clear();
    }
    return lines;
}

/// Feeds the stream in pieces, keeping what is not consumed as a session does, each time at another address.
std::vector<found_line> read(std::string const& stream, std::vector<std::size_t> cuts, std::size_t limit,
                             bool bare_lf = false) {
    std::vector<found_line> lines;
    line_reader reader{bare_lf};
    std::string held;
    cuts.push_back(stream.size());
    std::size_t from = 0;
    for (std::size_t cut : cuts) {
        if (cut < from) continue;
        std::vector<char> octets(held.begin(), held.end());
        octets.insert(octets.end(), stream.begin() + static_cast<std::ptrdiff_t>(from),
                      stream.begin() + static_cast<std::ptrdiff_t>(cut));
        from = cut;
        std::string_view rest{octets.data(), octets.size()};
        for (;;) {
            auto const found = reader.next(rest, limit);
            if (found.what == line_scan::kind::line) {
                CHECK((found.text.data()[found.text.size()] == '\r' || bare_lf));
                lines.push_back({std::string{found.text}, found.bad, false});
            }
            if (found.what == line_scan::kind::too_long) lines.push_back({"", false, true});
            REQUIRE(found.consumed <= rest.size());
            rest.remove_prefix(found.consumed);
            if (found.what == line_scan::kind::need_more) break;
        }
        held = rest;
        REQUIRE(held.size() < limit);
    }
    return lines;
}

void agrees_at_every_split(std::string const& stream, std::size_t limit, bool bare_lf = false) {
    auto const wanted = reference(stream, limit, bare_lf);
    INFO(Catch::Detail::stringify(stream) << " limit " << limit);
    bool same = read(stream, {}, limit, bare_lf) == wanted;
    std::vector<std::size_t> bytewise;
    for (std::size_t i = 1; i < stream.size(); ++i) {
        bytewise.push_back(i);
        same = same && read(stream, {i}, limit, bare_lf) == wanted;
    }
    REQUIRE(same);
    REQUIRE(read(stream, bytewise, limit, bare_lf) == wanted);
}

}  // namespace test_line_reader

namespace test_line_reader {

TEST_CASE("A line ends at CRLF and nowhere else", "[protocol][line]") {
    CHECK(read("EHLO a\r\nQUIT\r\n", {}, 100) == std::vector<found_line>{{"EHLO a"}, {"QUIT"}});
    CHECK(read("NOOP\nRSET\r\n", {}, 100) == std::vector<found_line>{{"NOOP\nRSET", true}});
    CHECK(read("NOOP\rRSET\r\n", {}, 100) == std::vector<found_line>{{"NOOP\rRSET", true}});
    CHECK(read("NOOP\r\r\n", {}, 100) == std::vector<found_line>{{"NOOP\r", true}});
    CHECK(read(std::string{"NO\0P\r\n", 6}, {}, 100) == std::vector<found_line>{{std::string{"NO\0P", 4}, true}});
    CHECK(read("\r\n", {}, 100) == std::vector<found_line>{{""}});
    CHECK(read("NOOP\n", {}, 100).empty());
    CHECK(read("caf\xc3\xa9\r\n", {}, 100) == std::vector<found_line>{{"caf\xc3\xa9"}});
}

TEST_CASE("By leniency a bare LF ends a line too", "[protocol][line][leniency]") {
    CHECK(read("NOOP\nRSET\r\n", {}, 100, true) == std::vector<found_line>{{"NOOP"}, {"RSET"}});
    CHECK(read("NO\rOP\nRSET\n", {}, 100, true) == std::vector<found_line>{{"NO\rOP", true}, {"RSET"}});
    agrees_at_every_split("NOOP\nRSET\r\n\n\r\nfour\r\r\nfive\n", 100, true);
    agrees_at_every_split("NOOPNOOPNOOP\nRSET\r\nNOOPNOOPNOOP\r\nx\n", 8, true);
}

TEST_CASE("The limit counts CRLF, is exact, and an over-long line is reported once at its end", "[protocol][line]") {
    for (std::size_t size = 0; size < 40; ++size) {
        std::string const stream = std::string(size, 'x') + "\r\nNOOP\r\n";
        auto const lines = read(stream, {}, 20);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].too_long == (size > 18));
        CHECK(lines[1].text == "NOOP");
        agrees_at_every_split(stream, 20);
    }
    CHECK(read(std::string(100000, 'x'), {}, 20).empty());
}

TEST_CASE("Skipping an over-long line keeps nothing of it", "[protocol][line]") {
    line_reader reader;
    std::string const piece(1000, 'x');
    for (int i = 0; i < 100; ++i) CHECK(reader.next(piece, 512).consumed == piece.size());
    CHECK(reader.skipping());
    CHECK(reader.within_line());
    CHECK(reader.next("\r", 512).consumed == 1);
    auto const end = reader.next("\nNOOP\r\n", 512);
    CHECK(end.what == line_scan::kind::too_long);
    CHECK(end.consumed == 1);
    CHECK_FALSE(reader.within_line());
    CHECK(reader.next("NOOP\r\n", 512).text == "NOOP");
}

TEST_CASE("A CR and an LF with something between them end no line that is skipped", "[protocol][line]") {
    std::string const stream = std::string(30, 'x') + "\r" + std::string(3, 'y') + "\n\n\r\r\nNOOP\r\n";
    agrees_at_every_split(stream, 10);
    CHECK(read(stream, {}, 10) == std::vector<found_line>{{"", false, true}, {"NOOP"}});
}

TEST_CASE("Lines are the same whatever the pieces", "[protocol][line]") {
    std::mt19937 random{11};
    for (int round = 0; round < 300; ++round) {
        std::string stream;
        std::size_t const parts = random() % 14;
        for (std::size_t i = 0; i < parts; ++i) {
            switch (random() % 7) {
                case 0: stream += "\r"; break;
                case 1: stream += "\n"; break;
                case 2: stream += '\0'; break;
                case 3: stream += std::string(random() % 40, 'x'); break;
                default: stream += "\r\n"; break;
            }
        }
        agrees_at_every_split(stream, 3 + random() % 40, random() % 4 == 0);
    }
}

TEST_CASE("All forms of the search for a line end agree", "[protocol][line]") {
    std::mt19937 random{12};
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        std::size_t const size = random() % 70;
        while (text.size() < size) text += std::string{"\r\n\0abcdefghij", 13}[random() % 13];
        std::size_t const from = text.empty() ? 0 : random() % text.size();
        bool const bare_lf = random() % 2 == 0;
        auto const wanted = detail::find_line_end_portable(text, from, bare_lf);
        auto const found = detail::find_line_end(text, from, bare_lf);
        if (found.end != wanted.end || found.bad != wanted.bad)
            FAIL(Catch::Detail::stringify(text) << " from " << from);
    }
}

TEST_CASE("A reader that is reset begins with a new line", "[protocol][line]") {
    line_reader reader;
    CHECK(reader.next("NO\n", 100).what == line_scan::kind::need_more);
    CHECK(reader.within_line());
    reader.reset();
    auto const found = reader.next("RSET\r\n", 100);
    CHECK(found.text == "RSET");
    CHECK_FALSE(found.bad);
}

}  // namespace test_line_reader
