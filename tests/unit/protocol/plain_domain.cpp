#include <mailquay/protocol/detail/plain_domain.hpp>

#include <mailquay/protocol/domain.hpp>

#include "support/catch.hpp"

#include <random>
#include <string>

namespace test_plain_domain {

using namespace mailquay;

/// What the whole grammar says.
bool is_domain(std::string_view text) {
    cursor in{text};
    auto const found = domain(in);
    return found && in.at_end();
}

TEST_CASE("the usual domains are plain ones", "[protocol][plain_domain]") {
    for (std::string_view const text : {"mx.example.org", "localhost", "a", "a-b.example", "192.0.2.1", "MX.Example.ORG", "a--b.c"}) {
        INFO(text);
        CHECK(detail::plain_domain(text));
    }
    CHECK(detail::plain_domain(std::string(63, 'a')));
    CHECK(detail::plain_domain(std::string(61, 'a') + ".b"));
    CHECK_FALSE(detail::plain_domain(std::string(64, 'a')));
    CHECK_FALSE(detail::plain_domain(""));
}

TEST_CASE("a text of at most 63 ASCII octets is a plain domain if the grammar has it so", "[protocol][plain_domain]") {
    std::mt19937 random{20261127};
    std::string_view const octets = "aZ09....--_[]: \r@\x7f";
    std::size_t domains = 0;
    for (int i = 0; i < 200'000; ++i) {
        // Mostly letters, so that the border between right and wrong is met often.
        std::string text;
        std::size_t const size = random() % 68;
        std::size_t const odd = 1 + random() % 24;
        for (std::size_t at = 0; at < size; ++at) text += random() % odd == 0 ? octets[random() % (random() % 8 == 0 ? octets.size() : 10)] : 'x';
        if (random() % 50 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random() % 256);
        bool const plain = detail::plain_domain(text);
        domains += plain;
        if (plain != (text.size() < 64 && is_domain(text))) FAIL("disagreement on " << text);
    }
    CHECK(domains > 20'000);
    CHECK(domains < 180'000);
}

}  // namespace test_plain_domain
