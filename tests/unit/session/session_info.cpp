#include <mailquay/session/session_info.hpp>

#include "support/catch.hpp"

#include <utility>

namespace test_session_info {

using namespace mailquay;

TEST_CASE("a fresh connection knows its addresses and nothing else", "[session_info]") {
    ip_endpoint const peer{*ip_address::parse("192.0.2.1"), 1234};
    ip_endpoint const local{*ip_address::parse("192.0.2.25"), 25};
    session_info const info{peer, local};
    CHECK(info.socket_peer() == peer);
    CHECK(info.client() == peer);
    CHECK(info.local() == local);
    CHECK(info.source() == address_source::socket);
    CHECK(info.hello_name().empty());
    CHECK_FALSE(info.extended());
    CHECK_FALSE(info.secure());
    CHECK(info.tls() == nullptr);
    CHECK_FALSE(info.authenticated());
    CHECK(info.user().empty());
    CHECK(info.id().empty());
    CHECK(info.verified_ptr().empty());
}

TEST_CASE("the effective client may differ from the socket's peer", "[session_info]") {
    session_info info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}};
    info.set_client({*ip_address::parse("198.51.100.7"), 2}, address_source::proxy);
    CHECK(info.client().address == *ip_address::parse("198.51.100.7"));
    CHECK(info.socket_peer().address == *ip_address::parse("192.0.2.1"));
    CHECK(info.source() == address_source::proxy);
}

TEST_CASE("whoever is named as the client, the socket's peer stays the same", "[session_info]") {
    ip_endpoint const peer{*ip_address::parse("192.0.2.1"), 1};
    session_info info{peer, {}};
    info.set_client(peer, address_source::local);
    CHECK(info.socket_peer() == peer);
    info.set_client({*ip_address::parse("198.51.100.7"), 2}, address_source::proxy);
    info.set_client({*ip_address::parse("203.0.113.9"), 3}, address_source::xclient);
    CHECK(info.socket_peer() == peer);
    CHECK(info.begun_anew().socket_peer() == peer);
    CHECK(info.begun_anew().client() == info.client());
    CHECK(info.begun_anew().source() == address_source::xclient);
    info.forget_session();
    CHECK(info.socket_peer() == peer);
    info.set_client(peer, address_source::xclient);
    CHECK(info.socket_peer() == peer);
    CHECK(info.client() == peer);
}

TEST_CASE("the id has twelve letters", "[session_info]") {
    session_info info;
    info.set_id("0K3V9XQ2M4TB");
    CHECK(info.id() == "0K3V9XQ2M4TB");
    info.set_id("");
    CHECK(info.id().empty());
}

TEST_CASE("whatever a trace field tells of the client makes another version", "[session_info]") {
    session_info info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}};
    auto version = info.version();
    auto const changed = [&] { return std::exchange(version, info.version()) != info.version(); };
    info.set_hello("client.example", true);
    CHECK(changed());
    info.set_user("alice");
    CHECK(changed());
    info.set_claimed_user("alice");
    CHECK(changed());
    info.set_verified_ptr("mail.client.example");
    CHECK(changed());
    info.set_tls({});
    CHECK(changed());
    info.set_client({*ip_address::parse("198.51.100.7"), 2}, address_source::proxy);
    CHECK(changed());
    info.forget_session();
    CHECK(changed());
    info = info.begun_anew();
    CHECK(changed());
}

TEST_CASE("STARTTLS forgets what the client said, not who he is", "[session_info]") {
    int owner = 0;
    session_info info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}};
    info.set_hello("client.example", true);
    info.set_user("alice");
    info.set_verified_ptr("mail.client.example");
    info.slot<int>(&owner) = 1;
    info.connection_slot<int>(&owner) = 2;
    info.set_id("0K3V9XQ2M4TB");

    info.forget_session();

    CHECK(info.hello_name().empty());
    CHECK_FALSE(info.extended());
    CHECK_FALSE(info.authenticated());
    CHECK(info.user().empty());
    CHECK(info.slot<int>(&owner) == 0);
    CHECK(info.connection_slot<int>(&owner) == 2);
    CHECK(info.verified_ptr() == "mail.client.example");
    CHECK(info.id() == "0K3V9XQ2M4TB");
    CHECK(info.client().address == *ip_address::parse("192.0.2.1"));
}

TEST_CASE("TLS facts are there once the handshake is complete", "[session_info]") {
    session_info info;
    tls_info facts;
    facts.protocol = "TLSv1.3";
    info.set_tls(facts);
    CHECK(info.secure());
    REQUIRE(info.tls() != nullptr);
    CHECK(info.tls()->protocol == "TLSv1.3");
    info.forget_session();
    CHECK(info.secure());
}

TEST_CASE("TLS of before is not the client's once another named him, until a handshake of his own", "[session_info]") {
    session_info info;
    CHECK_FALSE(info.tls_is_the_clients());
    tls_info facts;
    facts.client_verified = true;
    info.set_tls(facts);
    CHECK(info.tls_is_the_clients());

    session_info named = info.begun_anew();
    CHECK(named.secure());
    CHECK(named.tls()->client_verified);
    CHECK_FALSE(named.tls_is_the_clients());
    CHECK_FALSE(named.begun_anew().tls_is_the_clients());
    named.forget_session();
    CHECK_FALSE(named.tls_is_the_clients());

    named.set_tls(facts);
    CHECK(named.tls_is_the_clients());
}

}  // namespace test_session_info
