#include <mailquay/base/crc32c.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_crc32c {

using mailquay::crc32c;

TEST_CASE("the checksum is that of RFC 3720 appendix B.4", "[base][crc32c]") {
    CHECK(crc32c("123456789") == 0xe3069283u);
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
    CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
    CHECK(crc32c("") == 0u);
}

TEST_CASE("a checksum goes on where another one ended, at every split", "[base][crc32c]") {
    std::string text;
    for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 7);

    for (std::size_t cut = 0; cut <= text.size(); ++cut)
        CHECK(crc32c(text.substr(cut), crc32c(text.substr(0, cut))) == crc32c(text));
}

TEST_CASE("any changed octet changes the checksum", "[base][crc32c]") {
    std::string const text = "a message of which one octet changes";

    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 0x20);
        CHECK(crc32c(changed) != crc32c(text));
    }
}

}  // namespace test_crc32c
