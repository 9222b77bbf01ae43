#include <mailquay/session/extensions/size.hpp>

#include "support/catch.hpp"

#include <limits>

namespace test_extension_size {

using namespace mailquay;

inline session_limits at_most(std::uint64_t octets) {
    session_limits limits;
    limits.message_octets = octets;
    return limits;
}

struct read_parameter {
    std::optional<reply> operator()(std::string_view value, std::uint64_t limit) {
        return extensions::size{}.mail_parameter({"SIZE", value, true}, transaction_editor{mail}, at_most(limit));
    }
    transaction mail;
};

TEST_CASE("SIZE announces the limit of messages in octets; 0 stands for none (RFC 1870 3)", "[extensions]") {
    extensions::size const offered;
    CHECK(offered.keyword() == "SIZE");
    CHECK(offered.announcement(session_info{}, at_most(52'428'800)) == "52428800");
    CHECK(offered.announcement(session_info{}, at_most(0)) == "0");
    CHECK(offered.announcement(session_info{}, at_most(std::numeric_limits<std::uint64_t>::max())) == "18446744073709551615");
    REQUIRE(offered.mail_keywords().size() == 1);
    CHECK(offered.mail_keywords()[0] == "SIZE");
    CHECK(offered.recipient_keywords().empty());
}

TEST_CASE("a declared size up to the limit is kept, above it is 552 5.3.4 before a single octet is sent", "[extensions]") {
    read_parameter read;
    CHECK_FALSE(read("1000", 1000));
    CHECK(read.mail.parameters().size == 1000u);
    CHECK_FALSE(read("0", 1000));
    CHECK(read.mail.parameters().size == 0u);

    read_parameter above;
    for (auto value : {"1001", "18446744073709551615", "99999999999999999999"}) {
        INFO(value);
        auto const refused = above(value, 1000);
        REQUIRE(refused.has_value());
        CHECK(refused->code == 552);
        CHECK(refused->enhanced == "5.3.4");
        CHECK_FALSE(above.mail.parameters().size.has_value());
    }
}

TEST_CASE("without a limit every size is well", "[extensions]") {
    read_parameter read;
    CHECK_FALSE(read("99999999999999999999", 0));
    CHECK(read.mail.parameters().size == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("a size that is no number is 501 5.5.4", "[extensions]") {
    read_parameter read;
    for (auto value : {"", "-1", "1k", "0x10", "000000000000000000001"}) {
        INFO(value);
        auto const refused = read(value, 1000);
        REQUIRE(refused.has_value());
        CHECK(refused->code == 501);
        CHECK(refused->enhanced == "5.5.4");
    }
    auto const bare = extensions::size{}.mail_parameter({"SIZE", "", false}, transaction_editor{read.mail}, at_most(1000));
    REQUIRE(bare.has_value());
    CHECK(bare->code == 501);
    CHECK_FALSE(read.mail.parameters().size.has_value());
}

}  // namespace test_extension_size
