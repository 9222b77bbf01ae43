#include <mailquay/server/admission.hpp>

#include "support/catch.hpp"

#include <thread>
#include <vector>

namespace test_admission {
inline mailquay::ip_address at(std::string_view text) { return *mailquay::ip_address::parse(text); }
}  // namespace test_admission

using namespace mailquay;
using test_admission::at;

TEST_CASE("the total is a bound on all connections together, and a place is given back at close", "[server][admission]") {
    admission door{{.total = 2, .per_address = 0}};
    CHECK(door.admit(at("192.0.2.1")) == admitted::yes);
    CHECK(door.admit(at("127.0.0.1")) == admitted::yes);
    CHECK(door.admit({}) == admitted::too_many);
    CHECK(door.total() == 2);
    door.release(at("127.0.0.1"));
    CHECK(door.admit({}) == admitted::yes);
}

TEST_CASE("a server is nearly full above four fifths of its connections", "[server][admission]") {
    connection_limits limits{.total = 10};
    admission door{limits};
    for (int i = 0; i < 8; ++i) CHECK(door.admit({}) == admitted::yes);
    CHECK_FALSE(door.nearly_full());
    CHECK(door.admit({}) == admitted::yes);
    CHECK(door.nearly_full());
    door.release({});
    CHECK_FALSE(door.nearly_full());

    limits.hurry_above_percent = 100;
    door.limit(limits);
    CHECK(door.admit({}) == admitted::yes);
    CHECK(door.admit({}) == admitted::yes);
    CHECK_FALSE(door.nearly_full());
    door.limit({.total = 0});
    CHECK_FALSE(door.nearly_full());
}

TEST_CASE("handshakes are nearly full above four fifths, too", "[server][admission]") {
    admission door{{.handshakes = 5, .handshakes_per_address = 0}};
    for (int i = 0; i < 4; ++i) CHECK(door.begin_handshake({}));
    CHECK_FALSE(door.handshakes_nearly_full());
    CHECK(door.begin_handshake({}));
    CHECK(door.handshakes_nearly_full());
    CHECK_FALSE(door.nearly_full());
    door.limit({.handshakes = 0});
    CHECK_FALSE(door.handshakes_nearly_full());
}

TEST_CASE("each IPv4 address, and each IPv6 /64, has its own count", "[server][admission]") {
    admission door{{.total = 0, .per_address = 1}};
    CHECK(door.admit(at("192.0.2.1")) == admitted::yes);
    CHECK(door.admit(at("192.0.2.1")) == admitted::too_many_from_address);
    CHECK(door.admit(at("::ffff:192.0.2.1")) == admitted::too_many_from_address);
    CHECK(door.admit(at("192.0.2.2")) == admitted::yes);
    CHECK(door.admit(at("2001:db8:0:1::1")) == admitted::yes);
    CHECK(door.admit(at("2001:db8:0:1::2")) == admitted::too_many_from_address);
    CHECK(door.admit(at("2001:db8:0:2::1")) == admitted::yes);
    CHECK(door.total() == 4);
    CHECK(door.from(at("2001:db8:0:1:ffff::")) == 1);
    door.release(at("2001:db8:0:1::1"));
    CHECK(door.from(at("2001:db8:0:1::2")) == 0);
    CHECK(door.admit(at("2001:db8:0:1::2")) == admitted::yes);
}

TEST_CASE("a connection may become another address's, if that one has a place", "[server][admission]") {
    admission door{{.total = 0, .per_address = 1}};
    CHECK(door.admit({}) == admitted::yes);
    CHECK(door.admit(at("192.0.2.1")) == admitted::yes);
    CHECK(door.move({}, at("192.0.2.1"), 1) == admitted::too_many_from_address);
    CHECK(door.move({}, at("192.0.2.2"), 1) == admitted::yes);
    CHECK(door.move(at("192.0.2.2"), at("192.0.2.2"), 1) == admitted::yes);
    CHECK(door.move(at("192.0.2.2"), at("192.0.2.3"), 1) == admitted::yes);
    CHECK(door.from(at("192.0.2.2")) == 0);
    CHECK(door.from(at("192.0.2.3")) == 1);
    CHECK(door.move(at("192.0.2.3"), at("127.0.0.1"), 1) == admitted::yes);
    CHECK(door.move(at("127.0.0.1"), at("192.0.2.1"), 0) == admitted::yes);
    CHECK(door.from(at("192.0.2.1")) == 2);
    CHECK(door.total() == 2);
}

TEST_CASE("a client of which nothing is known counts for no address", "[server][admission]") {
    session_info peer{ip_endpoint{at("192.0.2.1"), 1}, {}};
    CHECK(counted_address(peer) == at("192.0.2.1"));
    peer.set_client({at("198.51.100.7"), 1}, address_source::proxy);
    CHECK(counted_address(peer) == at("198.51.100.7"));
    for (auto const from : {address_source::local, address_source::health_check}) {
        peer.set_client(peer.socket_peer(), from);
        CHECK(counted_address(peer).is_none());
    }
}

TEST_CASE("loopback and UNIX sockets have no limit per address", "[server][admission]") {
    admission door{{.total = 0, .per_address = 1}};
    for (int i = 0; i < 5; ++i) {
        CHECK(door.admit(at("127.0.0.1")) == admitted::yes);
        CHECK(door.admit(at("::1")) == admitted::yes);
        CHECK(door.admit({}) == admitted::yes);
    }
    CHECK(door.total() == 15);
}

TEST_CASE("a listener's own limit per address wins, and 0 is none", "[server][admission]") {
    admission door{{.total = 0, .per_address = 1}};
    CHECK(door.admit(at("192.0.2.1"), 2) == admitted::yes);
    CHECK(door.admit(at("192.0.2.1"), 2) == admitted::yes);
    CHECK(door.admit(at("192.0.2.1"), 2) == admitted::too_many_from_address);
    CHECK(door.admit(at("192.0.2.1"), 0) == admitted::yes);
    door.limit({.total = 3, .per_address = 0});
    CHECK(door.admit(at("192.0.2.9")) == admitted::too_many);
}

TEST_CASE("counts stay right when several threads admit and release", "[server][admission]") {
    admission door{{.total = 100, .per_address = 0}};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 1000; ++round)
                if (door.admit(at("192.0.2.1")) == admitted::yes) door.release(at("192.0.2.1"));
        });
    for (auto& one : threads) one.join();
    CHECK(door.total() == 0);
    CHECK(door.from(at("192.0.2.1")) == 0);
}

TEST_CASE("handshakes under way are bounded per address and in all; loopback in all only", "[server][admission][tls]") {
    admission door{{.handshakes = 3, .handshakes_per_address = 2}};
    CHECK(door.begin_handshake(at("192.0.2.1")));
    CHECK(door.begin_handshake(at("192.0.2.1")));
    CHECK_FALSE(door.begin_handshake(at("192.0.2.1")));
    CHECK(door.begin_handshake(at("127.0.0.1")));
    CHECK_FALSE(door.begin_handshake(at("192.0.2.2")));
    CHECK(door.handshakes() == 3);

    door.end_handshake(at("192.0.2.1"));
    CHECK(door.begin_handshake(at("192.0.2.2")));
    door.end_handshake(at("192.0.2.1"));
    door.end_handshake(at("192.0.2.2"));
    door.end_handshake(at("127.0.0.1"));
    CHECK(door.handshakes() == 0);
}
