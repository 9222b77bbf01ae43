#include <mailquay/protocol/params/dsn.hpp>

#include "support/catch.hpp"

#include <string_view>

namespace test_params_dsn {

using namespace mailquay;

parameter with(std::string_view value) { return {"X", value, true}; }

TEST_CASE("RET is FULL or HDRS", "[protocol][params]") {
    CHECK(*parse_ret(with("full")) == dsn_return::full);
    CHECK(*parse_ret(with("HDRS")) == dsn_return::headers);
    CHECK(parse_ret(with("BODY")).error().code == protocol_errc::bad_ret);
    CHECK(parse_ret({"RET", {}, false}).error().code == protocol_errc::parameter_value_missing);
    CHECK(to_string(dsn_return::unsaid).empty());
}

TEST_CASE("NOTIFY is a set, or NEVER alone", "[protocol][params]") {
    CHECK(*parse_notify(with("SUCCESS")) == dsn_notify::success);
    CHECK(*parse_notify(with("delay,Failure,delay")) == (dsn_notify::delay | dsn_notify::failure));
    CHECK(*parse_notify(with("never")) == dsn_notify::never);
    for (auto value : {"", ",", "SUCCESS,", ",SUCCESS", "SUCCESS,NEVER", "NEVER,NEVER", "SUCCESS DELAY", "ALL"}) {
        INFO(value);
        REQUIRE_FALSE(parse_notify(with(value)));
        CHECK(parse_notify(with(value)).error().code == protocol_errc::bad_notify);
    }
    CHECK(parse_notify({"NOTIFY", {}, false}).error().code == protocol_errc::parameter_value_missing);
    CHECK(to_string(dsn_notify::failure | dsn_notify::success) == "SUCCESS,FAILURE");
    CHECK(to_string(dsn_notify::unsaid).empty());
}

TEST_CASE("ENVID is at most 100 characters of xtext, printable once decoded", "[protocol][params]") {
    CHECK(*parse_envid(with("QQ+3D314+20159")) == "QQ=314 159");
    CHECK(parse_envid(with(std::string(100, 'a'))).has_value());
    CHECK_FALSE(parse_envid(with(std::string(101, 'a'))));
    for (auto value : {"", "a+", "a+3d", "a=b", "a+0A", "a+7F", "a+FF"}) {
        INFO(value);
        REQUIRE_FALSE(parse_envid(with(value)));
        CHECK(parse_envid(with(value)).error().code == protocol_errc::bad_envid);
    }
}

TEST_CASE("ORCPT keeps the type as sent and the address decoded", "[protocol][params]") {
    CHECK(*parse_orcpt(with("rfc822;Bob+2Bx@example.org")) == original_recipient{"rfc822", "Bob+x@example.org"});
    CHECK(*parse_orcpt(with("X400;/c+3Dde")) == original_recipient{"X400", "/c=de"});
    CHECK(*parse_orcpt(with("rfc822;a;b")) == original_recipient{"rfc822", "a;b"});
    CHECK(parse_orcpt(with("rfc822;" + std::string(493, 'a'))).has_value());
    for (auto value : {"", "a", ";a", "rfc822;", "rfc 822;a", "rfc822;a+0Ab", "rfc822;\xc3\xbc", "rfc822;a+C3+BC", "utf-8;", "utf-8;\xc3",
                       "utf-8;a+b", "utf-8;a=b", "utf-8;\\x{}", "utf-8;\\x{C}", "utf-8;\\x{0FC}", "utf-8;\\x{fc}", "utf-8;\\x{41}",
                       "utf-8;\\x{0A}", "utf-8;\\x{200B}", "utf-8;\\x{D800}", "utf-8;\\x{110000}", "utf-8;\\x{FC", "utf-8;\\y", "utf-8;\\"}) {
        INFO(value);
        REQUIRE_FALSE(parse_orcpt(with(value)));
        CHECK(parse_orcpt(with(value)).error().code == protocol_errc::bad_orcpt);
    }
    CHECK_FALSE(parse_orcpt(with("rfc822;" + std::string(494, 'a'))));
    CHECK(parse_orcpt({"ORCPT", {}, false}).error().code == protocol_errc::parameter_value_missing);
}

TEST_CASE("The three forms of a utf-8 address mean the same (RFC 6533 3)", "[protocol][params]") {
    original_recipient const meant{"utf-8", "j\xc3\xbcr gen+\xf0\x9f\x98\x80@example.org"};
    CHECK(*parse_orcpt(with("utf-8;j\\x{FC}r\\x{20}gen\\x{2B}\\x{1F600}@example.org")) == meant);
    CHECK(*parse_orcpt(with("utf-8;j\xc3\xbcr\\x{20}gen\\x{2B}\xf0\x9f\x98\x80@example.org")) == meant);

    std::string ascii;
    append_orcpt(ascii, meant, false);
    CHECK(ascii == "utf-8;j\\x{FC}r\\x{20}gen\\x{2B}\\x{1F600}@example.org");
    std::string plain;
    append_orcpt(plain, meant, true);
    CHECK(plain == "utf-8;j\xc3\xbcr\\x{20}gen\\x{2B}\xf0\x9f\x98\x80@example.org");
    std::string other;
    append_orcpt(other, {"rfc822", "a+b@example.org"}, true);
    CHECK(other == "rfc822;a+2Bb@example.org");
}

TEST_CASE("an original recipient that cannot be read is not written either", "[protocol][params]") {
    for (original_recipient const& wrong : {original_recipient{"rfc822\r\nRSET", "a@b"}, original_recipient{"", "a@b"}, original_recipient{"rfc 822", "a@b"},
                                            original_recipient{"rfc822", "a\r\nRSET"}, original_recipient{"rfc822", ""},
                                            original_recipient{"utf-8", "a\r\nRSET"}, original_recipient{"utf-8", "a\xff"}}) {
        std::string out = "x";
        CHECK_FALSE(append_orcpt(out, wrong, true));
        CHECK(out == "x");
    }
}

}  // namespace test_params_dsn
