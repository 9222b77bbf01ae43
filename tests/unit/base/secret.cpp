#include <mailquay/base/secret.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <concepts>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

using mailquay::equal_constant_time;
using mailquay::secret;
using mailquay::secret_view;

namespace test_secret {

template <class T>
concept streamable = requires(std::ostream& out, T const& value) { out << value; };

template <class T>
concept comparable = requires(T const& a, T const& b) { a == b; };

}  // namespace test_secret

TEST_CASE("a secret cannot be printed, formatted, compared or taken for a string by accident", "[base][secret]") {
    STATIC_REQUIRE_FALSE(test_secret::streamable<secret_view>);
    STATIC_REQUIRE_FALSE(test_secret::streamable<secret>);
    STATIC_REQUIRE_FALSE(fmt::is_formattable<secret_view>::value);
    STATIC_REQUIRE_FALSE(fmt::is_formattable<secret>::value);
    STATIC_REQUIRE_FALSE(test_secret::comparable<secret_view>);
    STATIC_REQUIRE_FALSE(test_secret::comparable<secret>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<secret_view, std::string_view>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<secret, std::string_view>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string_view, secret_view>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<secret>);
    STATIC_REQUIRE(std::is_convertible_v<secret const&, secret_view>);
}

TEST_CASE("a secret gives its octets to who asks by name", "[base][secret]") {
    secret const password{"p"};
    secret const with_nul{std::string_view{"a\0b", 3}};

    CHECK(password.reveal() == "p");
    CHECK(with_nul.reveal() == std::string_view{"a\0b", 3});
    CHECK(with_nul.view().reveal() == with_nul.reveal());
    CHECK(with_nul.size() == 3);
    CHECK(secret_view{}.empty());
    CHECK(secret{}.empty());
    CHECK(secret{""}.reveal().empty());
    CHECK(secret{with_nul.view()}.reveal() == with_nul.reveal());
}

TEST_CASE("moving a secret leaves the source empty", "[base][secret]") {
    secret first{"hunter2"};

    secret second{std::move(first)};
    CHECK(first.empty());
    CHECK(second.reveal() == "hunter2");

    secret third{"old"};
    third = std::move(second);
    CHECK(second.empty());
    CHECK(third.reveal() == "hunter2");

    third.clear();
    CHECK(third.empty());
}

TEST_CASE("wiping overwrites every octet, also what lies behind the end of a string", "[base][secret]") {
    char octets[] = "hunter2";
    mailquay::wipe(octets);
    CHECK(std::string_view{octets, sizeof octets} == std::string_view("\0\0\0\0\0\0\0\0", 8));

    std::string text(100, 'x');
    text.resize(10);
    char const* const storage = text.data();
    auto const capacity = text.capacity();
    mailquay::wipe(text);
    CHECK(text.empty());
    REQUIRE(text.data() == storage);
    CHECK(std::string_view{storage, capacity} == std::string(capacity, '\0'));  // the storage is still the string's own

    mailquay::wipe(std::span<char>{});
}

TEST_CASE("taking a secret from a string leaves the string without it", "[base][secret]") {
    std::string short_text = "pw";
    std::string long_text(50, 'k');

    secret const from_short = secret::take(short_text);
    secret const from_long = secret::take(long_text);

    CHECK(from_short.reveal() == "pw");
    CHECK(from_long.reveal() == std::string(50, 'k'));
    CHECK(short_text.empty());
    CHECK(long_text.empty());
    CHECK(short_text.data()[1] == '\0');  // within the object itself
}

TEST_CASE("comparison in constant time finds a difference in any place", "[base][secret]") {
    std::string const text = "correct horse battery staple";
    CHECK(equal_constant_time(text, text));
    CHECK(equal_constant_time("", ""));
    CHECK_FALSE(equal_constant_time("", "a"));
    CHECK_FALSE(equal_constant_time(text, text + "x"));
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string other = text;
            other[i] = static_cast<char>(other[i] ^ (1 << bit));
            REQUIRE_FALSE(equal_constant_time(text, other));
        }
    }
}
