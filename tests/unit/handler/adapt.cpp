#include <mailquay/handler/adapt.hpp>

#include "support/catch.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace test_adapt {
using namespace mailquay;
static_assert(answers_verdict<verdict>);
static_assert(answers_verdict<eventual<verdict>>);
static_assert(answers_verdict<asio::awaitable<verdict>>);
static_assert(!answers_verdict<bool>);
static_assert(!answers_verdict<void>);
static_assert(!answers_verdict<int>);
static_assert(std::is_same_v<detail::held_type<std::shared_ptr<int>&>, int>);
static_assert(std::is_same_v<detail::held_type<std::unique_ptr<int>>, int>);
static_assert(std::is_same_v<detail::held_type<std::reference_wrapper<int>>, int>);
static_assert(std::is_same_v<detail::held_type<std::string const&>, std::string>);

TEST_CASE("a value is moved in, a pointer shared, a reference borrowed", "[adapt]") {
    using namespace mailquay;
    auto const moved = detail::hold(std::make_unique<int>(1));
    CHECK(*moved == 1);
    auto const shared = std::make_shared<int>(2);
    CHECK(detail::hold(shared) == shared);
    int mine = 3;
    CHECK(detail::hold(std::ref(mine)).get() == &mine);
    CHECK(*detail::hold(std::string("text")) == "text");
}

TEST_CASE("a null pointer is no handler", "[adapt]") {
    using namespace mailquay;
    CHECK_THROWS_AS(detail::hold(std::shared_ptr<int>{}), std::invalid_argument);
    CHECK_THROWS_AS(detail::hold(std::unique_ptr<int>{}), std::invalid_argument);
}

}  // namespace test_adapt
