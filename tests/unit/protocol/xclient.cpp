#include <mailquay/protocol/xclient.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_xclient {

using namespace mailquay;

inline protocol_errc fault_of(std::string_view argument) { return parse_xclient(argument).error().code; }

TEST_CASE("XCLIENT names a client by its attributes, in any order and case", "[protocol][xclient]") {
    auto const said = parse_xclient("NAME=mail.example.com ADDR=198.51.100.7  port=2525 PROTO=esmtp HELO=mail.example.com "
                                    "LOGIN=alice DESTADDR=ipv6:2001:db8::25 DESTPORT=25 REVERSE_NAME=a_b.example.com");
    REQUIRE(said);
    CHECK(said->name == "mail.example.com");
    CHECK(said->reverse_name == "a_b.example.com");
    CHECK(said->address == *ip_address::parse("198.51.100.7"));
    CHECK(said->port == 2525);
    CHECK(said->extended == true);
    CHECK(said->hello_name == "mail.example.com");
    CHECK(said->login == "alice");
    CHECK(said->destination == *ip_address::parse("2001:db8::25"));
    CHECK(said->destination_port == 25);
    CHECK_FALSE(parse_xclient("PROTO=SMTP")->name);
    CHECK(parse_xclient("PROTO=SMTP")->extended == false);
}

TEST_CASE("what is unavailable takes back what was known", "[protocol][xclient]") {
    auto const said = parse_xclient("NAME=[unavailable] ADDR=[UNAVAILABLE] PORT=[Unavailable] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE]");
    REQUIRE(said);
    CHECK(said->name == "");
    CHECK_FALSE(said->name_unknown_for_now);
    CHECK(said->address->is_none());
    CHECK(said->port == 0);
    CHECK(said->hello_name == "");
    CHECK(said->login == "");
    auto const later = parse_xclient("NAME=[TempUnavail] REVERSE_NAME=[TEMPUNAVAIL]");
    CHECK(later->name == "");
    CHECK(later->name_unknown_for_now);
}

TEST_CASE("values are xtext, and an IPv4 address in IPv6 is an IPv4 address", "[protocol][xclient]") {
    CHECK(parse_xclient("LOGIN=al+69ce+3Dx")->login == "alice=x");
    CHECK(parse_xclient("ADDR=IPV6:::ffff:192.0.2.7")->address == *ip_address::parse("192.0.2.7"));
    CHECK(parse_xclient("LOGIN=" + std::string(255, 'x')));
}

TEST_CASE("what does not have its form is refused, with its place", "[protocol][xclient]") {
    CHECK(fault_of("") == protocol_errc::argument_missing);
    CHECK(fault_of("WHAT=x") == protocol_errc::bad_parameter);
    CHECK(fault_of("ADDR") == protocol_errc::parameter_value_missing);
    CHECK(fault_of("ADDR=") == protocol_errc::parameter_value_missing);
    CHECK(fault_of("PORT=1 port=1") == protocol_errc::duplicate_parameter);
    for (auto const* bad : {"ADDR=2001:db8::7", "ADDR=IPV6:192.0.2.7", "ADDR=1.2.3", "ADDR=[TEMPUNAVAIL]", "PORT=0", "PORT=65536",
                            "PORT=-1", "PROTO=LMTP", "NAME=a+20b", "NAME=a/b", "HELO=a+20b", "LOGIN=a+0Ab", "LOGIN=+FF"})
        CHECK(fault_of(bad) == protocol_errc::bad_parameter_value);
    CHECK(fault_of("LOGIN=a+4") == protocol_errc::bad_xtext);
    CHECK(fault_of("LOGIN=" + std::string(256, 'x')) == protocol_errc::bad_parameter_value);
    CHECK(parse_xclient("PORT=25 LOGIN=a+4").error().position == 15);
    CHECK(parse_xclient("PORT=25 ADDR=x").error().position == 13);
}

}  // namespace test_xclient
