#include <mailquay/protocol/mail_command.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("MAIL is followed by FROM: in any case and a reverse-path", "[protocol][mail]") {
    for (auto text : {"FROM:<a@b.example> BODY=7BIT", "from:<a@b.example> BODY=7BIT", "FrOm:<a@b.example> BODY=7BIT"}) {
        cursor in{text};
        auto const found = parse_mail_argument(in);
        REQUIRE(found);
        CHECK(found->text == "a@b.example");
        CHECK(in.rest() == " BODY=7BIT");
    }
    cursor null{"FROM:<>"};
    CHECK(parse_mail_argument(null)->null);
}

TEST_CASE("MAIL without FROM: or with a bad path is refused", "[protocol][mail]") {
    auto fault = [](std::string_view text, address_options options = {}) {
        cursor in{text};
        auto const found = parse_mail_argument(in, options);
        if (!found) CHECK(found.error().role == path_role::reverse);
        return found ? protocol_errc{} : found.error().code;
    };
    CHECK(fault("") == protocol_errc::missing_from);
    CHECK(fault("<a@b.example>") == protocol_errc::missing_from);
    CHECK(fault("FROM <a@b.example>") == protocol_errc::missing_from);
    CHECK(fault("FROM :<a@b.example>") == protocol_errc::missing_from);
    CHECK(fault("TO:<a@b.example>") == protocol_errc::missing_from);
    CHECK(fault("FROM:") == protocol_errc::missing_open_bracket);
    CHECK(fault("FROM: <a@b.example>") == protocol_errc::space_before_path);
    CHECK(fault("FROM: <a@b.example>", {.space_after_colon = true}) == protocol_errc{});
    CHECK(fault("FROM:a@b.example", {.missing_brackets = true}) == protocol_errc{});
}
