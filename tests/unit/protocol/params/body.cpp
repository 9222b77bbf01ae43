#include <mailquay/protocol/params/body.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("BODY is one of three values, in any case", "[protocol][params]") {
    auto body = [](std::string_view value) { return parse_body({"BODY", value, true}); };
    CHECK(*body("7BIT") == body_type::seven_bit);
    CHECK(*body("8bitMIME") == body_type::eight_bit_mime);
    CHECK(*body("BINARYMIME") == body_type::binary_mime);
    for (auto which : {body_type::seven_bit, body_type::eight_bit_mime, body_type::binary_mime}) {
        CHECK(*body(to_string(which)) == which);
    }
    for (auto value : {"", "8BIT", "7BITS", "BINARY"}) CHECK(body(value).error().code == protocol_errc::bad_body);
    CHECK(parse_body({"BODY", "", false}).error().code == protocol_errc::parameter_value_missing);
}
