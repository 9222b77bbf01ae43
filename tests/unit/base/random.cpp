#include <mailquay/base/random.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

TEST_CASE("random octets fill the whole of what was asked for", "[base][random]") {
    for (std::size_t length :
         {std::size_t{1}, std::size_t{7}, std::size_t{256}, std::size_t{257}, std::size_t{100'000}}) {
        std::vector<std::byte> seen_set(length);
        // An octet that stays zero in 20 rounds was not written.
        for (int round = 0; round < 20; ++round) {
            std::vector<std::byte> octets(length);
            mailquay::random_bytes(octets);
            for (std::size_t i = 0; i < length; ++i) seen_set[i] |= octets[i];
        }
        CHECK(std::count(seen_set.begin(), seen_set.end(), std::byte{0}) == 0);
    }
}

TEST_CASE("asking for no octets writes none", "[base][random]") {
    std::array<std::byte, 3> guard{};

    mailquay::random_bytes(std::span{guard}.subspan(1, 0));

    CHECK(guard == std::array<std::byte, 3>{});
}

TEST_CASE("random numbers do not repeat and use every bit", "[base][random]") {
    std::set<std::uint64_t> seen;
    std::uint64_t ones = 0, zeros = 0;
    for (int i = 0; i < 1000; ++i) {
        auto const number = mailquay::random_u64();
        seen.insert(number);
        ones |= number;
        zeros |= ~number;
    }

    CHECK(seen.size() == 1000);
    CHECK(ones == UINT64_MAX);
    CHECK(zeros == UINT64_MAX);
}
