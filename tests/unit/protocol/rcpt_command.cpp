#include <mailquay/protocol/rcpt_command.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("RCPT is followed by TO: in any case and a forward-path", "[protocol][rcpt]") {
    for (auto text : {"TO:<a@b.example> NOTIFY=NEVER", "to:<a@b.example> NOTIFY=NEVER"}) {
        cursor in{text};
        auto const found = parse_rcpt_argument(in);
        REQUIRE(found);
        CHECK(found->text == "a@b.example");
        CHECK(in.rest() == " NOTIFY=NEVER");
    }
    cursor postmaster{"TO:<PostMaster>"};
    CHECK(parse_rcpt_argument(postmaster)->postmaster);
}

TEST_CASE("RCPT without TO: or with a bad path is refused", "[protocol][rcpt]") {
    auto fault = [](std::string_view text) {
        cursor in{text};
        auto const found = parse_rcpt_argument(in);
        if (!found) CHECK(found.error().role == path_role::forward);
        return found ? protocol_errc{} : found.error().code;
    };
    CHECK(fault("") == protocol_errc::missing_to);
    CHECK(fault("FROM:<a@b.example>") == protocol_errc::missing_to);
    CHECK(fault("TO:") == protocol_errc::missing_open_bracket);
    CHECK(fault("TO:<>") == protocol_errc::null_forward_path);
    CHECK(fault("TO: <a@b.example>") == protocol_errc::space_before_path);
}
