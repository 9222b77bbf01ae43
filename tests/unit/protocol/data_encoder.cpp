#include <mailquay/protocol/data_encoder.hpp>

#include "support/catch.hpp"

#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace test_data_encoder {

using namespace mailquay;

/// What goes out for a message given in pieces; nothing for one that must not.
std::optional<std::string> encoded(std::string_view octets, std::size_t piece) {
    data_encoder encoder;
    std::string out;
    while (!octets.empty()) {
        auto const part = octets.substr(0, piece);
        octets.remove_prefix(part.size());
        if (!encoder.encode(out, part)) {
            CHECK_FALSE(encoder.finish(out));
            CHECK(out.find("\r\n.\r\n") == std::string::npos);
            return std::nullopt;
        }
    }
    if (!encoder.finish(out)) return std::nullopt;
    return out;
}

/// The same by the rule, octet by octet.
std::optional<std::string> by_the_rule(std::string_view octets) {
    std::string out;
    bool begin = true;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        char const c = octets[i];
        bool const crlf = c == '\r' && i + 1 < octets.size() && octets[i + 1] == '\n';
        if (c == '\n' || (c == '\r' && !crlf)) return std::nullopt;
        if (crlf) {
            out += "\r\n";
            ++i;
            begin = true;
            continue;
        }
        if (c == '.' && begin) out += '.';
        out += c;
        begin = false;
    }
    if (!begin) out += "\r\n";
    return out + ".\r\n";
}

TEST_CASE("dots are stuffed at the begin of lines only, and the end is added", "[protocol][data_encoder]") {
    CHECK(encoded("", 1) == ".\r\n");
    CHECK(encoded(".", 1) == "..\r\n.\r\n");
    CHECK(encoded("a.b\r\n", 9) == "a.b\r\n.\r\n");
    CHECK(encoded("a\r\n.\r\n", 9) == "a\r\n..\r\n.\r\n");
    CHECK(encoded("a", 9) == "a\r\n.\r\n");
    CHECK(encoded("..\r\n..", 9) == "...\r\n...\r\n.\r\n");
}

TEST_CASE("a bare CR or LF is never let out", "[protocol][data_encoder][smuggling]") {
    for (std::string_view const octets : {"\n", "\r", "a\nb", "a\rb", "a\r\r\n", "a\r\n\n", "a\n.\r\n", "\r\n.\r", "a\r"})
        for (std::size_t const piece : {1u, 2u, 3u, 100u}) CHECK_FALSE(encoded(octets, piece));
    std::string long_line(200, 'x');
    for (std::size_t at : {0u, 63u, 64u, 65u, 127u, 128u, 199u}) {
        std::string octets = long_line;
        octets[at] = '\n';
        CHECK_FALSE(encoded(octets, 1000));
        octets[at] = '\r';
        CHECK_FALSE(encoded(octets, 1000));
    }
}

TEST_CASE("a CR waits for its LF before it goes out", "[protocol][data_encoder][smuggling]") {
    data_encoder encoder;
    std::string out;
    REQUIRE(encoder.encode(out, "a\r"));
    CHECK(out == "a");
    REQUIRE(encoder.encode(out, "\n.b\r"));
    CHECK(out == "a\r\n..b");
    CHECK_FALSE(encoder.encode(out, "c"));
    CHECK(out == "a\r\n..b");
    CHECK_FALSE(encoder.encode(out, "\n"));
}

TEST_CASE("any message in any pieces goes out as the rule says", "[protocol][data_encoder]") {
    std::mt19937 random{7};
    constexpr std::string_view parts[] = {"\r\n", "\r\n", ".", "x", "a longer piece of a line without anything in it", "\r\n.", ".."};
    for (int round = 0; round < 400; ++round) {
        std::string octets;
        for (auto count = random() % 30; count != 0; --count) octets += parts[random() % std::size(parts)];
        if (random() % 8 == 0) octets.insert(random() % (octets.size() + 1), random() % 2 != 0 ? "\r" : "\n");
        auto const wanted = by_the_rule(octets);
        for (std::size_t const piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, std::size_t{65}, std::size_t{5000}}) {
            INFO(octets << " in pieces of " << piece);
            REQUIRE(encoded(octets, piece) == wanted);
        }
    }
}

}  // namespace test_data_encoder
