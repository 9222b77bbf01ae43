#include <mailquay/session/slots.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_slots {

using mailquay::slots;

struct counted {
    static int alive;
    int value = 0;
    counted() { ++alive; }
    counted(counted const&) = delete;
    counted& operator=(counted const&) = delete;
    ~counted() { --alive; }
};
int counted::alive = 0;

TEST_CASE("a slot is made on first use and found again", "[slots]") {
    slots kept;
    int owner = 0;
    CHECK(kept.empty());
    CHECK(kept.find<int>(&owner) == nullptr);
    kept.get<int>(&owner) = 7;
    CHECK(kept.get<int>(&owner) == 7);
    REQUIRE(kept.find<int>(&owner) != nullptr);
    CHECK(*kept.find<int>(&owner) == 7);
    CHECK_FALSE(kept.empty());
}

TEST_CASE("owners and types keep slots apart", "[slots]") {
    slots kept;
    int a = 0, b = 0;
    kept.get<int>(&a) = 1;
    kept.get<int>(&b) = 2;
    kept.get<std::string>(&a) = "text";
    CHECK(kept.get<int>(&a) == 1);
    CHECK(kept.get<int>(&b) == 2);
    CHECK(kept.get<std::string>(&a) == "text");
    CHECK(kept.find<std::string>(&b) == nullptr);
}

TEST_CASE("a reference stays valid while further slots are made", "[slots]") {
    slots kept;
    int owners[100] = {};
    int& first = kept.get<int>(&owners[0]);
    first = 5;
    for (int& owner : owners) kept.get<int>(&owner) += 1;
    CHECK(first == 6);
}

TEST_CASE("values die with their scope", "[slots]") {
    int owner = 0;
    {
        slots kept;
        kept.get<counted>(&owner).value = 3;
        CHECK(counted::alive == 1);
        kept.clear();
        CHECK(counted::alive == 0);
        CHECK(kept.empty());
        CHECK(kept.get<counted>(&owner).value == 0);
    }
    CHECK(counted::alive == 0);
}

}  // namespace test_slots
