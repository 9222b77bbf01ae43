#include <mailquay/server/ref.hpp>

#include "support/catch.hpp"

#include <utility>

namespace test_ref {
struct counted {
    int shares = 0;
    void retain() noexcept { ++shares; }
    void release() noexcept { --shares; }
};
}  // namespace test_ref

TEST_CASE("each ref holds one share, a moved-from one none", "[server][ref]") {
    using mailquay::ref;
    test_ref::counted object;
    {
        ref<test_ref::counted> first{&object};
        CHECK(object.shares == 1);
        auto second = first;
        CHECK(object.shares == 2);
        auto third = std::move(first);
        CHECK(object.shares == 2);
        CHECK_FALSE(first);
        second = ref<test_ref::counted>{};
        CHECK(object.shares == 1);
        CHECK((third && third.get() == &object && object.shares == 1));
    }
    CHECK(object.shares == 0);
}
