#include <mailquay/base/unique_function.hpp>

#include "support/catch.hpp"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using mailquay::unique_function;

namespace test_unique_function {

int twice(int number) { return number * 2; }

struct counted {
    static inline int alive = 0;
    counted() { ++alive; }
    counted(counted const&) { ++alive; }
    counted(counted&&) noexcept { ++alive; }
    ~counted() { --alive; }
};

/// Moving it may throw, so it must not be kept inside.
struct throwing_mover {
    throwing_mover() = default;
    throwing_mover(throwing_mover const&) = default;
    throwing_mover(throwing_mover&&) noexcept(false) {}
    int operator()() const { return 11; }
};

struct alignas(64) wide_aligned {
    bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
};

struct person {
    int age = 0;
    int older(int years) const { return age + years; }
};

TEST_CASE("any callable of the right shape can be held and called", "[base][unique_function]") {
    int base = 10;
    unique_function<int(int)> pointer = &twice;
    unique_function<int(int)> lambda = [&base](int n) { return n + base; };
    unique_function<int(int)> owning = [p = std::make_unique<int>(5)](int n) { return n + *p; };
    unique_function<int(person const&, int)> member = &person::older;
    unique_function<void(int)> ignored_result = &twice;
    unique_function<long(short)> converted = &twice;

    CHECK(pointer(4) == 8);
    CHECK(lambda(4) == 14);
    CHECK(owning(4) == 9);
    CHECK(member(person{30}, 4) == 34);
    CHECK_NOTHROW(ignored_result(4));
    CHECK(converted(4) == 8);
}

TEST_CASE("a function that holds nothing is empty", "[base][unique_function]") {
    int (*none)(int) = nullptr;
    int (person::*no_member)(int) const = nullptr;

    CHECK_FALSE(unique_function<int(int)>{});
    CHECK_FALSE(unique_function<int(int)>{nullptr});
    CHECK_FALSE(unique_function<int(int)>{none});
    CHECK_FALSE(unique_function<int(person&, int)>{no_member});
    CHECK_FALSE(unique_function<void(int)>{unique_function<int(int)>{}});
    CHECK(unique_function<void(int)>{unique_function<int(int)>{&twice}});
    CHECK(unique_function<int(int)>{} == nullptr);
    CHECK(unique_function<int(int)>{&twice} != nullptr);
}

TEST_CASE("moving hands the callable over and leaves nothing behind", "[base][unique_function]") {
    SECTION("kept inside") {
        unique_function<int()> from = [p = std::make_unique<int>(7)] { return *p; };
        unique_function<int()> to = std::move(from);
        CHECK_FALSE(from);
        CHECK(to() == 7);
    }
    SECTION("kept outside") {
        unique_function<int()> from = [p = std::make_unique<int>(7), big = std::array<int, 100>{}] {
            return *p + big[99];
        };
        unique_function<int()> to = [] { return 1; };
        to = std::move(from);
        CHECK_FALSE(from);
        CHECK(to() == 7);
    }
    SECTION("to itself") {
        unique_function<int()> same = [] { return 3; };
        auto& alias = same;
        same = std::move(alias);
        CHECK(same() == 3);
    }
}

TEST_CASE("the callable is destroyed exactly once, inside and outside", "[base][unique_function]") {
    counted::alive = 0;
    {
        unique_function<void()> small = [c = counted{}] { (void)c; };
        unique_function<void()> large = [c = counted{}, big = std::array<char, 200>{}] { (void)c, (void)big; };
        CHECK(counted::alive == 2);
        swap(small, large);
        CHECK(counted::alive == 2);
        small();
        large();
        unique_function<void()> moved = std::move(small);
        CHECK(counted::alive == 2);
        large = nullptr;
        CHECK(counted::alive == 1);
        moved = [] {};
        CHECK(counted::alive == 0);
        large = [c = counted{}] { (void)c; };
        CHECK(counted::alive == 1);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("a callable keeps its state between calls", "[base][unique_function]") {
    unique_function<int()> counter = [n = 0]() mutable { return ++n; };

    CHECK(counter() == 1);
    CHECK(counter() == 2);
}

TEST_CASE("arguments pass through without copies", "[base][unique_function]") {
    unique_function<std::unique_ptr<int>(std::unique_ptr<int>, std::string&)> f = [](std::unique_ptr<int> p,
                                                                                     std::string& text) {
        text += '!';
        return p;
    };
    std::string text = "hi";

    auto const back = f(std::make_unique<int>(9), text);

    CHECK(*back == 9);
    CHECK(text == "hi!");
}

TEST_CASE("what the callable throws reaches the caller", "[base][unique_function]") {
    unique_function<void()> f = [] { throw std::runtime_error("no"); };

    CHECK_THROWS_AS(f(), std::runtime_error);
    CHECK(f);
}

TEST_CASE("callables that cannot be kept inside work all the same", "[base][unique_function]") {
    unique_function<int()> thrower = throwing_mover{};
    unique_function<bool()> aligned = wide_aligned{};
    unique_function<int()> moved = std::move(thrower);
    unique_function<bool()> also_moved = std::move(aligned);

    CHECK(moved() == 11);
    CHECK(also_moved());
}

TEST_CASE("the shape of the type: movable without throwing, not copyable, four pointers", "[base][unique_function]") {
    using function = unique_function<int(int)>;

    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<function>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<function>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<function>);
    STATIC_REQUIRE(sizeof(function) == 4 * sizeof(void*));
    STATIC_REQUIRE_FALSE(std::is_constructible_v<function, int>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<function, std::string (*)(int)>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<function, int (*)()>);
}

}  // namespace test_unique_function
