#include <mailquay/protocol/line_ending_normaliser.hpp>

#include "support/catch.hpp"

#include <random>
#include <string>
#include <utility>

using namespace mailquay;

namespace test_line_ending_normaliser {

std::pair<std::string, std::uint64_t> reference(std::string const& text) {
    std::string out;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.compare(i, 2, "\r\n") == 0) {
            out += "\r\n";
            ++i;
        } else if (text[i] == '\r' || text[i] == '\n') {
            out += "\r\n";
            ++count;
        } else {
            out += text[i];
        }
    }
    return {out, count};
}

std::pair<std::string, std::uint64_t> normalised(std::string const& text, std::size_t piece) {
    line_ending_normaliser normaliser;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece)
        normaliser.append(out, std::string_view{text}.substr(at, piece));
    normaliser.finish(out);
    return {out, normaliser.repaired()};
}

}  // namespace test_line_ending_normaliser

TEST_CASE("Each bare CR and each bare LF becomes CRLF and is counted", "[protocol][line-endings]") {
    using test_line_ending_normaliser::normalised;
    CHECK(normalised("a\nb\rc\r\nd", 100) == std::pair{std::string{"a\r\nb\r\nc\r\nd"}, std::uint64_t{2}});
    CHECK(normalised("\n\r", 100) == std::pair{std::string{"\r\n\r\n"}, std::uint64_t{2}});
    CHECK(normalised("\r\r\n", 100) == std::pair{std::string{"\r\n\r\n"}, std::uint64_t{1}});
    CHECK(normalised("a\r", 100) == std::pair{std::string{"a\r\n"}, std::uint64_t{1}});
    CHECK(normalised("", 100) == std::pair{std::string{}, std::uint64_t{0}});
}

TEST_CASE("Repairs do not depend on the pieces a message arrives in", "[protocol][line-endings]") {
    using namespace test_line_ending_normaliser;
    std::mt19937 random{7};
    for (int round = 0; round < 400; ++round) {
        std::string text;
        std::size_t const size = random() % 300;
        while (text.size() < size) text += "\r\n\nab\r"[random() % 6];
        auto const wanted = reference(text);
        for (std::size_t piece : {1u, 2u, 3u, 63u, 64u, 65u, 1000u}) {
            if (normalised(text, piece) != wanted) FAIL(Catch::Detail::stringify(text));
        }
    }
}

TEST_CASE("A normaliser that is reset forgets the message before", "[protocol][line-endings]") {
    line_ending_normaliser normaliser;
    std::string out;
    normaliser.append(out, "a\nb\r");
    normaliser.reset();

    out.clear();
    normaliser.append(out, "\r\nc");

    CHECK(out == "\r\nc");
    CHECK(normaliser.repaired() == 0);
}
