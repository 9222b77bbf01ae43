#include <mailquay/server/address_counts.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace test_address_counts {

using namespace mailquay;

inline ip_address number(std::uint_fast32_t i) {
    auto const octet = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift); };
    if (i % 3 == 0) return ip_address::from_v6({0x20, 0x01, 0x0d, 0xb8, octet(8), octet(0)});
    return ip_address::from_v4({10, octet(16), octet(8), octet(0)});
}

TEST_CASE("addresses are counted up to a bound", "[server][address_counts]") {
    address_counts counts;
    CHECK(counts.of(number(1)) == 0);
    CHECK(counts.add(number(1), 2));
    CHECK(counts.add(number(1), 2));
    CHECK_FALSE(counts.add(number(1), 2));
    CHECK(counts.add(number(2), 2));
    CHECK(counts.add(number(1), 0));
    CHECK(counts.of(number(1)) == 3);
    counts.remove(number(1));
    counts.remove(number(2));
    CHECK(counts.of(number(1)) == 2);
    CHECK(counts.of(number(2)) == 0);
}

TEST_CASE("however addresses come and go, each is counted as a map would", "[server][address_counts]") {
    std::mt19937 random{20261127};
    for (unsigned const addresses : {6u, 40u, 3000u}) {
        address_counts counts;
        std::map<ip_address, unsigned> expected;
        std::vector<ip_address> added;
        // More come than go, then more go than come.
        for (unsigned i = 0; i < 20'000; ++i) {
            bool const comes = added.empty() || random() % 100 < (i < 10'000 ? 60u : 40u);
            if (comes) {
                ip_address const one = number(random() % addresses);
                bool const fits = expected[one] < 5;
                if (counts.add(one, 5) != fits) FAIL("bound of " << one.to_string());
                if (fits) ++expected[one], added.push_back(one);
            } else {
                std::swap(added[random() % added.size()], added.back());
                counts.remove(added.back());
                --expected[added.back()];
                added.pop_back();
            }
            ip_address const any = number(random() % addresses);
            if (counts.of(any) != expected[any]) FAIL("count of " << any.to_string());
        }
        for (auto const& [one, count] : expected)
            if (counts.of(one) != count) FAIL("count of " << one.to_string());
    }
    SUCCEED();
}

}  // namespace test_address_counts
