#include <mailquay/base/base64.hpp>

#include "support/catch.hpp"

#include <random>
#include <set>
#include <string>
#include <string_view>

using mailquay::base64_decode;
using mailquay::base64_decode_in_place;
using mailquay::base64_encode;
using mailquay::base64_errc;

TEST_CASE("the vectors of RFC 4648 section 10 hold in both directions", "[base][base64]") {
    struct {
        std::string_view octets, text;
    } const vectors[] = {{"", ""},
                         {"f", "Zg=="},
                         {"fo", "Zm8="},
                         {"foo", "Zm9v"},
                         {"foob", "Zm9vYg=="},
                         {"fooba", "Zm9vYmE="},
                         {"foobar", "Zm9vYmFy"}};
    for (auto const& [octets, text] : vectors) {
        CHECK(base64_encode(octets) == text);
        auto const decoded = base64_decode(text);
        REQUIRE(decoded);
        CHECK(*decoded == octets);
    }
}

TEST_CASE("all octets survive, whatever the length", "[base][base64]") {
    std::mt19937 random{4648};
    for (std::size_t length = 0; length < 300; ++length) {
        std::string octets(length, '\0');
        for (char& octet : octets) octet = static_cast<char>(random());
        std::string const text = base64_encode(octets);
        REQUIRE(text.size() == (length + 2) / 3 * 4);
        auto const decoded = base64_decode(text);
        REQUIRE(decoded);
        REQUIRE(*decoded == octets);
    }
}

TEST_CASE("the whole alphabet is used", "[base][base64]") {
    CHECK(base64_encode("\xfb\xff\xbf") == "+/+/");
    CHECK(*base64_decode("+/+/") == "\xfb\xff\xbf");
}

TEST_CASE("what is not strict base64 is refused with the reason", "[base][base64]") {
    struct {
        std::string_view text;
        base64_errc error;
    } const cases[] = {
        {"Zg", base64_errc::bad_length},
        {"Zg=", base64_errc::bad_length},
        {"Zm9vY", base64_errc::bad_length},
        {"Z", base64_errc::bad_length},
        {"=", base64_errc::bad_length},
        {"==", base64_errc::bad_length},
        {"Z===", base64_errc::bad_padding},
        {"====", base64_errc::bad_padding},
        {"Zg==Zg==", base64_errc::bad_padding},
        {"Z=g=", base64_errc::bad_padding},
        {"=Zg=", base64_errc::bad_padding},
        {"Zm9v====", base64_errc::bad_padding},
        {"Zm9v Zg==", base64_errc::bad_character},
        {"Zm9v\r\n", base64_errc::bad_character},
        {"Zm-_", base64_errc::bad_character},
        {"Zm9\xc3", base64_errc::bad_character},
        {"Zh==", base64_errc::not_canonical},
        {"Zm9=", base64_errc::not_canonical},
        {"Zm9vZh==", base64_errc::not_canonical},
        {"*", base64_errc::bad_character},
        {std::string_view{"Zm9\0", 4}, base64_errc::bad_character},
    };
    for (auto const& [text, error] : cases) {
        INFO("text \"" << text << '"');
        auto const decoded = base64_decode(text);
        REQUIRE_FALSE(decoded);
        CHECK(mailquay::to_string(decoded.error()) == mailquay::to_string(error));
    }
}

TEST_CASE("decoding where the text lies gives the same", "[base][base64]") {
    for (std::string text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy", "AGFsaWNlAHNlY3JldA==", "Zg", "Z===", "Zh==", "Zm9v!g=="}) {
        INFO("text \"" << text << '"');
        auto const apart = base64_decode(text);
        auto const count = base64_decode_in_place(text);
        REQUIRE(bool(apart) == bool(count));
        if (apart)
            CHECK(text.substr(0, *count) == *apart);
        else
            CHECK(mailquay::to_string(apart.error()) == mailquay::to_string(count.error()));
    }
}

TEST_CASE("every octet sequence of two octets has exactly one encoding", "[base][base64]") {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::size_t accepted = 0;
    std::set<std::string> seen;
    for (char a : alphabet) {
        for (char b : {'A', 'Q', '/'}) {
            for (char c : alphabet) {
                auto const decoded = base64_decode(std::string{a, b, c, '='});
                if (!decoded) continue;
                ++accepted;
                seen.insert(*decoded);
            }
        }
    }
    CHECK(accepted == 64u * 3 * 16);
    CHECK(seen.size() == accepted);
}
