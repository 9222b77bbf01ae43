#include <mailquay/session/envelope.hpp>

#include "support/catch.hpp"

TEST_CASE("an envelope is a value that lives on its own", "[envelope]") {
    mailquay::envelope first;
    CHECK(first.reverse_path.empty());
    CHECK(first.body == mailquay::body_type::seven_bit);
    CHECK_FALSE(first.secure);
    CHECK_FALSE(first.smtputf8);
    CHECK_FALSE(first.declared_size.has_value());
    first.recipients.push_back({"a@b", "box", {"c@d"}});
    auto second = first;
    second.recipients[0].address = "x@y";
    CHECK(first.recipients[0].address == "a@b");
    CHECK(second.recipients[0].deliver_to == std::vector<std::string>{"c@d"});
}
