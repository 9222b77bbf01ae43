#include <mailquay/sink/header_prepend.hpp>

#include <mailquay/sink/collect.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace test_header_prepend {

using namespace mailquay;
using mailquay_test::waited;

struct place {
    std::string got{};
    sinks::collect sink() {
        return sinks::collect{[this](received_message mail) { got = mail.octets; }};
    }
    static void send(message_sink& sink) {
        mailquay_test::made_transaction given{"a@example.net"};
        given.received("").to("b@example.org");
        auto opened = waited(sink.open(given.mail));
        REQUIRE(opened);
        CHECK(waited((*opened)->write(std::string_view{"Subject: s\r\n"})).accepts());
        CHECK(waited((*opened)->write(std::string_view{"\r\nbody"})).accepts());
        CHECK(waited((*opened)->finish(commit::all_or_none)).combined().accepts());
    }
};

/// Has no room, and says so.
struct full_sink final : message_sink {
    eventual<opened> open(transaction const&) override { return opened{defer()}; }
    bool has_room(std::uint64_t) const override { return false; }
};

TEST_CASE("fields stand on top of the message, once", "[sink][header_prepend]") {
    place at;
    sinks::header_prepend sink{"X-A: 1\r\nX-B: 2\r\n folded\r\n", at.sink()};

    place::send(sink);

    CHECK(at.got == "X-A: 1\r\nX-B: 2\r\n folded\r\nSubject: s\r\n\r\nbody");
}

TEST_CASE("a function makes the fields of each transaction", "[sink][header_prepend]") {
    place at;
    sinks::header_prepend sink{[](transaction const& mail) { return "X-Sender: " + std::string(mail.reverse_path().wire) + "\r\n"; }, at.sink()};
    place::send(sink);
    CHECK(at.got.starts_with("X-Sender: a@example.net\r\nSubject"));

    sinks::header_prepend nothing{[](transaction const&) { return std::string{}; }, at.sink()};
    place::send(nothing);
    CHECK(at.got.starts_with("Subject"));
}

TEST_CASE("what is no header field is refused at start", "[sink][header_prepend]") {
    place at;
    for (char const* wrong : {"X-A: 1", "no field\r\n", "X-A: 1\r\n\r\nbody\r\n", " folded\r\n"})
        CHECK_THROWS_AS(sinks::header_prepend(std::string(wrong), at.sink()), std::invalid_argument);
    sinks::header_prepend fine{"X-A: 1\r\n", sinks::collect{[](received_message) {}, 77}};
    CHECK(fine.promised().max_size == 77u);
    CHECK(fine.has_room(1));
    CHECK_FALSE(sinks::header_prepend("X-A: 1\r\n", full_sink{}).has_room(1));
}

}  // namespace test_header_prepend
