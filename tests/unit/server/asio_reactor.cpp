#include <mailquay/server/asio_reactor.hpp>

#include <mailquay/server/epoll_reactor.hpp>

#include "support/catch.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

/// What every reactor keeps.
namespace test_asio_reactor {

using namespace mailquay;
using namespace std::chrono_literals;

struct noting final : watcher, batch_listener {
    void ready(readiness what) noexcept override {
        told.push_back(what);
        batches_before.push_back(batches);
        if (forget != nullptr && other != nullptr) forget->unwatch(*other);
    }
    void batch_begins() noexcept override { ++batches; }
    std::vector<readiness> told;
    std::vector<int> batches_before;
    int batches = 0;
    reactor* forget = nullptr;
    watcher* other = nullptr;
};

#ifdef __linux__
#define REACTORS asio_reactor, epoll_reactor
#else
#define REACTORS asio_reactor
#endif

template <class Reactor>
struct fixture {
    fixture() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0); }
    ~fixture() {
        runs.reset();
        poll();
        close_peer();
        ::close(ends[0]);
    }
    void poll() {
        io.restart();
        io.run_for(10ms);
    }
    void say(std::string_view octets) { REQUIRE(::send(ends[1], octets.data(), octets.size(), 0) == ssize_t(octets.size())); }
    void close_peer() {
        if (ends[1] >= 0) ::close(ends[1]);
        ends[1] = -1;
    }
    asio::io_context io{1};
    noting who;
    std::optional<Reactor> runs{std::in_place, io.get_executor(), &who};
    int ends[2];
};

TEMPLATE_TEST_CASE("readiness is told once per want(), each direction for itself, after the batch began", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    at.say("x");
    at.poll();
    CHECK(at.who.told.empty());

    at.runs->want(at.who, readiness::readable);
    at.runs->want(at.who, readiness::readable);
    at.poll();
    at.poll();
    CHECK(at.who.told == std::vector<readiness>{readiness::readable});
    CHECK(at.who.batches_before == std::vector<int>{1});

    at.runs->want(at.who, readiness::writable);
    at.poll();
    CHECK(at.who.told.back() == readiness::writable);
    CHECK(at.who.told.size() == 2);
    at.runs->unwatch(at.who);
}

TEMPLATE_TEST_CASE("octets that wait already are told after resume()", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    at.say("xy");
    at.runs->want(at.who, readiness::readable);
    at.poll();
    char octet;
    REQUIRE(::recv(at.ends[0], &octet, 1, 0) == 1);
    at.runs->resume(at.who, readiness::readable);
    at.poll();
    CHECK(at.who.told.size() == 2);
    at.runs->unwatch(at.who);
}

TEMPLATE_TEST_CASE("the end of the peer is told to who waits to read", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    at.runs->want(at.who, readiness::readable);
    at.poll();
    CHECK(at.who.told.empty());
    at.close_peer();
    at.poll();
    REQUIRE(at.who.told.size() == 1);
    CHECK(has(at.who.told[0], readiness::readable | readiness::gone));
    at.runs->unwatch(at.who);
}

TEMPLATE_TEST_CASE("a watcher may forget another one whose readiness is in the same batch", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    fixture<TestType> peers;
    noting other;
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    REQUIRE_FALSE(at.runs->watch(other, peers.ends[0]));
    at.who.forget = other.forget = &*at.runs;
    at.who.other = &other;
    other.other = &at.who;
    at.say("x");
    peers.say("x");
    at.runs->want(at.who, readiness::readable);
    at.runs->want(other, readiness::readable);
    at.poll();
    CHECK(at.who.told.size() + other.told.size() == 1);
    at.runs->unwatch(at.who);
    at.runs->unwatch(other);
}

TEMPLATE_TEST_CASE("one that was forgotten may be watched again, with another descriptor", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    fixture<TestType> again;
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    at.runs->want(at.who, readiness::readable);
    at.runs->unwatch(at.who);
    REQUIRE_FALSE(at.runs->watch(at.who, again.ends[0]));
    at.runs->want(at.who, readiness::readable);
    at.say("x");
    at.poll();
    CHECK(at.who.told.empty());
    again.say("x");
    at.poll();
    CHECK(at.who.told.size() == 1);
    at.runs->unwatch(at.who);
}

TEMPLATE_TEST_CASE("without a batch listener readiness is told all the same", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    at.runs->tell(nullptr);
    REQUIRE_FALSE(at.runs->watch(at.who, at.ends[0]));
    at.runs->want(at.who, readiness::writable);
    at.poll();
    CHECK(at.who.told.size() == 1);
    CHECK(at.who.batches == 0);
    at.runs->unwatch(at.who);
}

TEMPLATE_TEST_CASE("what cannot be watched is said, and nothing is told of it", "[server][reactors]", REACTORS) {
    fixture<TestType> at;
    CHECK(at.runs->watch(at.who, -1));
    at.runs->want(at.who, readiness::readable | readiness::writable);
    at.poll();
    CHECK(at.who.told.empty());
    at.runs->unwatch(at.who);
}

}  // namespace test_asio_reactor
