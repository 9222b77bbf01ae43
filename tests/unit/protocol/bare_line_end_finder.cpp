#include <mailquay/protocol/bare_line_end_finder.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

using namespace mailquay;

namespace test_bare_line_end_finder {

bool by_the_rule(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool const cr_before = i > 0 && text[i - 1] == '\r';
        if ((text[i] == '\n') != cr_before) return true;
    }
    return !text.empty() && text.back() == '\r';
}

bool found(std::string_view text, std::size_t piece) {
    bare_line_end_finder finder;
    bool bare = false;
    while (!text.empty()) {
        bare = finder.feed(text.substr(0, piece)) || bare;
        text.remove_prefix(std::min(piece, text.size()));
    }
    return bare || finder.ended();
}

}  // namespace test_bare_line_end_finder

TEST_CASE("A CR without LF and an LF without CR are found, however the text is cut", "[protocol][line-ends]") {
    using namespace test_bare_line_end_finder;
    for (std::string_view end : {"\r\n", "\r", "\n", "\n\r", "\r\r\n", "\r\n\r\n", "\r\n\n", "x", ""})
        for (std::size_t before : {0u, 1u, 61u, 62u, 63u, 64u, 65u, 127u, 128u})
            for (std::size_t behind : {0u, 1u, 63u, 64u}) {
                auto const text = std::string(before, 'a') + std::string(end) + std::string(behind, 'b');
                for (std::size_t piece : {1u, 2u, 3u, 63u, 64u, 65u, 1000u}) CHECK(found(text, piece) == by_the_rule(text));
            }
}

TEST_CASE("A CR at the end of a piece is judged by what follows", "[protocol][line-ends]") {
    bare_line_end_finder finder;
    CHECK_FALSE(finder.feed("ab\r"));
    CHECK(finder.ended());
    CHECK_FALSE(finder.feed(""));
    CHECK_FALSE(finder.feed("\ncd\r"));
    CHECK(finder.feed("e"));
    CHECK_FALSE(finder.ended());
}
