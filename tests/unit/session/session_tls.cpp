// STARTTLS as the host sees it; what the client sees is in tests/conversations/starttls.

#include <mailquay/session/extensions/starttls.hpp>
#include <mailquay/session/session.hpp>

#include "support/catch.hpp"
#include "support/script.hpp"

namespace test_session_tls {

using namespace mailquay;
using namespace mailquay_test;

script with_starttls() {
    script talk;
    talk.config.extensions.add(std::make_shared<extensions::starttls>());
    return talk;
}

TEST_CASE("after STARTTLS the host is told how many octets in clear were dropped", "[session][tls]") {
    script talk = with_starttls();
    talk.client("EHLO c").server("250");
    talk.octets("STARTTLS\r\nNOOP\r\nRS").server("220 2.0.0").check([](session_host const& host) {
        CHECK(host.events().back() == "handshake_due 8");
    });
    talk.handshake_done().client("NOOP").server("250 2.0.0");
    talk.run_whole();
}

TEST_CASE("what the client said is forgotten by STARTTLS; its address and the connection's slots stay", "[session][tls]") {
    static int owner;
    script talk = with_starttls();
    talk.hooks.on_connect = [](session_info& client) {
        client.slot<int>(&owner) = 1;
        client.connection_slot<int>(&owner) = 2;
        return accept();
    };
    talk.client("EHLO c").server("250");
    talk.client("STARTTLS").server("220 2.0.0");
    talk.handshake_done({.protocol = "TLSv1.2", .cipher = "C"}).check([](session_host const& host) {
        session_info const& client = const_cast<session_host&>(host).talk().info();
        CHECK(client.hello_name().empty());
        CHECK_FALSE(client.extended());
        CHECK(client.slot<int>(&owner) == 0);
        CHECK(client.connection_slot<int>(&owner) == 2);
        CHECK(client.client().address == *ip_address::parse("192.0.2.1"));
        REQUIRE(client.secure());
        CHECK(client.tls()->cipher == "C");
    });
    talk.client("EHLO d").server("250");
    talk.run_every_way();
}

TEST_CASE("a message that came under TLS says so in its Received field", "[session][tls]") {
    script talk = with_starttls();
    talk.client("EHLO c").server("250");
    talk.client("STARTTLS").server("220 2.0.0");
    talk.handshake_done({.protocol = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256", .group = "x25519"});
    talk.client("EHLO c").server("250");
    talk.client("MAIL FROM:<a@b>").server("250").client("RCPT TO:<c@d>").server("250").client("DATA").server("354");
    talk.client(".").server("250").messages(1).check([](session_host const& host) {
        std::string const& field = host.messages()[0].received;
        CHECK(field.find("with ESMTPS") != std::string::npos);
        CHECK(field.find("tls TLS_AES_128_GCM_SHA256") != std::string::npos);
        CHECK(field.find("x25519") != std::string::npos);
    });
    talk.run_every_way();
}

TEST_CASE("a host that does not answer STARTTLS in time: 454, and the session goes on in clear", "[session][tls][time]") {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions.add(std::make_shared<extensions::starttls>());
    session_memory memory;
    session talk{config, session_info{}, memory};
    auto const start = session::time_point{std::chrono::hours{1}};
    auto const all_out = [&] {
        std::string const said{talk.output()};
        talk.output_sent(said.size());
        return said;
    };
    talk.time_is(start);
    talk.answer(std::get<connected>(*talk.next_event()).ticket, accept());
    std::string hello = "EHLO c\r\n";
    talk.feed(hello);
    talk.answer(std::get<greeted>(*talk.next_event()).ticket, accept());
    all_out();
    std::string command = "STARTTLS\r\n";
    talk.feed(command);
    auto const asked = std::get<tls_requested>(*talk.next_event()).ticket;

    talk.time_is(start + std::chrono::seconds{60});

    CHECK(std::get<withdrawn>(*talk.next_event()).ticket == asked);
    CHECK_FALSE(talk.next_event());
    CHECK(all_out().starts_with("454 4.7.0 "));
    CHECK_FALSE(talk.securing());
    talk.answer(asked, accept());
    CHECK_FALSE(talk.securing());
    CHECK(talk.wants_input());
}

}  // namespace test_session_tls
