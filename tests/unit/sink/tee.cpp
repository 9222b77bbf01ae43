#include <mailquay/sink/tee.hpp>

#include <mailquay/sink/collect.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace test_tee {

using namespace mailquay;
using mailquay_test::waited;

verdict send(message_sink& sink) {
    mailquay_test::made_transaction given;
    given.received("").to("b@example.org");
    auto opened = waited(sink.open(given.mail));
    if (!opened) return opened.error();
    verdict said = waited((*opened)->write(std::string_view{"one "}));
    if (!said.refuses()) said = waited((*opened)->write(std::string_view{"two"}));
    if (said.refuses()) return said;
    return waited((*opened)->finish(commit::all_or_none)).combined();
}

struct kept {
    std::vector<std::string> messages{};
    sinks::collect sink(verdict said = accept()) {
        return sinks::collect{[this, said](received_message got) {
            messages.push_back(got.octets);
            return said;
        }};
    }
};

/// Has no room, and says so.
struct full_sink final : message_sink {
    eventual<opened> open(transaction const&) override { return opened{defer()}; }
    bool has_room(std::uint64_t) const override { return false; }
};

struct broken_sink final : message_sink {
    eventual<opened> open(transaction const&) override { throw std::runtime_error("broken"); }
};

TEST_CASE("every sink of a tee gets the message", "[sink][tee]") {
    kept first, second, third;
    sinks::tee tee{first.sink(), second.sink(), third.sink()};

    CHECK(send(tee).accepts());

    CHECK(first.messages == std::vector<std::string>{"one two"});
    CHECK(second.messages == first.messages);
    CHECK(third.messages == first.messages);
    CHECK(tee.lost_copies() == 0);
}

TEST_CASE("the first sink decides, and nobody keeps what it refused", "[sink][tee]") {
    kept first, second;
    sinks::tee tee{first.sink(defer()), second.sink()};

    CHECK(send(tee).kind() == verdict_kind::defer);
    CHECK(second.messages.empty());
}

TEST_CASE("a copy that fails costs no mail, and is counted", "[sink][tee]") {
    kept first, second, third;
    sinks::tee tee{first.sink(), second.sink(reject()), broken_sink{}, third.sink()};

    CHECK(send(tee).accepts());
    CHECK(first.messages.size() == 1);
    CHECK(third.messages.size() == 1);
    CHECK(tee.lost_copies() == 2);
}

TEST_CASE("a tee promises what its first sink does", "[sink][tee]") {
    sinks::collect small{[](received_message) {}, 100};
    sinks::tee tee{std::ref(small), kept{}.sink()};

    CHECK(tee.promised().max_size == 100u);
    CHECK_FALSE(tee.promised().relays);
    auto passes_on = sinks::collect{[](received_message) {}}.promising({.relays = true});
    CHECK(sinks::tee(kept{}.sink(), std::ref(passes_on)).promised().relays);
    full_sink full;
    CHECK_FALSE(sinks::tee(std::ref(full), kept{}.sink()).has_room(1));
    CHECK(sinks::tee(kept{}.sink(), std::ref(full)).has_room(1));
    CHECK_THROWS_AS(sinks::tee(std::shared_ptr<message_sink>{}, std::vector<std::shared_ptr<message_sink>>{}), std::invalid_argument);
}

}  // namespace test_tee
