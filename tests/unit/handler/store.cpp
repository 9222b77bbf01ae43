#include <mailquay/handler/store.hpp>

#include "support/catch.hpp"

#include <type_traits>

TEST_CASE("a store is used by its interface alone", "[store]") {
    STATIC_REQUIRE(std::is_abstract_v<mailquay::store>);
    STATIC_REQUIRE(std::has_virtual_destructor_v<mailquay::store>);
}
