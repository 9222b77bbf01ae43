#include <mailquay/server/pool.hpp>

#include "support/catch.hpp"

#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

using namespace mailquay;

namespace {

struct alignas(32) counted {
    counted(int& count, bool throws) : alive(&count) {
        if (throws) throw std::runtime_error("no");
        ++count;
    }
    ~counted() { --*alive; }
    int* alive;
};

}  // namespace

TEST_CASE("a pool hands the memory of what is gone to the next object", "[pool]") {
    pool<counted> all;
    int alive = 0;
    std::set<void*> rooms;
    for (int i = 0; i < 10; ++i) {
        auto one = all.make(alive, false);
        CHECK(alive == 1);
        CHECK(reinterpret_cast<std::uintptr_t>(one.get()) % 32 == 0);
        rooms.insert(one.get());
    }
    CHECK(alive == 0);
    CHECK(rooms.size() == 1);
}

TEST_CASE("a pool keeps no more than its bound, and an object that cannot be made leaves nothing behind", "[pool]") {
    pool<counted> all;
    int alive = 0;
    CHECK_THROWS_AS(all.make(alive, true), std::runtime_error);
    std::vector<pool<counted>::pointer> many;
    for (std::size_t i = 0; i < 2 * pool<counted>::most_kept; ++i) many.push_back(all.make(alive, false));
    CHECK(alive == static_cast<int>(many.size()));
    many.clear();
    CHECK(alive == 0);
    CHECK_THROWS_AS(all.make(alive, true), std::runtime_error);
    CHECK(all.make(alive, false)->alive == &alive);
}

static_assert(sizeof(pool<counted>::pointer) == sizeof(void*));
