#include <mailquay/base/result.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace test_result {

using mailquay::result;

enum class fault { small = 1, big };

/// An error that cannot be made from nothing, as a reply or a verdict may be.
struct reason {
    explicit reason(int number) : code(number) {}
    int code;
};

result<int> halve(int number) {
    if (number % 2 != 0) return std::make_error_code(std::errc::invalid_argument);
    return number / 2;
}

result<std::unique_ptr<int>, fault> boxed(int number) {
    if (number < 0) return fault::small;
    return std::make_unique<int>(number);
}

TEST_CASE("a result holds either the value or the error", "[base][result]") {
    auto const good = halve(8);
    auto const bad = halve(7);

    REQUIRE(good);
    CHECK(good.has_value());
    CHECK(*good == 4);
    CHECK(good.value() == 4);
    REQUIRE_FALSE(bad);
    CHECK_FALSE(bad.has_value());
    CHECK(bad.error() == std::errc::invalid_argument);
}

TEST_CASE("value() of a failed result throws the error code", "[base][result]") {
    auto const failed = halve(7);
    auto failed_now = halve(7);

    CHECK_THROWS_AS(failed.value(), std::system_error);
    CHECK_THROWS_AS(failed_now.value(), std::system_error);
    CHECK_THROWS_AS(halve(7).value(), std::system_error);
    try {
        failed.value();
    } catch (std::system_error const& thrown) {
        CHECK(thrown.code() == std::errc::invalid_argument);
    }
}

TEST_CASE("value() of a failed result without an error code throws bad_result_access", "[base][result]") {
    auto failed = boxed(-1);

    CHECK(failed.error() == fault::small);
    CHECK_THROWS_AS(failed.value(), mailquay::bad_result_access);
}

TEST_CASE("a result passes on a value that can only be moved", "[base][result]") {
    auto made = boxed(5);
    REQUIRE(made);

    std::unique_ptr<int> owned = *std::move(made);
    std::unique_ptr<int> also_owned = boxed(6).value();

    CHECK(*owned == 5);
    CHECK(*also_owned == 6);
}

TEST_CASE("a result reads like a pointer and can be changed through it", "[base][result]") {
    result<std::string> text = "abc";

    text->push_back('d');
    *text += 'e';

    CHECK(text->size() == 5);
    CHECK(*text == "abcde");
}

TEST_CASE("value_or gives the fallback only to a failed result", "[base][result]") {
    CHECK(halve(8).value_or(9) == 4);
    CHECK(halve(7).value_or(9) == 9);
    auto const failed = halve(7);
    CHECK(failed.value_or(9) == 9);
}

TEST_CASE("value_or moves a value that can only be moved out of a result that goes away", "[base][result]") {
    CHECK(*boxed(3).value_or(nullptr) == 3);
    CHECK(boxed(-3).value_or(nullptr) == nullptr);
}

TEST_CASE("an error enum with a category converts to a failed result", "[base][result]") {
    result<int> const failed = std::io_errc::stream;
    result<void> const failed_void = std::io_errc::stream;

    REQUIRE_FALSE(failed);
    CHECK(failed.error() == std::io_errc::stream);
    REQUIRE_FALSE(failed_void);
    CHECK(failed_void.error() == std::io_errc::stream);
}

TEST_CASE("an error can be moved out of a result", "[base][result]") {
    result<int, std::string> failed = std::string(100, 'x');

    std::string const taken = std::move(failed).error();

    CHECK(taken == std::string(100, 'x'));
}

TEST_CASE("a result without a value tells success from failure", "[base][result]") {
    result<void> const good;
    result<void> const bad = std::make_error_code(std::errc::io_error);

    CHECK(good);
    CHECK_NOTHROW(good.value());
    REQUIRE_FALSE(bad);
    CHECK_FALSE(bad.has_value());
    CHECK(bad.error() == std::errc::io_error);
    CHECK_THROWS_AS(bad.value(), std::system_error);
}

TEST_CASE("a result without a value takes an error that has no default", "[base][result]") {
    result<void, reason> const good;
    result<void, reason> const bad = reason{7};

    CHECK(good);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == 7);
    CHECK_THROWS_AS(bad.value(), mailquay::bad_result_access);
}

TEST_CASE("a result can be assigned, from value to error and back", "[base][result]") {
    auto changing = halve(2);

    changing = halve(3);
    CHECK_FALSE(changing);
    changing = halve(4);

    REQUIRE(changing);
    CHECK(*changing == 2);
}

TEST_CASE("a result converts implicitly from what its value converts from, and from nothing else", "[base][result]") {
    STATIC_REQUIRE(std::is_convertible_v<char const*, result<std::string>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string_view, result<std::string>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<int, result<std::vector<int>>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<fault, result<int>>);
    STATIC_REQUIRE(std::is_convertible_v<fault, result<int, fault>>);
}

}  // namespace test_result
