// Who the client is: what XCLIENT and XFORWARD leave in session_info and transaction.
#include <mailquay/session/session.hpp>

#include <mailquay/session/extensions/xclient.hpp>
#include <mailquay/session/extensions/xforward.hpp>

#include "support/catch.hpp"
#include "support/script.hpp"

namespace test_peer_changed {

using namespace mailquay;
using namespace mailquay_test;

struct slot_value {
    int number = 0;
};

script trusting() {
    script talk;
    talk.config.extensions.add(std::make_shared<extensions::xclient>(network_set{"192.0.2.1"}));
    talk.config.extensions.add(std::make_shared<extensions::xforward>(network_set{"192.0.2.1"}));
    return talk;
}

/// Only `session_host::talk()` is not const; a check looks only.
session_info const& info_of(session_host const& host) { return const_cast<session_host&>(host).talk().info(); }

TEST_CASE("XCLIENT makes another client of this one; socket, id and TLS stay, slots and names go", "[session][xclient]") {
    script talk = trusting();
    static int const owner = 0;
    auto const id = std::make_shared<std::string>();
    talk.make_info = [make = talk.make_info] {
        auto info = make();
        info.set_tls({.protocol = "TLSv1.3", .client_identity = "CN=filter"});
        info.set_verified_ptr("filter.example.net");
        info.slot<slot_value>(&owner).number = 1;
        info.connection_slot<slot_value>(&owner).number = 2;
        return info;
    };
    talk.check([id](session_host const& host) { *id = info_of(host).id(); });
    talk.client("EHLO filter.example.net").server("250");
    talk.client("XCLIENT ADDR=198.51.100.7 PORT=4321 DESTADDR=198.51.100.25 DESTPORT=587 REVERSE_NAME=r.example.com PROTO=ESMTP "
                "HELO=mail.example.com")
        .expect<peer_changed>()
        .server("220 mx.example.org");
    talk.check([id](session_host const& host) {
        session_info const& info = info_of(host);
        expect_that(info.client().to_string() == "198.51.100.7:4321", "client");
        expect_that(info.source() == address_source::xclient, "source");
        expect_that(info.local().to_string() == "198.51.100.25:587", "local");
        expect_that(info.socket_peer().to_string() == "192.0.2.1:40000", "socket peer");
        expect_that(info.id() == *id, "id");
        expect_that(info.tls() != nullptr && info.tls()->client_identity == "CN=filter", "TLS");
        expect_that(info.verified_ptr().empty(), "the name of another address");
        expect_that(info.reverse_name() == "r.example.com", "reverse name");
        expect_that(info.hello_name() == "mail.example.com" && info.extended(), "HELO and PROTO");
        expect_that(info.slot<slot_value>(&owner).number == 0, "session slot");
        expect_that(info.connection_slot<slot_value>(&owner).number == 0, "connection slot");
    });
    talk.run_every_way();
}

TEST_CASE("a refused XCLIENT leaves the client as it was", "[session][xclient]") {
    script talk = trusting();
    talk.make_info = [make = talk.make_info] {
        auto info = make();
        info.set_user("bob");
        return info;
    };
    talk.client("EHLO filter.example.net").server("250");
    talk.client("XCLIENT ADDR=198.51.100.7 LOGIN=alice").expect<peer_changed>().answer(reject()).server("550 5.7.1");
    talk.check([](session_host const& host) {
        session_info const& info = info_of(host);
        expect_that(info.client().to_string() == "192.0.2.1:40000" && info.source() == address_source::socket, "client");
        expect_that(info.user() == "bob" && info.claimed_user().empty(), "user");
        expect_that(info.hello_name() == "filter.example.net", "hello");
    });
    talk.run_every_way();
}

TEST_CASE("LOGIN is noted, and authenticates where that is trusted; Received says ESMTPA for both", "[session][xclient]") {
    bool const trusted = GENERATE(false, true);
    script talk = trusting();
    talk.config.trusted_xclient_login = trusted;
    talk.client("XCLIENT LOGIN=alice NAME=mail.example.com ADDR=198.51.100.7").server("220");
    talk.check([trusted](session_host const& host) {
        session_info const& info = info_of(host);
        expect_that(info.claimed_user() == "alice", "claimed");
        expect_that(info.authenticated() == trusted, "authenticated");
        expect_that(info.user() == (trusted ? "alice" : ""), "user");
    });
    talk.client("EHLO mail.example.com").server("250");
    talk.client("MAIL FROM:<a@example.com>").client("RCPT TO:<b@example.org>").client("DATA").server("250").server("250").server("354");
    talk.client("hi").client(".").server("250");
    talk.check([](session_host const& host) {
        std::string const& field = host.messages().at(0).received;
        expect_that(field.find("with ESMTPA ") != std::string::npos, field);
        expect_that(field.find("mail.example.com (mail.example.com [198.51.100.7])") != std::string::npos, field);
    });
    talk.run_whole();
}

TEST_CASE("XFORWARD belongs to the next transaction and to no other", "[session][xforward]") {
    script talk = trusting();
    std::vector<std::string> seen;
    talk.hooks.on_mail = [&seen](transaction const& mail) {
        seen.push_back(mail.forwarded() != nullptr ? mail.forwarded()->address : "-");
        return mail.reverse_path().wire == "no@example.com" ? reject() : accept();
    };
    talk.hooks.on_complete = [&seen](transaction const& mail, std::string_view) {
        seen.push_back(mail.forwarded() != nullptr ? mail.forwarded()->ident : "-");
        return delivery{accept()};
    };
    auto const send = [&talk] {
        talk.client("MAIL FROM:<a@example.com>").client("RCPT TO:<b@example.org>").client("DATA").server("250").server("250").server("354");
        talk.client("hi").client(".").server("250");
    };
    talk.client("EHLO filter.example.net").server("250");
    talk.client("XFORWARD ADDR=198.51.100.7").client("XFORWARD IDENT=abc").server("250").server("250");
    talk.client("MAIL FROM:<no@example.com>").server("550");  // no transaction: it waits for the next
    send();
    send();
    talk.client("XFORWARD ADDR=198.51.100.8").client("RSET").client("MAIL FROM:<a@example.com>").server("250").server("250").server("250");
    talk.check([](session_host const& host) {
        auto const& first = host.messages().at(0).mail.forwarded;
        expect_that(first && first->ident == "abc" && first->address == "198.51.100.7", "the envelope has it");
        expect_that(!host.messages().at(1).mail.forwarded, "the next has none");
    });
    talk.run_whole();
    CHECK(seen == std::vector<std::string>{"198.51.100.7", "198.51.100.7", "abc", "-", "-", "-"});
}

TEST_CASE("XFORWARD changes neither client nor trust", "[session][xforward]") {
    script talk = trusting();
    talk.client("EHLO filter.example.net").server("250");
    talk.client("XFORWARD ADDR=198.51.100.7 NAME=x.example.com HELO=y.example.com").server("250");
    talk.check([](session_host const& host) {
        session_info const& info = info_of(host);
        expect_that(info.client().to_string() == "192.0.2.1:40000" && info.source() == address_source::socket, "client");
        expect_that(info.verified_ptr().empty() && info.hello_name() == "filter.example.net", "names");
    });
    talk.client("XCLIENT NAME=x.example.com").server("220");
    talk.run_whole();
}

}  // namespace test_peer_changed
