#include <mailquay/protocol/xforward.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_xforward {

using namespace mailquay;

inline protocol_errc fault_of(std::string_view argument) {
    forwarded_client ignored;
    return parse_xforward(argument, ignored).error().code;
}

TEST_CASE("XFORWARD tells a message's origin, bit by bit", "[protocol][xforward]") {
    forwarded_client told;
    REQUIRE(parse_xforward("NAME=mail.example.com ADDR=198.51.100.7 PORT=48456", told));
    REQUIRE(parse_xforward("PROTO=SMTP HELO=client.example.org IDENT=9AA2FA7C866 SOURCE=LOCAL", told));
    CHECK(told == forwarded_client{"mail.example.com", "198.51.100.7", 48456, "SMTP", "client.example.org", "9AA2FA7C866",
                                   forwarded_client::origin::local});
    REQUIRE(parse_xforward("NAME=[unavailable] PORT=[UNAVAILABLE] SOURCE=remote HELO=[UNAVAILABLE]", told));
    CHECK(told.name.empty());
    CHECK(told.port == 0);
    CHECK(told.source == forwarded_client::origin::remote);
    CHECK(told.address == "198.51.100.7");
}

TEST_CASE("an address has one form, and what is none stays as it is", "[protocol][xforward]") {
    forwarded_client told;
    REQUIRE(parse_xforward("ADDR=ipv6:2001:DB8:0:0::7", told));
    CHECK(told.address == "2001:db8::7");
    REQUIRE(parse_xforward("ADDR=/run/socket", told));
    CHECK(told.address == "/run/socket");
    REQUIRE(parse_xforward("ADDR=[UNAVAILABLE]", told));
    CHECK(told.address.empty());
}

TEST_CASE("what could not stand in a log or a header field is refused, and changes nothing", "[protocol][xforward]") {
    forwarded_client told;
    REQUIRE(parse_xforward("NAME=before", told));
    CHECK_FALSE(parse_xforward("NAME=after PORT=x", told));
    CHECK(told.name == "before");
    CHECK(fault_of("") == protocol_errc::argument_missing);
    CHECK(fault_of("LOGIN=alice") == protocol_errc::bad_parameter);
    CHECK(fault_of("NAME=a NAME=b") == protocol_errc::duplicate_parameter);
    for (auto const* bad : {"NAME=a+20b", "NAME=a+0D+0Ab", "HELO=+C3+BC", "IDENT=<x>", "IDENT=a;b", "PORT=x", "PORT=0", "SOURCE=NEARBY"})
        CHECK(fault_of(bad) == protocol_errc::bad_parameter_value);
    CHECK(fault_of("PROTO=" + std::string(65, 'x')) == protocol_errc::bad_parameter_value);
    CHECK(fault_of("NAME=" + std::string(256, 'x')) == protocol_errc::bad_parameter_value);
}

}  // namespace test_xforward
