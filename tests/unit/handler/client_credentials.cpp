#include <mailquay/handler/client_credentials.hpp>

#include "support/catch.hpp"

#include <type_traits>

using namespace mailquay;

TEST_CASE("a channel begins as one in clear that proves nothing", "[handler][credentials]") {
    static_assert(std::is_abstract_v<client_credentials> && std::has_virtual_destructor_v<client_exchange>);
    sasl_channel const over;
    CHECK(over.tls == nullptr);
    CHECK_FALSE(over.verified);
}
