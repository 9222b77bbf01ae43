#include <mailquay/server/read_buffers.hpp>

#include "support/catch.hpp"

using mailquay::read_buffers;

TEST_CASE("all connections read into one buffer until one takes it away", "[server][read_buffers]") {
    read_buffers buffers{4 * read_buffers::octets};
    char* const first = buffers.shared().data();
    CHECK(buffers.shared().data() == first);
    CHECK(buffers.shared().size() == read_buffers::octets);
    auto taken = buffers.take({first, 1});
    CHECK(taken.room.get() == first);
    CHECK(buffers.shared().data() != first);
    CHECK(buffers.away() == read_buffers::octets);
    buffers.give_back(std::move(taken));
    CHECK(buffers.away() == 0);
}

TEST_CASE("a buffer that came back is used again", "[server][read_buffers]") {
    read_buffers buffers{4 * read_buffers::octets};
    auto taken = buffers.take(buffers.shared());
    char* const room = taken.room.get();
    auto second = buffers.take(buffers.shared());
    buffers.give_back(std::move(taken));
    CHECK(buffers.shared().data() == room);
    buffers.give_back(std::move(second));
}

TEST_CASE("above the bound only small buffers go away", "[server][read_buffers]") {
    read_buffers buffers{2 * read_buffers::octets};
    auto first = buffers.take(buffers.shared());
    CHECK_FALSE(buffers.full());
    auto second = buffers.take(buffers.shared());
    CHECK(buffers.full());
    CHECK(buffers.shared().size() == read_buffers::small_octets);
    auto third = buffers.take(buffers.shared());
    CHECK(third.size == read_buffers::small_octets);
    CHECK(buffers.away() == 2 * read_buffers::octets + read_buffers::small_octets);
    buffers.give_back(std::move(third));
    buffers.give_back(std::move(first));
    CHECK_FALSE(buffers.full());
    CHECK(buffers.shared().size() == read_buffers::octets);
    buffers.give_back(std::move(second));
}
