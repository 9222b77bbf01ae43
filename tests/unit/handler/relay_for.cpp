#include <mailquay/handler/relay_for.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>
#include <string>

namespace test_relay_for {

using namespace mailquay;

session_info client(std::string_view address, address_source from = address_source::socket) {
    ip_endpoint const peer{address.empty() ? ip_address{} : *ip_address::parse(address), 1234};
    session_info made{peer, {}, from};
    return made;
}

}  // namespace test_relay_for

using mailquay::address_source;
using mailquay::relay_for;
using test_relay_for::client;

TEST_CASE("authenticated clients relay wherever they come from, others do not", "[handler][relay_for]") {
    relay_for const relay{mailquay::authenticated};
    auto user = client("", address_source::local);

    CHECK_FALSE(relay.relays(user));
    user.set_user("alice");
    CHECK(relay.relays(user));
    CHECK_FALSE(relay.relays(client("127.0.0.1")));
    user.forget_session();
    CHECK_FALSE(relay.relays(user));
}

TEST_CASE("a network matches the effective address, from a source that can be trusted", "[handler][relay_for]") {
    relay_for const relay{"192.0.2.0/24", "2001:db8::/32"};

    for (auto from : {address_source::socket, address_source::proxy, address_source::xclient}) {
        CHECK(relay.relays(client("192.0.2.7", from)));
        CHECK(relay.relays(client("2001:db8::7", from)));
        CHECK(relay.relays(client("::ffff:192.0.2.7", from)));
        CHECK_FALSE(relay.relays(client("192.0.3.7", from)));
        CHECK_FALSE(relay.relays(client("", from)));
    }
    for (auto from : {address_source::local, address_source::direct, address_source::health_check})
        CHECK_FALSE(relay.relays(client("192.0.2.7", from)));

    auto proxied = client("192.0.2.7");
    proxied.set_client({*mailquay::ip_address::parse("203.0.113.1"), 1}, address_source::proxy);
    CHECK_FALSE(relay.relays(proxied));
}

TEST_CASE("an authenticated user is nobody to a list of networks", "[handler][relay_for]") {
    relay_for const relay{"192.0.2.0/24"};
    auto user = client("203.0.113.1");
    user.set_user("alice");
    CHECK_FALSE(relay.relays(user));
}

TEST_CASE("loopback is trusted only where it is named", "[handler][relay_for]") {
    CHECK_FALSE(relay_for{"0.0.0.0/0", "::/0"}.relays(client("127.0.0.1")));
    CHECK_FALSE(relay_for{"0.0.0.0/0", "::/0"}.relays(client("::1")));
    CHECK_FALSE(relay_for{"126.0.0.0/7"}.relays(client("127.0.0.1")));
    CHECK(relay_for{"0.0.0.0/0", "127.0.0.1"}.relays(client("127.0.0.1")));
    CHECK_FALSE(relay_for{"0.0.0.0/0", "127.0.0.1"}.relays(client("127.0.0.2")));
    CHECK(relay_for{"127.0.0.0/8"}.relays(client("127.9.9.9")));
    CHECK(relay_for{"127.0.0.0/8"}.relays(client("::ffff:127.0.0.1")));
    CHECK(relay_for{"::ffff:127.0.0.0/104"}.relays(client("127.0.0.1")));
    CHECK(relay_for{"::1"}.relays(client("::1")));
    CHECK_FALSE(relay_for{"::1"}.relays(client("127.0.0.1")));
}

TEST_CASE("whoever relays is accepted for any domain, all others are passed", "[handler][relay_for]") {
    relay_for relay{"192.0.2.0/24"};
    mailquay_test::made_transaction given;
    given.to("anyone@anywhere.example");

    CHECK(relay.validate(given.mail, given.last()).value().passes());
    given.client.set_client({*mailquay::ip_address::parse("192.0.2.1"), 1}, address_source::xclient);
    auto const said = relay.validate(given.mail, given.last()).value();
    CHECK(said.accepts());
    CHECK_FALSE(said.resolves());
}

TEST_CASE("a bad network is refused at start, naming it", "[handler][relay_for]") {
    for (std::string_view bad : {"", "192.0.2.0/33", "192.0.2.1/24", "localhost", "192.0.2"}) {
        CAPTURE(bad);
        std::string said;
        try {
            relay_for{bad};
        } catch (std::invalid_argument const& wrong) {
            said = wrong.what();
        }
        CHECK(said.find("relay_for: \"" + std::string(bad) + "\"") == 0);
    }
}

TEST_CASE("networks that overlap trusted proxies are a problem at start", "[handler][relay_for]") {
    relay_for const relay{"192.0.2.0/24"};
    mailquay::network_set const apart{"198.51.100.0/24"}, within{"192.0.2.9"};

    CHECK(problems(relay, apart, apart).empty());
    auto const proxy = problems(relay, within, apart);
    REQUIRE(proxy.size() == 1);
    CHECK(proxy[0].find("trusted_proxies") != std::string::npos);
    auto const both = problems(relay, within, within);
    REQUIRE(both.size() == 2);
    CHECK(both[1].find("trusted_xclient") != std::string::npos);
    CHECK(problems(relay_for{mailquay::authenticated}, within, within).empty());
}
