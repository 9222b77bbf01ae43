#include <mailquay/handler/observer.hpp>

#include "support/catch.hpp"

#include <set>
#include <string_view>

TEST_CASE("each kind of observation has a bit and a name of its own", "[observer]") {
    using namespace mailquay;
    std::set<std::string_view> names;
    unsigned all = 0;
    for (unsigned bit = 1; bit <= unsigned(observation_kind::secured); bit <<= 1) {
        auto const kind = static_cast<observation_kind>(bit);
        CHECK_FALSE(to_string(kind).empty());
        names.insert(to_string(kind));
        all |= bit;
        CHECK(has(observation_kind::all, kind));
    }
    CHECK(names.size() == 13);
    CHECK(all == unsigned(observation_kind::all));
    CHECK(to_string(observation_kind::all).empty());
}

TEST_CASE("an observer wants everything unless it says less", "[observer]") {
    using namespace mailquay;
    struct watching final : observer {
        void on_event(observation const&) noexcept override {}
    };
    CHECK(watching{}.wants() == observation_kind::all);
}
