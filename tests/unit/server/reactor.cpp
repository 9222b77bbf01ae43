#include <mailquay/server/reactor.hpp>

#include "support/catch.hpp"

#include <map>
#include <type_traits>

namespace test_reactor {

using namespace mailquay;

TEST_CASE("readiness is a set of bits", "[server][reactor]") {
    constexpr auto both = readiness::readable | readiness::writable;
    static_assert(has(both, readiness::readable) && has(both, readiness::writable));
    CHECK_FALSE(has(both, readiness::gone));
    CHECK_FALSE(has(readiness::none, readiness::readable));
    CHECK_FALSE(has(both, readiness::none));
    CHECK(has(readiness::gone, readiness::readable | readiness::gone));
    CHECK((both | readiness::readable) == both);
}

struct noting final : watcher {
    void ready(readiness what) noexcept override { last = what; }
    readiness last = readiness::none;
};

/// The least a reactor can be: it keeps a number in the watcher's registration.
struct counting final : reactor {
    void tell(batch_listener*) noexcept override {}
    std::error_code watch(watcher& who, int descriptor) override {
        if (descriptor < 0) return std::make_error_code(std::errc::bad_file_descriptor);
        registration(who) = &descriptors[&who];
        descriptors[&who] = descriptor;
        return {};
    }
    void want(watcher& who, readiness what) override {
        if (registration(who) != nullptr) who.ready(what);
    }
    void resume(watcher& who, readiness what) override { want(who, what); }
    void unwatch(watcher& who) noexcept override {
        registration(who) = nullptr;
        descriptors.erase(&who);
    }
    int of(watcher& who) { return registration(who) == nullptr ? -1 : *static_cast<int*>(registration(who)); }
    std::map<watcher*, int> descriptors;
};

TEST_CASE("a reactor finds its own record of a watcher, and none before watch() and after unwatch()", "[server][reactor]") {
    counting runs;
    noting one;
    noting two;
    CHECK(runs.of(one) == -1);
    CHECK(runs.watch(two, -1));
    CHECK(runs.of(two) == -1);
    REQUIRE_FALSE(runs.watch(one, 7));
    REQUIRE_FALSE(runs.watch(two, 8));
    CHECK(runs.of(one) == 7);
    CHECK(runs.of(two) == 8);
    runs.want(one, readiness::writable);
    CHECK(one.last == readiness::writable);
    CHECK(two.last == readiness::none);
    runs.unwatch(one);
    CHECK(runs.of(one) == -1);
    CHECK(runs.of(two) == 8);
}

static_assert(std::has_virtual_destructor_v<reactor> && std::has_virtual_destructor_v<watcher> &&
              std::has_virtual_destructor_v<batch_listener>);

}  // namespace test_reactor
