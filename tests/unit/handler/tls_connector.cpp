#include <mailquay/handler/tls_connector.hpp>

#include "support/catch.hpp"

#include <type_traits>

using namespace mailquay;

TEST_CASE("a target demands nothing, and a server is not verified, unless said", "[handler][tls]") {
    static_assert(std::is_abstract_v<tls_connector> && std::is_base_of_v<tls_stream, tls_client_stream>);
    CHECK(tls_target{}.verify == tls_verification::none);
    CHECK_FALSE(tls_server_facts{}.verified);
}
