#include <mailquay/handler/received_message.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace test_received_message {

using namespace mailquay;
using mailquay_test::waited;

inline verdict at_once(received_message const& got) { return got.octets.empty() ? reject() : accept(); }
inline asio::awaitable<verdict> verdict_later(received_message got) { co_return at_once(got); }
inline asio::awaitable<void> nothing_later(received_message got) {
    if (got.octets.empty()) throw std::runtime_error("empty");
    co_return;
}
inline asio::awaitable<delivery> delivery_later(received_message) {
    std::vector<verdict> both;
    both.push_back(accept());
    both.push_back(defer());
    co_return delivery{std::move(both)};
}
inline eventual<verdict> verdict_eventually(received_message got) {
    if (got.octets == "now") return verdict{accept()};
    return verdict_later(std::move(got));
}

static_assert(message_function<void (*)(received_message)>);
static_assert(message_function<decltype(&at_once)>);
static_assert(message_function<decltype(&verdict_later)>);
static_assert(message_function<decltype(&nothing_later)>);
static_assert(message_function<decltype(&delivery_later)>);
static_assert(message_function<decltype(&verdict_eventually)>);
static_assert(!message_function<bool (*)(received_message)>);
static_assert(!message_function<std::string (*)(received_message)>);
static_assert(!message_function<asio::awaitable<int> (*)(received_message)>);
static_assert(!message_function<void (*)(received_message&)>);
static_assert(!message_function<void (*)()>);
static_assert(!message_function<received_message>);

inline delivery answer(message_handler handler, std::string octets = "x") {
    return waited(handler(received_message{envelope{}, std::move(octets)}));
}

TEST_CASE("a message as a value outlives what it was made of", "[received_message]") {
    received_message message;
    {
        envelope from;
        from.reverse_path = "a@example.org";
        message = received_message{from, std::string(100'000, 'x')};
    }
    received_message const moved = std::move(message);
    CHECK(moved.envelope.reverse_path == "a@example.org");
    CHECK(moved.octets.size() == 100'000);
    received_message const copy = moved;
    CHECK(copy.octets == moved.octets);
}

TEST_CASE("a function that returns nothing accepts by returning", "[received_message]") {
    std::string seen;
    CHECK(answer(make_message_handler([&](received_message got) { seen = std::move(got.octets); }), "text").combined().accepts());
    CHECK(seen == "text");
    CHECK_THROWS_AS(answer(make_message_handler([](received_message) { throw std::runtime_error("disk"); })), std::runtime_error);
}

TEST_CASE("what is known at once is answered at once, without a coroutine", "[received_message]") {
    auto handler = make_message_handler(at_once);
    auto said = handler(received_message{envelope{}, "x"});
    CHECK(said.ready());
    CHECK(std::move(said).value().combined().accepts());
    auto eventually = make_message_handler(verdict_eventually);
    CHECK(eventually(received_message{envelope{}, "now"}).ready());
    auto later = eventually(received_message{envelope{}, "later"});
    REQUIRE_FALSE(later.ready());
    CHECK(waited(std::move(later)).combined().accepts());
}

TEST_CASE("a coroutine may give nothing, a verdict or a delivery", "[received_message]") {
    CHECK(answer(make_message_handler(nothing_later)).combined().accepts());
    CHECK_THROWS_AS(answer(make_message_handler(nothing_later), ""), std::runtime_error);
    CHECK(answer(make_message_handler(verdict_later)).combined().accepts());
    CHECK(answer(make_message_handler(verdict_later), "").combined().refuses());
    auto const each = answer(make_message_handler(delivery_later));
    REQUIRE(each.each().size() == 2);
    CHECK(each.accepted_for(0));
    CHECK_FALSE(each.accepted_for(1));
}

TEST_CASE("a handler holds a function that is moved only, and its state from call to call", "[received_message]") {
    auto handler = make_message_handler([calls = std::make_unique<int>(0)](received_message const&) mutable {
        return ++*calls < 2 ? accept() : defer();
    });
    CHECK(waited(handler(received_message{})).combined().accepts());
    CHECK(waited(handler(received_message{})).combined().kind() == verdict_kind::defer);
}

}  // namespace test_received_message
