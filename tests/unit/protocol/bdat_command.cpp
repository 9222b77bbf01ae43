#include <mailquay/protocol/bdat_command.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("BDAT is followed by a size and perhaps LAST", "[protocol][bdat]") {
    auto const chunk = parse_bdat_argument("1000");
    REQUIRE(chunk);
    CHECK(chunk->octets == 1000);
    CHECK_FALSE(chunk->last);
    CHECK_FALSE(chunk->bad_marker);

    for (auto text : {"0 LAST", "00 last", "0   LaSt"}) {
        auto const end = parse_bdat_argument(text);
        REQUIRE(end);
        CHECK(end->octets == 0);
        CHECK(end->last);
        CHECK_FALSE(end->bad_marker);
    }
}

TEST_CASE("A chunk may have up to 2^63-1 octets", "[protocol][bdat]") {
    auto const largest = parse_bdat_argument("9223372036854775807 LAST");
    REQUIRE(largest);
    CHECK(largest->octets == largest_chunk);
    CHECK(parse_bdat_argument("9223372036854775808").error().code == protocol_errc::bad_chunk_size);
    CHECK(parse_bdat_argument("18446744073709551616").error().code == protocol_errc::bad_chunk_size);
}

TEST_CASE("A size that cannot be read is a fault", "[protocol][bdat]") {
    CHECK(parse_bdat_argument("").error().code == protocol_errc::argument_missing);
    for (auto text : {"LAST", "-1", "+1", "0x10", "5x", "5,LAST", "5\tLAST", "1.0", "5\xc2\xa0"})
        CHECK(parse_bdat_argument(text).error().code == protocol_errc::bad_chunk_size);
}

TEST_CASE("What else stands behind the size does not hide it", "[protocol][bdat]") {
    for (auto text : {"7 LAS", "7 LASTS", "7 LAST LAST", "7 8", "7 \t"}) {
        auto const chunk = parse_bdat_argument(text);
        REQUIRE(chunk);
        CHECK(chunk->octets == 7);
        CHECK_FALSE(chunk->last);
        CHECK(chunk->bad_marker);
    }
}
