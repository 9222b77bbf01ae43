#include <mailquay/handler/make_observer.hpp>

#include "support/catch.hpp"

namespace test_make_observer {
using namespace mailquay;
struct plain {
    int seen = 0;
    observation_kind wants() const noexcept { return observation_kind::opened; }
    void on_event(observation const&) { ++seen; }
};
static_assert(observer_like<plain>);
static_assert(!observer_like<int>);

TEST_CASE("a class or a callable observes; what it throws is dropped", "[make]") {
    session_info client;
    plain mine;
    auto const made = make_observer(std::ref(mine));
    CHECK(made->wants() == observation_kind::opened);
    made->on_event({observation_kind::opened, client});
    CHECK(mine.seen == 1);
    int calls = 0;
    auto const called = make_observer([&](observation const&) { ++calls, throw 1; });
    CHECK(called->wants() == observation_kind::all);
    called->on_event({observation_kind::opened, client});
    CHECK(calls == 1);
}

}  // namespace test_make_observer
