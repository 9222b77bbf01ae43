#include <mailquay/handler/make_authenticator.hpp>

#include "support/catch.hpp"

namespace test_make_authenticator {
using namespace mailquay;
struct exchange final : auth_exchange {
    eventual<auth_step> next(secret_view) override { return succeed("alice"); }
};
struct plain {
    mechanisms offered(session_info const&) const { return {"PLAIN"}; }
    std::unique_ptr<exchange> begin(std::string_view name, session_info const&) {
        return name == "PLAIN" ? std::make_unique<exchange>() : nullptr;
    }
};
static_assert(authenticator_like<plain>);
static_assert(!authenticator_like<int>);

TEST_CASE("a class that offers and begins is an authenticator", "[make]") {
    auto const made = make_authenticator(plain{});
    session_info client;
    CHECK(made->offered(client) == mechanisms{"PLAIN"});
    CHECK(made->begin("PLAIN", client));
    CHECK_FALSE(made->begin("LOGIN", client));
}

}  // namespace test_make_authenticator
