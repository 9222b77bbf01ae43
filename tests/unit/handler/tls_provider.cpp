#include <mailquay/handler/tls_provider.hpp>

#include "support/catch.hpp"

#include <type_traits>

TEST_CASE("a TLS provider may have nothing to offer now", "[tls]") {
    using namespace mailquay;
    struct none final : tls_provider {
        std::unique_ptr<tls_stream> accept(session_info const&) override { return nullptr; }
    };
    none provider;
    CHECK(provider.accept(session_info{}) == nullptr);
    STATIC_REQUIRE(std::is_abstract_v<tls_stream>);
    STATIC_REQUIRE(std::has_virtual_destructor_v<tls_stream>);
}
