#include <mailquay/handler/message_buffer.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

TEST_CASE("a buffer in memory gives back what was written, as often as wanted", "[buffer]") {
    mailquay::memory_buffers buffers{10};
    auto const buffer = buffers.make();
    REQUIRE(std::move(buffer->write(std::string_view{"abc"})).value());
    REQUIRE(std::move(buffer->write(std::string_view{""})).value());
    REQUIRE(std::move(buffer->write(std::string_view{"defghij"})).value());
    CHECK(buffer->size() == 10);
    for (int i = 0; i < 2; ++i) {
        buffer->rewind();
        char room[8];
        CHECK(*std::move(buffer->read(room)).value() == 8);
        CHECK(std::string(room, 8) == "abcdefgh");
        CHECK(*std::move(buffer->read(room)).value() == 2);
        CHECK(std::string(room, 2) == "ij");
        CHECK(*std::move(buffer->read(room)).value() == 0);
    }
}

TEST_CASE("a buffer in memory is bounded", "[buffer]") {
    mailquay::memory_buffers buffers{3};
    auto const buffer = buffers.make();
    REQUIRE(std::move(buffer->write(std::string_view{"abc"})).value());
    auto const refused = std::move(buffer->write(std::string_view{"d"})).value();
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::file_too_large);
    CHECK(buffer->size() == 3);
}
