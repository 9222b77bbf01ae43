#include <mailquay/server/epoll_reactor.hpp>

#include "support/catch.hpp"

#ifdef __linux__

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/// What is the epoll set's own: edges that are told once. What every reactor keeps is in asio_reactor.cpp.
namespace test_epoll_reactor {

using namespace mailquay;
using namespace std::chrono_literals;

struct noting final : watcher, batch_listener {
    void ready(readiness what) noexcept override {
        told.push_back(what);
        if (then) then();
    }
    void batch_begins() noexcept override { ++batches; }
    bool awaits_readiness_alone() const noexcept override { return alone; }
    bool alone = true;
    std::vector<readiness> told;
    int batches = 0;
    std::function<void()> then;
};

struct sockets {
    sockets() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0); }
    sockets(sockets const&) = delete;
    sockets& operator=(sockets const&) = delete;
    ~sockets() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void say(std::string_view octets) const { REQUIRE(::send(ends[1], octets.data(), octets.size(), 0) == ssize_t(octets.size())); }
    std::size_t take(std::size_t most) const {
        std::vector<char> room(most);
        auto const got = ::recv(ends[0], room.data(), most, MSG_DONTWAIT);
        return got < 0 ? 0 : std::size_t(got);
    }
    int ends[2];
};

struct fixture {
    /// Runs what is ready, until nothing has been for a while: also where the machine is busy.
    void poll() {
        io.restart();
        while (io.run_one_for(10ms) != 0) {}
    }
    asio::io_context io{1};
    std::optional<epoll_reactor> runs{std::in_place, io.get_executor(), nullptr};
};

TEST_CASE("octets that came while nobody wanted to read are told at the next want()", "[server][epoll_reactor]") {
    fixture at;
    sockets over;
    noting who;
    REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
    over.say("x");
    at.poll();
    REQUIRE(who.told.empty());

    at.runs->want(who, readiness::readable);
    at.poll();

    CHECK(who.told == std::vector<readiness>{readiness::readable});
    at.runs->unwatch(who);
}

TEST_CASE("an end that came together with the last octets is told after they were read", "[server][epoll_reactor]") {
    fixture at;
    sockets over;
    noting who;
    REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
    at.runs->want(who, readiness::readable);
    over.say("QUIT\r\n");
    ::shutdown(over.ends[1], SHUT_WR);
    at.poll();
    REQUIRE(who.told.size() == 1);
    REQUIRE(over.take(100) == 6);  // a short read: the end is not seen

    at.runs->want(who, readiness::readable);
    at.poll();

    CHECK(who.told.size() == 2);
    at.runs->unwatch(who);
}

TEST_CASE("one that was emptied hears nothing until octets come again, and each arrival once", "[server][epoll_reactor]") {
    fixture at;
    sockets over;
    noting who;
    REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
    for (std::size_t round = 1; round <= 3; ++round) {
        at.runs->want(who, readiness::readable);
        at.poll();
        REQUIRE(who.told.size() == round - 1);
        over.say("x");
        at.poll();
        REQUIRE(who.told.size() == round);
        REQUIRE(over.take(100) == 1);
    }
    at.runs->unwatch(who);
}

TEST_CASE("room to write is told again each time it was wanted, when the peer took octets", "[server][epoll_reactor]") {
    fixture at;
    sockets over;
    noting who;
    REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
    at.runs->want(who, readiness::readable);
    std::vector<char> const octets(64 * 1024);
    for (std::size_t round = 1; round <= 3; ++round) {
        while (::send(over.ends[0], octets.data(), octets.size(), MSG_DONTWAIT) > 0) {}
        at.runs->want(who, readiness::writable);
        at.poll();
        REQUIRE(who.told.size() == round - 1);
        std::vector<char> room(1024 * 1024);
        while (::recv(over.ends[1], room.data(), room.size(), MSG_DONTWAIT) > 0) {}
        at.poll();
        REQUIRE(who.told.size() == round);
        CHECK(who.told.back() == readiness::writable);
    }
    at.runs->unwatch(who);
}

TEST_CASE("more than one batch holds are told all, in several batches", "[server][epoll_reactor]") {
    fixture at;
    noting counts;
    at.runs->tell(&counts);
    std::vector<std::unique_ptr<sockets>> over;
    std::vector<noting> who(400);
    for (noting& one : who) {
        over.push_back(std::make_unique<sockets>());
        REQUIRE_FALSE(at.runs->watch(one, over.back()->ends[0]));
        at.runs->want(one, readiness::readable);
        over.back()->say("x");
    }

    at.poll();

    std::size_t told = 0;
    for (noting& one : who) told += one.told.size();
    CHECK(told == who.size());
    CHECK(counts.batches == 2);
    for (noting& one : who) at.runs->unwatch(one);
}

TEST_CASE("the context is busy while something is watched, and no longer", "[server][epoll_reactor]") {
    fixture at;
    sockets over;
    sockets more;
    noting who;
    noting other;
    REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
    at.poll();
    CHECK_FALSE(at.io.stopped());
    at.runs->unwatch(who);
    REQUIRE_FALSE(at.runs->watch(other, more.ends[0]));  // before the cancelled wait has ended
    at.runs->want(other, readiness::readable);
    more.say("x");
    at.poll();
    CHECK(other.told.size() == 1);
    at.runs->unwatch(other);

    at.io.restart();
    at.io.run();  // returns

    CHECK(at.io.stopped());
}

TEST_CASE("a watcher may end the reactor, with others in the same batch", "[server][epoll_reactor]") {
    fixture at;
    sockets over[2];
    noting who[2];
    for (int i : {0, 1}) {
        REQUIRE_FALSE(at.runs->watch(who[i], over[i].ends[0]));
        at.runs->want(who[i], readiness::readable);
        over[i].say("x");
        who[i].then = [&] {
            for (noting& one : who) at.runs->unwatch(one);
            at.runs.reset();
        };
    }

    at.poll();

    CHECK(who[0].told.size() + who[1].told.size() == 1);
}

TEST_CASE("a watcher may run the context anew while it is told, and forget others there", "[server][epoll_reactor]") {
    fixture at;
    sockets over[3];
    noting who[3];
    for (int i : {0, 1, 2}) {
        REQUIRE_FALSE(at.runs->watch(who[i], over[i].ends[0]));
        at.runs->want(who[i], readiness::readable);
        over[i].say("x");
        who[i].then = [&, i] {
            asio::post(at.io, [&, i] {
                for (int j : {0, 1, 2})
                    if (j != i) at.runs->unwatch(who[j]);
            });
            at.io.poll();
        };
    }

    at.poll();

    CHECK(who[0].told.size() + who[1].told.size() + who[2].told.size() == 1);
    for (noting& one : who) at.runs->unwatch(one);
}

/// A watcher that wakes itself without end, and tasks that the context has meanwhile.
struct endless {
    explicit endless(bool own, bool alone = true) {
        at.runs.emplace(at.io.get_executor(), nullptr, own ? &turns : nullptr);
        counts.alone = alone;
        at.runs->tell(&counts);
        REQUIRE_FALSE(at.runs->watch(who, over.ends[0]));
        who.then = [this] {
            over.take(100);
            at.runs->want(who, readiness::readable);
            over.say("x");
            if (then) std::exchange(then, nullptr)();
        };
        at.runs->want(who, readiness::readable);
        over.say("x");
    }
    ~endless() { at.runs->unwatch(who); }
    void turn() { turns.count += at.io.run_one(); }
    /// How many batches come before a task that is posted in the midst of them.
    int batches_before_a_task() {
        bool ran = false;
        int before = 0;
        then = [&] {
            asio::post(at.io, [&] { ran = true; });
            before = counts.batches;
        };
        while (!ran) turn();
        return counts.batches - before;
    }
    /// For longer than a task makes it give way.
    void without_tasks() {
        for (auto const until = std::chrono::steady_clock::now() + 70ms; std::chrono::steady_clock::now() < until;) turn();
    }
    std::function<void()> then;
    loop_turns turns;
    fixture at;
    sockets over;
    noting who;
    noting counts;
};

TEST_CASE("on a host's thread each batch gives way to what else the context has", "[server][epoll_reactor]") {
    endless on_a_host_s{false};
    on_a_host_s.without_tasks();
    CHECK(on_a_host_s.batches_before_a_task() <= 1);
}

TEST_CASE("on a thread of its own batches follow each other, but give way once there is something else to run", "[server][epoll_reactor]") {
    endless of_its_own{true};
    int most = 0;
    for (int i = 0; i < 5; ++i) {
        of_its_own.without_tasks();
        most = std::max(most, of_its_own.batches_before_a_task());
        for (int more = 0; more < 5; ++more) CHECK(of_its_own.batches_before_a_task() <= 1);
    }
    CHECK(most > 10);
}

TEST_CASE("on a thread of its own a timer is late by no more than two waits", "[server][epoll_reactor]") {
    endless of_its_own{true};
    of_its_own.without_tasks();
    bool rang = false;
    asio::steady_timer timer{of_its_own.at.io, 1ms};
    timer.async_wait([&](std::error_code) { rang = true; });
    auto const began = std::chrono::steady_clock::now();
    while (!rang) of_its_own.turn();
    CHECK(std::chrono::steady_clock::now() - began < 500ms);  // some 40 ms at most, where nothing else has the processor
}

TEST_CASE("on a thread of its own a hook under way has the event loop's next turn", "[server][epoll_reactor]") {
    endless beside_a_hook{true, false};
    beside_a_hook.without_tasks();
    CHECK(beside_a_hook.batches_before_a_task() <= 1);
}

TEST_CASE("a regular file cannot be watched, and that is said", "[server][epoll_reactor]") {
    fixture at;
    noting who;
    int const file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);

    CHECK(at.runs->watch(who, file) == std::errc::operation_not_permitted);

    at.runs->unwatch(who);
    ::close(file);
}

}  // namespace test_epoll_reactor

#endif
