#include <mailquay/session/extension.hpp>

#include "support/catch.hpp"

namespace test_extension {

using namespace mailquay;

struct least final : extension {
    std::string_view keyword() const noexcept override { return "LEAST"; }
};

TEST_CASE("an extension need only have a keyword", "[extension]") {
    least const one;
    session_info const client;
    session_limits const limits;
    CHECK(one.offered(client));
    CHECK(one.announcement(client, limits).empty());
    CHECK(one.mail_keywords().empty());
    CHECK(one.recipient_keywords().empty());
    CHECK(one.verbs().empty());
}

TEST_CASE("a parameter that an extension does not read is unknown", "[extension]") {
    least const one;
    transaction mail;
    recipient to;
    auto const refused = one.mail_parameter({}, transaction_editor{mail}, {});
    REQUIRE(refused.has_value());
    CHECK(refused->code == 555);
    CHECK(one.recipient_parameter({}, transaction_editor{mail}, to)->code == 555);
}

}  // namespace test_extension
