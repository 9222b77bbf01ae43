#include <mailquay/message/header_scanner.hpp>

#include <mailquay/message/header_walker.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>

namespace test_header_scanner {

using namespace mailquay;

struct counts {
    bool finished = false, no_header = false, blank_line = false;
    std::size_t octets = 0;
    unsigned fields = 0, hops = 0;

    friend bool operator==(counts const&, counts const&) = default;
    friend std::ostream& operator<<(std::ostream& out, counts const& c) {
        return out << "finished " << c.finished << " no_header " << c.no_header << " blank " << c.blank_line
                   << " octets " << c.octets << " fields " << c.fields << " hops " << c.hops;
    }
};

inline counts counts_of(header_scanner const& scan) {
    return {scan.finished(), scan.no_header(), scan.blank_line(), scan.octets(), scan.fields(), scan.hops()};
}

inline counts whole(std::string_view text, bool end = false) {
    header_scanner scan;
    scan.feed(text);
    if (end) scan.message_ended();
    return counts_of(scan);
}

/// In pieces of `first`, then `then` octets; each piece in memory of its own, so that no look behind it goes unnoticed.
inline counts split(std::string_view text, std::size_t first, std::size_t then, bool end = false) {
    header_scanner scan;
    for (auto length = first; !text.empty(); length = then) {
        std::string const piece{text.substr(0, length)};
        scan.feed(piece);
        text.remove_prefix(piece.size());
    }
    if (end) scan.message_ended();
    return counts_of(scan);
}

/// Whole, octet by octet, and cut at every place: all must agree.
inline counts scanned(std::string_view text, bool end = false) {
    auto const want = whole(text, end);
    INFO(text);
    CHECK(split(text, 1, 1, end) == want);
    CHECK(split(text, 3, 3, end) == want);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) CHECK(split(text, cut, text.size() + 1, end) == want);
    return want;
}

}  // namespace test_header_scanner

TEST_CASE("A header section is measured and its fields and hops are counted", "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("Received: a\r\n b\r\nreceived: c\r\nTo: d\r\n\r\nReceived: body\r\n") ==
          counts{true, false, true, 39, 3, 2});
}

TEST_CASE("Nothing is counted behind the empty line", "[message][header_scanner]") {
    using namespace test_header_scanner;
    header_scanner scan;

    scan.feed("A: b\r\n\r\n");
    scan.feed("Received: c\r\n\r\n");
    scan.message_ended();

    CHECK(counts_of(scan) == counts{true, false, true, 8, 1, 0});
}

TEST_CASE("A header section without an empty line ends with the message", "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("A: b\r\nReceived: c\r\n") == counts{false, false, false, 19, 2, 1});
    CHECK(scanned("A: b\r\nReceived: c\r\n", true) == counts{true, false, false, 19, 2, 1});
    CHECK(scanned("A: b\r\n\r", true) == counts{true, false, false, 7, 2, 0});
    CHECK(scanned("A: b", true) == counts{true, false, false, 4, 1, 0});
    CHECK(scanned("", true) == counts{true, false, false, 0, 0, 0});
    CHECK(scanned("") == counts{});
}

TEST_CASE("An empty line first is an empty header, not a missing one", "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("\r\nReceived: a\r\n") == counts{true, false, true, 2, 0, 0});
}

TEST_CASE("A first line without a colon means a message without a header", "[message][header_scanner]") {
    using namespace test_header_scanner;
    counts const none{true, true, false, 0, 0, 0};

    CHECK(scanned("Hello world\r\nReceived: a\r\n\r\n") == none);
    CHECK(scanned("Received\r\nTo: a\r\n\r\n") == none);
    CHECK(scanned("  \r\nTo: a\r\n\r\n") == none);
    CHECK(scanned("\r\r\nTo: a\r\n\r\n") == none);
    CHECK(scanned("Hello", true) == none);
    CHECK(scanned("\r", true) == none);
    CHECK_FALSE(scanned("Hello").finished);
    CHECK(scanned("Hello: world\r\n\r\n") == counts{true, false, true, 16, 1, 0});
    CHECK(scanned(" leading: space\r\n\r\n") == counts{true, false, true, 19, 1, 0});
    CHECK(scanned(":\r\n\r\n") == counts{true, false, true, 5, 1, 0});
}

TEST_CASE("A later line without a colon counts as a field and ends nothing", "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("A: b\r\nno field\r\nReceived: c\r\n\r\n") == counts{true, false, true, 31, 3, 1});
}

TEST_CASE("Only the name Received counts as a hop, in any case, as the walker reads names",
          "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("RECEIVED:\r\nrEcEiVeD:\r\n\r\n").hops == 2);
    CHECK(scanned("Received \t: a\r\n\r\n").hops == 1);
    CHECK(scanned("Receive: a\r\n\r\n").hops == 0);
    CHECK(scanned("Received-SPF: pass\r\n\r\n").hops == 0);
    CHECK(scanned("X-Received: a\r\n\r\n").hops == 0);
    CHECK(scanned("A: b\r\n Received: a\r\n\r\n").hops == 0);
    CHECK(scanned("A: b\r\nReceived\r\n :\r\n\r\n").hops == 0);
    CHECK(scanned("A: b\r\nReceived a:\r\n\r\n").hops == 0);
    CHECK(scanned("\tReceived: a\r\n\r\n").hops == 0);
    CHECK(scanned("A: b\r\n\rReceived: a\r\n\r\n").hops == 0);
}

TEST_CASE("Only CRLF ends a line", "[message][header_scanner]") {
    using namespace test_header_scanner;

    CHECK(scanned("A: b\nReceived: c\n\n\r\n\r\n") == counts{true, false, true, 22, 1, 0});
    CHECK(scanned("A: b\r\n\n\r\n\r\n").octets == 11);
    CHECK(scanned("A: b\r\n\r\r\n\r\n") == counts{true, false, true, 11, 2, 0});
    CHECK(scanned("A: b\r\r\n\r\n").octets == 9);
    CHECK(scanned("A: b\r\n\n\n").finished == false);
    CHECK(scanned("A: b\rReceived: c\r\n\r\n").fields == 1);
}

TEST_CASE("Every short text gives the same in every split, and what the walker finds", "[message][header_scanner]") {
    using namespace test_header_scanner;
    std::string_view const pieces[] = {"\r\n", "\r", "\n", " ", ":", "received", "R", "x"};
    std::size_t wrong = 0;
    std::string text;

    for (unsigned number = 0; number < 8u * 8 * 8 * 8 * 8 * 8; ++number) {
        text.clear();
        for (auto rest = number, i = 0u; i < 6; ++i, rest /= 8) text += pieces[rest % 8];
        auto const want = whole(text, true);
        if (split(text, 1, 1, true) != want) ++wrong;
        if (split(text, 1 + number % 7, 5, true) != want) ++wrong;
        if (want.no_header) continue;
        header_walker walker{text};
        unsigned fields = 0, hops = 0;
        while (auto const field = walker.next()) {
            ++fields;
            if (field->is("Received")) ++hops;
        }
        if (want != counts{true, false, walker.blank_line(), walker.position(), fields, hops}) {
            if (++wrong < 5) WARN(text << " -> " << want);
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("The scanner is small enough to be part of every transaction", "[message][header_scanner]") {
    STATIC_REQUIRE(sizeof(mailquay::header_scanner) <= 24);
}
