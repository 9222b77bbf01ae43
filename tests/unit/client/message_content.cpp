#include <mailquay/client/message_content.hpp>

#include "support/catch.hpp"

#include <array>

namespace test_message_content {

using namespace mailquay;

std::string read(message_content& from, std::uint64_t offset, std::size_t most) {
    std::string room(most, '?');
    auto got = from.read(offset, std::span<char>{room.data(), room.size()});
    REQUIRE(got.ready());
    auto const octets = std::move(got).value();
    REQUIRE(octets);
    return room.substr(0, *octets);
}

TEST_CASE("content in memory is read from any place", "[client][content]") {
    std::string const kept = "0123456789";
    for (auto const& one : {content_of(kept), content_at(kept)}) {
        CHECK(one->size() == 10);
        CHECK(read(*one, 0, 4) == "0123");
        CHECK(read(*one, 8, 4) == "89");
        CHECK(read(*one, 2, 100) == "23456789");
        CHECK(read(*one, 10, 4).empty());
        CHECK(read(*one, ~std::uint64_t{0}, 4).empty());
    }
    CHECK(content_of("")->size() == 0);
}

}  // namespace test_message_content
