#include <mailquay/server/tls_transport.hpp>

#include "support/catch.hpp"
#include "support/fake_tls.hpp"
#include "support/manual_reactor.hpp"

#include <array>
#include <string>

namespace test_tls_transport {

using namespace mailquay;
using namespace mailquay_test;
using progress = tls_transport::progress;

struct fixture {
    explicit fixture(std::size_t output_bound = ~std::size_t{0})
        : secure(std::make_unique<scripted_transport>(over, 3), std::make_unique<fake_tls_stream>(alive, output_bound), rooms) {}

    fixture& established() {
        over->to_server.append(fake_hello).append(fake_done);
        REQUIRE(secure.handshake() == progress::established);
        over->from_server.clear();
        return *this;
    }
    void comes(std::string_view plain) { over->to_server += fake_turned(plain); }
    /// Reads once, with room for so many octets.
    std::string read(std::size_t octets, io_result& went) {
        std::string room(octets, '\0');
        went = secure.read_some(room);
        room.resize(went.octets);
        return room;
    }
    io_result write(std::string_view plain) { return secure.write_some({plain.data(), plain.size()}); }

    std::shared_ptr<wire> over = std::make_shared<wire>();
    std::shared_ptr<int> alive = std::make_shared<int>(0);
    cipher_rooms rooms;
    tls_transport secure;
    io_result how;
};

TEST_CASE("until the handshake begins octets pass in clear", "[server][tls]") {
    fixture at;
    CHECK(at.write("220 Go ahead\r\n").octets == 14);
    CHECK(at.over->from_server == "220 Go ahead\r\n");
    at.over->to_server = "NOOP\r\n";
    CHECK(at.read(100, at.how) == "NOOP\r\n");
    CHECK(at.secure.native_handle() == 3);
}

TEST_CASE("the handshake goes on as far as octets reach, in pieces of any size", "[server][tls]") {
    fixture at;
    CHECK(at.secure.handshake() == progress::waits);
    std::string const all = std::string(fake_hello) + std::string(fake_done);
    for (std::size_t i = 0; i < all.size(); ++i) {
        at.over->to_server += all[i];
        auto const now = at.secure.handshake();
        CHECK((now == progress::established) == (i + 1 == all.size()));
    }
    CHECK(at.over->from_server == fake_welcome);
    CHECK(at.secure.info().protocol == "FAKE");
}

TEST_CASE("no octet of plain text passes during the handshake", "[server][tls]") {
    fixture at;
    at.secure.handshake();
    at.over->to_server = fake_hello;
    at.read(10, at.how);
    CHECK(at.how.status == io_status::would_block);
    CHECK(at.over->to_server == fake_hello);
    CHECK(at.write("220\r\n").status == io_status::would_block);
}

TEST_CASE("what came with the last octets of the handshake is not lost", "[server][tls]") {
    fixture at;
    at.over->to_server = std::string(fake_hello) + std::string(fake_done) + fake_turned("EHLO c\r\n");
    REQUIRE(at.secure.handshake() == progress::established);
    CHECK(at.secure.may_hold_input());
    CHECK(at.read(100, at.how) == "EHLO c\r\n");
    CHECK_FALSE(at.how.more);
}

TEST_CASE("a failed handshake sends its alert; what the peer still sends is read to be dropped", "[server][tls]") {
    fixture at;
    at.over->to_server = "EHLO c\r\n";
    CHECK(at.secure.handshake() == progress::failed);
    CHECK(at.secure.failure() == std::errc::protocol_error);
    CHECK(at.over->from_server == fake_alert);
    at.over->to_server = "more";
    CHECK(at.read(10, at.how) == "more");
    CHECK(at.write("x").status == io_status::error);
}

TEST_CASE("a peer that goes away during the handshake is told apart", "[server][tls]") {
    fixture at;
    at.over->to_server = fake_hello;
    at.secure.handshake();
    SECTION("it ends") { at.over->client_ended = true; }
    SECTION("it breaks") { at.over->reset = true; }
    CHECK(at.secure.handshake() == progress::peer_gone);
}

TEST_CASE("a wire without room holds the handshake up, and no octet is lost", "[server][tls]") {
    fixture at;
    at.over->room = 3;
    at.over->to_server = fake_hello;
    CHECK(at.secure.handshake() == progress::waits);
    CHECK(at.secure.owes());
    at.over->room = wire::everything;
    at.over->to_server = fake_done;
    CHECK(at.secure.handshake() == progress::established);
    CHECK(at.over->from_server == fake_welcome);
    CHECK_FALSE(at.secure.owes());
}

TEST_CASE("one read takes all that the wire brought", "[server][tls]") {
    fixture at;
    at.established().comes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    CHECK(at.read(1000, at.how) == "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    CHECK_FALSE(at.how.more);
    CHECK(at.over->reads == 2);
    at.read(1000, at.how);
    CHECK(at.how.status == io_status::would_block);
}

TEST_CASE("a read that fills its room says so, and the rest comes without readiness", "[server][tls]") {
    fixture at;
    at.established().comes(std::string(100, 'x'));
    std::string all;
    unsigned reads = 0;
    do {
        all += at.read(16, at.how);
        ++reads;
    } while (at.how.status == io_status::ok && (at.how.octets == 16 || at.how.more));
    CHECK(all == std::string(100, 'x'));
    CHECK(reads <= 8);
}

TEST_CASE("the end of a stream: close_notify, or the wire", "[server][tls]") {
    fixture at;
    at.established().comes("QUIT\r\n");
    bool const clean = GENERATE(true, false);
    if (clean) at.over->to_server += fake_goodbye;
    else at.over->client_ended = true;
    CHECK(at.read(100, at.how) == "QUIT\r\n");
    if (clean) CHECK(at.how.more);  // nothing will raise readiness any more
    at.read(100, at.how);
    CHECK(at.how.status == io_status::end);
}

TEST_CASE("octets that do not decrypt end the connection, behind those that did", "[server][tls]") {
    fixture at;
    at.established().comes("NOOP\r\n");
    at.over->to_server += "in clear";
    CHECK(at.read(100, at.how) == "NOOP\r\n");
    CHECK(at.how.more);
    at.read(100, at.how);
    CHECK(at.how.status == io_status::error);
    CHECK(at.over->from_server == fake_alert);
    CHECK(at.write("x").status == io_status::error);
}

TEST_CASE("a write counts when its cipher text is out", "[server][tls]") {
    fixture at;
    at.established();
    std::string const replies = "250 One\r\n250 Two\r\n";
    at.over->room = 5;
    CHECK(at.write(replies).status == io_status::would_block);
    CHECK(at.secure.owes());
    at.over->room = 4;
    CHECK(at.write(replies).status == io_status::would_block);
    at.over->room = wire::everything;
    CHECK(at.write(replies + "250 Three\r\n").octets == replies.size());
    CHECK(at.over->from_server == fake_turned(replies));
    CHECK(at.write("250 Three\r\n").octets == 11);
    CHECK(at.over->from_server == fake_turned(replies + "250 Three\r\n"));
}

TEST_CASE("an engine that takes a little at a time is given the rest", "[server][tls]") {
    fixture at{8};
    at.established();
    std::string_view left = "250 a reply longer than that\r\n";
    while (!left.empty()) {
        auto const sent = at.write(left);
        REQUIRE(sent.status == io_status::ok);
        REQUIRE(sent.octets > 0);
        left.remove_prefix(sent.octets);
    }
    CHECK(at.over->from_server == fake_turned("250 a reply longer than that\r\n"));
}

TEST_CASE("the last words and close_notify leave in one write", "[server][tls]") {
    fixture at;
    at.established();
    auto const before = at.over->writes;
    at.secure.last_words();
    CHECK(at.write("221 bye\r\n").octets == 9);
    CHECK(at.over->from_server == fake_turned("221 bye\r\n") + fake_goodbye);
    CHECK(at.over->writes == before + 1);
    at.secure.close();
    CHECK(at.over->from_server == fake_turned("221 bye\r\n") + fake_goodbye);
    CHECK(at.over->closed);
}

TEST_CASE("last words that the wire does not take at once are said again, once", "[server][tls]") {
    fixture at;
    at.established();
    at.secure.last_words();
    at.over->room = 4;
    CHECK(at.write("221 bye\r\n").status == io_status::would_block);
    at.over->room = wire::everything;
    CHECK(at.write("221 bye\r\n").octets == 9);
    CHECK(at.over->from_server == fake_turned("221 bye\r\n") + fake_goodbye);
    CHECK(at.write("more").status == io_status::error);
}

TEST_CASE("a half-close says close_notify first; what comes then is dropped as it is", "[server][tls]") {
    fixture at;
    at.established();
    at.secure.close_write();
    CHECK(at.over->from_server == std::string{fake_goodbye});
    CHECK(at.over->half_closed);
    at.comes("x");
    CHECK(at.read(10, at.how) == fake_turned("x"));
}

TEST_CASE("a probe sees octets that were taken from the wire already", "[server][tls]") {
    fixture at;
    at.over->to_server = std::string(fake_hello) + std::string(fake_done) + fake_turned("NOOP\r\n");
    at.secure.handshake();
    CHECK(at.secure.probe() == io_status::ok);
    at.read(100, at.how);
    CHECK(at.secure.probe() == io_status::would_block);
    at.over->reset = true;
    CHECK(at.secure.probe() == io_status::error);
}

TEST_CASE("a probe sees plain text that a full read left in the engine, all cipher text used up", "[server][tls]") {
    fixture at;
    at.established();
    at.over->to_server = fake_record_of(std::string(20, 'x'));
    CHECK(at.read(16, at.how) == std::string(16, 'x'));
    CHECK(at.over->to_server.empty());
    CHECK(at.secure.probe() == io_status::ok);
    CHECK(at.read(16, at.how) == "xxxx");
    CHECK(at.secure.probe() == io_status::would_block);
}

TEST_CASE("a wire that breaks at any operation is an error, not a hang", "[server][tls]") {
    for (unsigned broken = 1; broken < 12; ++broken) {
        fixture at;
        at.over->fail_at = broken;
        at.over->to_server = std::string(fake_hello) + std::string(fake_done);
        auto const shaken = at.secure.handshake();
        if (shaken != progress::established) {
            CHECK(shaken == progress::peer_gone);
            continue;
        }
        at.comes("NOOP\r\n");
        bool failed = false;
        for (int i = 0; i < 6 && !failed; ++i) {
            at.read(100, at.how);
            failed = at.how.status == io_status::error;
            if (!failed) failed = at.write("250 OK\r\n").status == io_status::error;
        }
        CHECK((failed || broken > 8));
    }
}

}  // namespace test_tls_transport
