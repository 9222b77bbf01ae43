#include <mailquay/server/asio_loop.hpp>

#include "support/catch.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace test_asio_loop {

using namespace mailquay;
using namespace std::chrono_literals;

struct listening final : batch_listener, alarm_listener {
    void batch_begins() noexcept override { ++batches; }
    void rang(shard_alarm which) noexcept override { rung.push_back(which); }
    unsigned batches = 0;
    std::vector<shard_alarm> rung;
};

struct noting final : watcher {
    void ready(readiness what) noexcept override {
        ++told;
        last = what;
        if (forget != nullptr) forget->unwatch(*this);
    }
    unsigned told = 0;
    readiness last{};
    reactor* forget = nullptr;
};

struct fixture {
    fixture() {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        runs->tell(&hears, &hears);
    }
    ~fixture() {
        runs.reset();
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void poll() {
        io.restart();
        io.run_for(20ms);
    }
    asio::io_context io{1};
    listening hears;
    std::unique_ptr<asio_loop> runs = std::make_unique<asio_loop>(io.get_executor());
    int ends[2];
};

TEST_CASE("readiness is told once per want(), after the batch was announced", "[server][asio_loop]") {
    fixture at;
    noting who;
    REQUIRE_FALSE(at.runs->reactor().watch(who, at.ends[0]));
    REQUIRE(::send(at.ends[1], "x", 1, 0) == 1);
    at.poll();
    CHECK(who.told == 0);

    at.runs->reactor().want(who, readiness::readable);
    at.runs->reactor().want(who, readiness::readable);
    at.poll();
    CHECK(who.told == 1);
    CHECK(who.last == readiness::readable);
    CHECK(at.hears.batches == 1);
    at.poll();
    CHECK(who.told == 1);

    at.runs->reactor().resume(who, readiness::readable);
    at.poll();
    CHECK(who.told == 2);
    at.runs->reactor().want(who, readiness::writable);
    at.poll();
    CHECK(who.last == readiness::writable);
    at.runs->reactor().unwatch(who);
}

TEST_CASE("after unwatch() nothing is told, and the descriptor stays open", "[server][asio_loop]") {
    fixture at;
    noting who;
    REQUIRE_FALSE(at.runs->reactor().watch(who, at.ends[0]));
    at.runs->reactor().want(who, readiness::readable);
    at.poll();
    REQUIRE(::send(at.ends[1], "x", 1, 0) == 1);
    at.runs->reactor().unwatch(who);
    at.runs->reactor().unwatch(who);
    at.runs->reactor().want(who, readiness::readable);
    at.poll();
    CHECK(who.told == 0);
    char octet;
    CHECK(::recv(at.ends[0], &octet, 1, 0) == 1);
}

TEST_CASE("a watcher may forget itself while it is told", "[server][asio_loop]") {
    fixture at;
    noting who;
    who.forget = &at.runs->reactor();
    REQUIRE_FALSE(at.runs->reactor().watch(who, at.ends[0]));
    at.runs->reactor().want(who, readiness::readable | readiness::writable);
    REQUIRE(::send(at.ends[1], "x", 1, 0) == 1);
    at.poll();
    CHECK(who.told == 1);
}

TEST_CASE("what cannot be watched is reported", "[server][asio_loop]") {
    fixture at;
    noting who;
    CHECK(at.runs->reactor().watch(who, -1));
    at.runs->reactor().unwatch(who);
}

TEST_CASE("an alarm rings once; setting it again replaces it; without listener nothing keeps the context busy", "[server][asio_loop]") {
    fixture at;
    at.runs->set_alarm(shard_alarm::flush, 1h);
    at.runs->set_alarm(shard_alarm::flush, 1ms);
    at.runs->set_alarm(shard_alarm::tick, 2ms);
    at.poll();
    CHECK(at.hears.rung == std::vector<shard_alarm>{shard_alarm::flush, shard_alarm::tick});
    at.runs->set_alarm(shard_alarm::accept, 1h);
    at.runs->tell(nullptr, nullptr);
    at.io.restart();
    at.io.run();
    CHECK(at.hears.rung.size() == 2);
}

TEST_CASE("posted tasks run later, and the loop may be gone by then", "[server][asio_loop]") {
    fixture at;
    int ran = 0;
    at.runs->post([&] { ++ran; });
    CHECK(ran == 0);
    at.runs.reset();
    at.poll();
    CHECK(ran == 1);
}

}  // namespace test_asio_loop
