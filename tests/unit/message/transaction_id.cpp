#include <mailquay/message/transaction_id.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

namespace test_transaction_id {

using namespace mailquay;
using namespace std::chrono;

inline system_clock::time_point const some_day = sys_days{year{2026} / 11 / 23};

}  // namespace test_transaction_id

TEST_CASE("An id is 12 letters of the alphabet, none of which is I or O", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator ids;

    auto const id = ids.next(system_clock::now());

    CHECK(id.view().size() == 12);
    CHECK(id.view().find_first_not_of("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") == std::string_view::npos);
    CHECK(transaction_id::alphabet.size() == 34);
    CHECK(std::is_sorted(transaction_id::alphabet.begin(), transaction_id::alphabet.end()));
}

TEST_CASE("Numbers become letters in order, and the largest fits", "[message][transaction_id]") {
    using namespace test_transaction_id;

    CHECK(transaction_id::from_number(0).view() == "000000000000");
    CHECK(transaction_id::from_number(33).view() == "00000000000Z");
    CHECK(transaction_id::from_number(34).view() == "000000000010");
    auto const largest = (std::uint64_t{1} << 61) - 1;
    CHECK(transaction_id::from_number(largest) > transaction_id::from_number(largest - 1));
    CHECK(transaction_id::from_number(largest).view() > transaction_id::from_number(largest / 34).view());
}

TEST_CASE("An id is read back from its letters and from nothing else", "[message][transaction_id]") {
    using namespace test_transaction_id;
    auto const id = id_generator{5}.next(some_day);

    CHECK(transaction_id::parse(id.view()) == id);
    CHECK_FALSE(transaction_id::parse("").has_value());
    CHECK_FALSE(transaction_id::parse("0123456789A").has_value());
    CHECK_FALSE(transaction_id::parse("0123456789ABC").has_value());
    CHECK_FALSE(transaction_id::parse("0123456789AI").has_value());
    CHECK_FALSE(transaction_id::parse("0123456789AO").has_value());
    CHECK_FALSE(transaction_id::parse("0123456789Aa").has_value());
    CHECK_FALSE(transaction_id::parse("../../../../").has_value());
}

TEST_CASE("An id that was not given is empty and unlike any other", "[message][transaction_id]") {
    using namespace test_transaction_id;
    transaction_id const none;

    CHECK(none.empty());
    CHECK(none.view().empty());
    CHECK_FALSE(transaction_id::from_number(0).empty());
    CHECK(none != transaction_id::from_number(0));
    CHECK(none < transaction_id::from_number(0));
    STATIC_REQUIRE(sizeof(transaction_id) == 12);
}

TEST_CASE("Ids of one generator sort by age over a million of them, with no two alike", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator ids{77};
    std::unordered_set<transaction_id> seen;
    seen.reserve(1'000'000);
    auto now = some_day;
    transaction_id newest;
    std::size_t disordered = 0;

    for (int i = 0; i < 1'000'000; ++i) {
        auto const id = ids.next(now);
        if (!(newest < id) || !(newest.view() < id.view())) ++disordered;
        seen.insert(id);
        newest = id;
        now += nanoseconds{700};  // some 1,400 a millisecond
    }

    CHECK(disordered == 0);
    CHECK(seen.size() == 1'000'000);
}

TEST_CASE("More ids than a millisecond holds borrow from the next ones", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator ids{1};
    std::unordered_set<transaction_id> seen;
    transaction_id newest;
    std::size_t disordered = 0;

    for (int i = 0; i < 1'000'000; ++i) {
        auto const id = ids.next(some_day);
        if (!(newest < id)) ++disordered;
        seen.insert(id);
        newest = id;
    }

    CHECK(disordered == 0);
    CHECK(seen.size() == 1'000'000);
    // The clock catches up: 488 milliseconds were borrowed, of which 576 ids of the last one were used.
    CHECK(ids.next(some_day + milliseconds{488}) > newest);
    CHECK(ids.next(some_day + milliseconds{489}) == id_generator{1}.next(some_day + milliseconds{489}));
}

TEST_CASE("A clock that goes backwards neither repeats nor disorders ids", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator ids{1023};
    std::unordered_set<transaction_id> seen;
    transaction_id newest;
    std::size_t disordered = 0;

    for (int i = 0; i < 100'000; ++i) {
        auto const id = ids.next(some_day - milliseconds{i} + (i % 1000 == 0 ? hours{1} : hours{0}));
        if (!(newest < id)) ++disordered;
        seen.insert(id);
        newest = id;
    }

    CHECK(disordered == 0);
    CHECK(seen.size() == 100'000);
}

TEST_CASE("A younger id sorts behind an older one of another generator", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator high{1023}, low{0};

    CHECK(high.next(some_day) < low.next(some_day + milliseconds{1}));
    CHECK(high.next(some_day) < low.next(some_day + hours{24 * 365 * 20}));
}

TEST_CASE("Time before 2020 counts as 2020", "[message][transaction_id]") {
    using namespace test_transaction_id;
    id_generator ids{0};

    CHECK(ids.next(system_clock::time_point{}).view() == "000000000000");
    CHECK(ids.next(system_clock::time_point::min()).view() == "000000000001");
    CHECK(ids.next(sys_days{year{2020} / 1 / 1}).view() == "000000000002");
}

TEST_CASE("Lanes keep generators apart, and any number names one", "[message][transaction_id]") {
    using namespace test_transaction_id;

    CHECK(id_generator{0}.next(some_day) != id_generator{1}.next(some_day));
    CHECK(id_generator{1024}.next(some_day) == id_generator{0}.next(some_day));
    CHECK(id_generator{~std::uint64_t{0}}.next(some_day) == id_generator{1023}.next(some_day));
}

TEST_CASE("1024 generators of one process never give the same id", "[message][transaction_id]") {
    using namespace test_transaction_id;
    std::unordered_set<transaction_id> seen;

    for (std::uint64_t i = 0; i < id_generator::lanes; ++i) seen.insert(id_generator{}.next(some_day));

    CHECK(seen.size() == id_generator::lanes);
}

TEST_CASE("Generators made and used on many threads give different ids", "[message][transaction_id]") {
    using namespace test_transaction_id;
    std::vector<std::vector<transaction_id>> given(8);
    std::vector<std::thread> threads;

    for (auto& mine : given) {
        threads.emplace_back([&mine] {
            id_generator ids;
            for (int i = 0; i < 20'000; ++i) mine.push_back(ids.next(some_day));
        });
    }
    for (auto& thread : threads) thread.join();

    std::unordered_set<transaction_id> seen;
    for (auto const& mine : given) seen.insert(mine.begin(), mine.end());
    CHECK(seen.size() == 160'000);
}
