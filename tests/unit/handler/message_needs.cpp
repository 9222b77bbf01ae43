#include <mailquay/handler/message_needs.hpp>

#include "support/catch.hpp"

TEST_CASE("the needs of two are those of the more demanding", "[needs]") {
    using mailquay::message_needs;
    STATIC_REQUIRE((message_needs::none | message_needs::headers) == message_needs::headers);
    STATIC_REQUIRE((message_needs::edits | message_needs::body) == message_needs::edits);
    STATIC_REQUIRE((message_needs::none | message_needs::none) == message_needs::none);
}
