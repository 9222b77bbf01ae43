#include <mailquay/protocol/hello_name.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

TEST_CASE("A hello name is told for a domain, an address literal or another word", "[protocol][hello]") {
    using form = hello_name::form;
    struct {
        std::string_view text;
        form kind;
    } const cases[] = {
        {"mx.example.org", form::domain},
        {"localhost", form::domain},
        {"[192.0.2.1]", form::literal},
        {"[IPv6:::1]", form::literal},
        {"192.0.2.1", form::domain},
        {"my_host", form::other},
        {"example.org.", form::other},
        {"[::1]", form::other},
        {"2001:db8::1", form::other},
        {"-a", form::other},
        {"[192.0.2.1]x", form::other},
        {"*", form::other},
        {"WIN-3KHQ7.corp.local", form::domain},
    };
    for (auto const& [text, kind] : cases) {
        INFO(text);
        auto const name = parse_hello_name(text);
        REQUIRE(name);
        CHECK(name->text == text);
        CHECK(name->kind == kind);
    }
}

TEST_CASE("A hello without a name, or with more than one word of ASCII, is refused", "[protocol][hello]") {
    CHECK(parse_hello_name("").error().code == protocol_errc::argument_missing);
    for (std::string_view text : {"a b", "a\tb", " a",
                                  "b\xc3\xbc"
                                  "cher.example",
                                  "a\x7f", "a\x01"}) {
        INFO(text);
        auto const name = parse_hello_name(text);
        REQUIRE_FALSE(name);
        CHECK(name.error().code == protocol_errc::bad_hello_name);
    }
    CHECK(parse_hello_name(std::string_view{"a\0b", 3}).error().position == 1);
}
