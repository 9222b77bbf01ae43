#include <mailquay/base/compact_text.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>

namespace test_compact_text {

using namespace mailquay;

TEST_CASE("a compact text holds what it was made of", "[compact_text]") {
    std::string const long_one(300, 'x');
    for (std::string_view const text : {std::string_view{"client.example"}, std::string_view{"a\0b", 3}, std::string_view{long_one}}) {
        compact_text const kept{text};
        CHECK(kept.view() == text);
        CHECK(kept.size() == text.size());
        CHECK_FALSE(kept.empty());
    }
    CHECK(compact_text{"XVERB", " argument"}.view() == "XVERB argument");
    CHECK(compact_text{"XVERB", ""}.view() == "XVERB");
    CHECK(compact_text{"", "argument"}.view() == "argument");
}

TEST_CASE("a compact text without octets is empty, not null", "[compact_text]") {
    CHECK(compact_text{}.empty());
    CHECK(compact_text{""}.empty());
    CHECK(compact_text{}.view().empty());
    CHECK(compact_text{}.view().data() != nullptr);
    CHECK(compact_text{}.octets().empty());
    CHECK(compact_text{}.size() == 0);
}

TEST_CASE("moving a compact text leaves its octets where they are", "[compact_text]") {
    compact_text from{"client.example"};
    char const* const place = from.view().data();

    compact_text to = std::move(from);

    CHECK(to.view().data() == place);
    CHECK(to.view() == "client.example");
    CHECK(from.empty());  // as promised of what a text was moved from
    to.octets().front() = 'C';
    CHECK(to.view() == "Client.example");
    to.clear();
    CHECK(to.empty());
}

static_assert(sizeof(compact_text) == sizeof(void*));

}  // namespace test_compact_text
