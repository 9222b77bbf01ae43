#include <mailquay/session/extensions/eight_bit_mime.hpp>

#include "support/catch.hpp"

namespace test_eight_bit_mime {

using namespace mailquay;

struct read_parameter {
    std::optional<reply> operator()(parameter const& given) {
        return extensions::eight_bit_mime{}.mail_parameter(given, transaction_editor{mail}, {});
    }
    transaction mail;
};

TEST_CASE("8BITMIME is announced by its keyword alone, and reads BODY of MAIL", "[extensions]") {
    extensions::eight_bit_mime const offered;
    CHECK(offered.keyword() == "8BITMIME");
    CHECK(offered.announcement(session_info{}, session_limits{}).empty());
    REQUIRE(offered.mail_keywords().size() == 1);
    CHECK(offered.mail_keywords()[0] == "BODY");
    CHECK(offered.recipient_keywords().empty());
    CHECK(offered.verbs().empty());
}

TEST_CASE("BODY=7BIT and BODY=8BITMIME are kept, in any case, and that they were given", "[extensions]") {
    read_parameter read;
    CHECK_FALSE(read.mail.parameters().body_given);
    CHECK_FALSE(read({"body", "8bitmime", true}));
    CHECK(read.mail.parameters().body == body_type::eight_bit_mime);
    CHECK(read.mail.parameters().body_given);

    read_parameter other;
    CHECK_FALSE(other({"BODY", "7BIT", true}));
    CHECK(other.mail.parameters().body == body_type::seven_bit);
    CHECK(other.mail.parameters().body_given);
}

TEST_CASE("BODY without value or with an unknown one is 501 5.5.4 and changes nothing", "[extensions]") {
    parameter const given = GENERATE(parameter{"BODY", "", false}, parameter{"BODY", "", true}, parameter{"BODY", "9BIT", true});
    read_parameter read;
    auto const refused = read(given);
    REQUIRE(refused.has_value());
    CHECK(refused->code == 501);
    CHECK(refused->enhanced == "5.5.4");
    CHECK(read.mail.parameters().body == body_type::seven_bit);
    CHECK_FALSE(read.mail.parameters().body_given);
}

}  // namespace test_eight_bit_mime
