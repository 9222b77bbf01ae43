#include <mailquay/protocol/ehlo_reply.hpp>

#include "support/catch.hpp"

namespace test_ehlo_reply {

using namespace mailquay;

TEST_CASE("what a server announces is read line by line", "[protocol][ehlo_reply]") {
    auto const got = parse_ehlo_reply("mx.example greets you\nPIPELINING\nSIZE 1000\n8bitmime\nSMTPUTF8\nCHUNKING\nBINARYMIME\nDSN\n"
                                      "ENHANCEDSTATUSCODES\nSTARTTLS\nREQUIRETLS\nPRDR\nRRVS\nDELIVERBY 240\nMT-PRIORITY STANAG4406\n"
                                      "FUTURERELEASE 1000 2030-01-01T00:00:00Z\nAUTH plain  LOGIN\nXCLIENT NAME addr\nXFORWARD NAME SOURCE\n"
                                      "LIMITS MAILMAX=5 RCPTMAX=0 RCPTDOMAINMAX=1 OTHER=9\nX-UNKNOWN 1 2");

    CHECK(got.name == "mx.example");
    CHECK((got.pipelining && got.eight_bit_mime && got.smtputf8 && got.chunking && got.binarymime && got.dsn));
    CHECK((got.enhanced_status_codes && got.starttls && got.requiretls && got.prdr && got.rrvs && got.mt_priority && got.future_release));
    CHECK(got.size);
    CHECK(got.max_size == 1000u);
    CHECK(got.deliver_by);
    CHECK(got.least_by == 240u);
    CHECK(got.auth == std::vector<std::string>{"PLAIN", "LOGIN"});
    CHECK(got.xclient == std::vector<std::string>{"NAME", "ADDR"});
    CHECK(got.xforward == std::vector<std::string>{"NAME", "SOURCE"});
    CHECK(got.most_messages == 5u);
    CHECK(got.most_recipients == 1u);
    CHECK(got.most_domains == 1u);
}

TEST_CASE("what is malformed counts as not announced", "[protocol][ehlo_reply]") {
    auto const got = parse_ehlo_reply("mx\nSIZE x\nAUTH=PLAIN\nLIMITS MAILMAX RCPTMAX=x\nPIPELINING2\n \n\nDELIVERBY");

    CHECK(got.size);
    CHECK_FALSE(got.max_size);
    CHECK(got.auth.empty());
    CHECK_FALSE(got.most_messages);
    CHECK_FALSE(got.most_recipients);
    CHECK_FALSE(got.pipelining);
    CHECK(got.deliver_by);
    CHECK_FALSE(got.least_by);
}

TEST_CASE("SIZE 0 is no maximum, and an empty reply announces nothing", "[protocol][ehlo_reply]") {
    CHECK_FALSE(parse_ehlo_reply("mx\nSIZE 0").max_size);
    CHECK(parse_ehlo_reply("").name.empty());
    CHECK(parse_ehlo_reply("PIPELINING").name == "PIPELINING");
    CHECK_FALSE(parse_ehlo_reply("PIPELINING").pipelining);
}

TEST_CASE("a line with thousands of words keeps a bounded number", "[protocol][ehlo_reply]") {
    std::string line = "mx\nAUTH";
    for (int i = 0; i < 5000; ++i) line += " X";
    CHECK(parse_ehlo_reply(line).auth.size() == 64);
}

}  // namespace test_ehlo_reply
