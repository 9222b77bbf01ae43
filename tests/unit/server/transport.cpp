#include <mailquay/server/transport.hpp>

#include "support/catch.hpp"

#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace test_transport {

struct pair {
    pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        ours = mailquay::make_socket_transport(ends[0]);
        peer = ends[1];
    }
    ~pair() {
        if (peer >= 0) ::close(peer);
    }
    void close_peer() { ::close(std::exchange(peer, -1)); }
    std::unique_ptr<mailquay::transport> ours;
    int peer;
};

}  // namespace test_transport

using namespace mailquay;

TEST_CASE("a socket transport moves octets and never blocks", "[server][transport]") {
    test_transport::pair at;
    char room[8];
    CHECK(at.ours->read_some(room).status == io_status::would_block);
    CHECK(at.ours->probe() == io_status::would_block);
    REQUIRE(::send(at.peer, "abcdefghijkl", 12, 0) == 12);
    CHECK(at.ours->probe() == io_status::ok);
    auto const first = at.ours->read_some(room);
    CHECK((first.status == io_status::ok && first.octets == 8 && std::string(room, 8) == "abcdefgh"));
    CHECK(at.ours->read_some(room).octets == 4);

    std::string const many(10'000'000, 'x');
    auto const sent = at.ours->write_some({many.data(), many.size()});
    CHECK((sent.status == io_status::ok && sent.octets > 0 && sent.octets < many.size()));
    CHECK(at.ours->write_some({many.data(), many.size()}).status == io_status::would_block);
}

TEST_CASE("the end of the stream is told once all is read", "[server][transport]") {
    test_transport::pair at;
    REQUIRE(::send(at.peer, "x", 1, 0) == 1);
    ::shutdown(at.peer, SHUT_WR);
    char room[8];
    CHECK(at.ours->probe() == io_status::ok);
    CHECK(at.ours->read_some(room).octets == 1);
    CHECK(at.ours->probe() == io_status::end);
    CHECK(at.ours->read_some(room).status == io_status::end);
}

TEST_CASE("a peer that is gone is found by probe() and write, without a signal", "[server][transport]") {
    test_transport::pair at;
    at.close_peer();
    CHECK(at.ours->probe() == io_status::error);
    CHECK(at.ours->write_some({"x", 1}).status == io_status::error);
}

TEST_CASE("a half-close reaches the peer, and reading goes on", "[server][transport]") {
    test_transport::pair at;
    at.ours->close_write();
    char room[8];
    CHECK(::recv(at.peer, room, sizeof room, 0) == 0);
    REQUIRE(::send(at.peer, "x", 1, 0) == 1);
    CHECK(at.ours->read_some(room).octets == 1);
}

TEST_CASE("closing twice is harmless, and a closed transport fails", "[server][transport]") {
    test_transport::pair at;
    at.ours->close();
    at.ours->close();
    char room[8];
    CHECK(at.ours->native_handle() == -1);
    CHECK(at.ours->read_some(room).status == io_status::error);
    CHECK(at.ours->write_some({"x", 1}).status == io_status::error);
    CHECK(::recv(at.peer, room, sizeof room, 0) == 0);
}
