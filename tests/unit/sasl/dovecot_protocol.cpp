#include <mailquay/sasl/detail/dovecot_protocol.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_sasl_dovecot_protocol {

using mailquay::sasl::detail::dovecot_protocol;
using kind = dovecot_protocol::reply_kind;

TEST_CASE("a greeting is complete at DONE, whatever the split", "[sasl][dovecot]") {
    std::string const greeting = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tGSSAPI\tprivate\nNEW\tthing\nDONE\n";
    for (std::size_t cut = 0; cut <= greeting.size(); ++cut) {
        dovecot_protocol protocol;
        REQUIRE(protocol.feed(greeting.substr(0, cut)));
        CHECK(protocol.greeted() == (cut == greeting.size()));
        REQUIRE(protocol.feed(greeting.substr(cut)));
        CHECK(protocol.greeted());
        REQUIRE(protocol.mechanisms().size() == 1);
        CHECK(protocol.mechanisms()[0].name == "PLAIN");
        CHECK(protocol.mechanisms()[0].shows_secret);
    }
}

TEST_CASE("replies are unescaped and decoded, in order", "[sasl][dovecot]") {
    dovecot_protocol protocol;
    REQUIRE(protocol.feed("VERSION\t1\t2\nDONE\nCONT\t1\tYQ==\nOK\t2\tuser=a\1tb\tresp=YmM=\nFAIL\t3\tuser=x\ttemp\n"));
    auto const more = protocol.take_reply(), ok = protocol.take_reply(), failed = protocol.take_reply();
    REQUIRE((more && ok && failed));
    CHECK(more->kind == kind::more);
    CHECK(more->octets == "a");
    CHECK(ok->user == "a\tb");
    CHECK(ok->octets == "bc");
    CHECK(ok->request == 2);
    CHECK(failed->kind == kind::fail);
    CHECK(failed->temporary);
    CHECK_FALSE(protocol.take_reply());
}

TEST_CASE("what is sent cannot hold another line", "[sasl][dovecot]") {
    CHECK(dovecot_protocol::escaped("a\tb\nOK\1") == "a\1tb\1nOK\1" "1");
    CHECK(dovecot_protocol::hello(9) == "VERSION\t1\t2\nCPID\t9\n");
}

TEST_CASE("what goes beyond its bounds is no such protocol", "[sasl][dovecot]") {
    std::string const ready = "VERSION\t1\t2\nDONE\n";
    CHECK_FALSE(dovecot_protocol{}.feed(std::string(16 * 1024 + 1, 'x')));
    CHECK_FALSE(dovecot_protocol{}.feed("DONE\n"));
    CHECK_FALSE(dovecot_protocol{}.feed("VERSION\t2\t0\n"));
    std::string many;
    for (int i = 0; i < 101; ++i) many += "NEW\n";
    CHECK_FALSE(dovecot_protocol{}.feed(many));
    std::string unasked = ready;
    for (int i = 0; i < 17; ++i) unasked += "FAIL\t1\n";
    CHECK_FALSE(dovecot_protocol{}.feed(unasked));
    for (char const* bad : {"OK\n", "OK\t1\n", "OK\tx\tuser=a\n", "OK\t1\tuser=\n", "CONT\t1\t!\n", "HELLO\n"}) {
        INFO(bad);
        CHECK_FALSE(dovecot_protocol{}.feed(ready + bad));
    }
}

}  // namespace test_sasl_dovecot_protocol
