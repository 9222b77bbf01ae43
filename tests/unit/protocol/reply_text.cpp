#include <mailquay/protocol/reply_text.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>

using namespace mailquay;

namespace test_reply_text {
inline constexpr reply_text auth_required{530, "5.7.0", "Authentication required"};
static_assert(auth_required.code() == 530);
static_assert(auth_required.enhanced() == "5.7.0");
static_assert(auth_required.text() == "Authentication required");
static_assert(auth_required.wire() == "530 5.7.0 Authentication required");
static_assert(auth_required.line() == "530 5.7.0 Authentication required\r\n");
}  // namespace test_reply_text

TEST_CASE("A named reply holds its whole line", "[protocol][reply]") {
    constexpr reply_text ready{354, "", "Go on"};

    CHECK(ready.wire() == "354 Go on");
    CHECK(ready.enhanced().empty());
    CHECK(ready.text() == "Go on");
    CHECK(ready.line() == "354 Go on\r\n");
}

TEST_CASE("A named reply without text keeps the space behind the code", "[protocol][reply]") {
    constexpr reply_text challenge{334, "", ""};
    constexpr reply_text short_ok{250, "2.0.0", ""};

    CHECK(challenge.line() == "334 \r\n");
    CHECK(challenge.text().empty());
    CHECK(short_ok.line() == "250 2.0.0\r\n");
    CHECK(short_ok.enhanced() == "2.0.0");
    CHECK(short_ok.text().empty());
}

TEST_CASE("A wrong named reply cannot be made", "[protocol][reply]") {
    CHECK_THROWS_AS(reply_text(199, "", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(600, "", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(-250, "", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "4.1.1", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1.1", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1234", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5..1", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1 ", "x"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1", "a\r\nb"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1", "caf\xc3\xa9"), std::invalid_argument);
    CHECK_THROWS_AS(reply_text(550, "5.1.1", std::string(160, 'x')), std::invalid_argument);
    CHECK_NOTHROW(reply_text(599, "5.123.123", std::string(140, 'x')));
}
