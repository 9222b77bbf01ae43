#include <mailquay/session/arena.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace test_arena {

using mailquay::arena;

TEST_CASE("copies stay valid until clear, whatever follows", "[arena]") {
    arena text;
    std::vector<std::string> wanted;
    std::vector<std::string_view> kept;
    for (std::size_t i = 0; i < 300; ++i) {
        wanted.emplace_back(i * 37 % 500, static_cast<char>('a' + i % 26));
        kept.push_back(text.copy(wanted.back()));
    }
    for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i] == wanted[i]);
}

TEST_CASE("a piece larger than a block gets one of its own", "[arena]") {
    arena text;
    auto const before = text.copy("before");
    std::string const large(100'000, 'x');
    auto const copy = text.copy(large);
    auto const behind = text.copy("behind");
    CHECK(copy == large);
    CHECK(before == "before");
    CHECK(behind == "behind");
}

TEST_CASE("nothing copied is nothing", "[arena]") {
    arena text;
    CHECK(text.copy("").empty());
}

TEST_CASE("what was handed out since a place can be taken back", "[arena]") {
    arena text;
    auto const kept = text.copy("kept");
    auto const then = text.position();
    auto const* const first = text.copy("first").data();
    for (int i = 0; i < 10; ++i) text.copy(std::string(3000, 'x'));

    text.go_back(then);

    CHECK(kept == "kept");
    CHECK(text.copy("again").data() == first);
    CHECK(text.copy(std::string(3000, 'y')) == std::string(3000, 'y'));
    CHECK(kept == "kept");
}

TEST_CASE("clear begins anew in the same memory", "[arena]") {
    arena text;
    char const* const first = text.copy("one").data();
    for (int i = 0; i < 40; ++i) text.copy(std::string(4000, 'x'));
    text.clear();
    CHECK(text.copy("two").data() == first);
    for (int i = 0; i < 40; ++i) CHECK(text.copy(std::string(4000, 'y')) == std::string(4000, 'y'));
    text.clear();
    text.clear();
    CHECK(text.copy("three") == "three");
}

}  // namespace test_arena
