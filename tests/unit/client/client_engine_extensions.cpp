#include <mailquay/client/client_engine.hpp>

#include "support/client_script.hpp"

#include <mailquay/base/base64.hpp>
#include <mailquay/base/idna.hpp>

#include <stdexcept>

/// What an engine makes of the extensions that a server announces, and what it does without them.
namespace test_client_engine_extensions {

using namespace mailquay_test;
using namespace std::chrono_literals;
using state = recipient_state;

inline outgoing_message mail() { return outgoing_message{"a@client.example", {"b@mx.example"}, "Subject: x\r\n\r\nhello\r\n"}; }

/// Sends step by step; checks MAIL and RCPT.
inline client_script& delivers(client_script& talk, std::string_view mail_line, std::string_view rcpt_line = "RCPT TO:<b@mx.example>") {
    talk.client(mail_line).server("250 ok").client(rcpt_line).server("250 ok").client("DATA").server("354 go");
    return talk.client("Subject: x\n\nhello\n.").server("250 2.0.0 ok");
}

TEST_CASE("DSN parameters go where DSN is announced, and else nowhere", "[client][engine][dsn]") {
    auto asks = mail();
    asks.requests.ret = dsn_return::headers;
    asks.requests.envid = "a+b";
    asks.recipients[0].requests.notify = dsn_notify::success | dsn_notify::delay;
    asks.recipients[0].requests.original = {"rfc822", "first@mx.example"};
    SECTION("announced") {
        client_script talk;
        talk.opening("DSN").send(asks);
        delivers(talk, "MAIL FROM:<a@client.example> RET=HDRS ENVID=a+2Bb",
                 "RCPT TO:<b@mx.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;first@mx.example");
        talk.run([](auto const& got) { CHECK(got[0].dsn_passed_on); });
    }
    SECTION("not announced") {
        client_script talk;
        talk.opening().send(asks);
        delivers(talk, "MAIL FROM:<a@client.example>");
        talk.run([](auto const& got) {
            CHECK(got.report.delivered());
            CHECK_FALSE(got[0].dsn_passed_on);
        });
    }
}

TEST_CASE("a message too large for the server is not offered", "[client][engine][size]") {
    client_script talk;
    talk.opening("SIZE 20").send(mail()).client_octets("");
    talk.run([](auto const& got) {
        CHECK(got[0].state == state::permanent);
        CHECK(got[0].status == "5.3.4");
        CHECK(got.ready);
    });
}

TEST_CASE("8-bit content to a server without 8BITMIME", "[client][engine][8bitmime]") {
    auto eight = mail();
    eight.body = body_type::eight_bit_mime;
    SECTION("with it") {
        client_script talk;
        talk.opening("8BITMIME").send(eight);
        delivers(talk, "MAIL FROM:<a@client.example> BODY=8BITMIME").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("fails by default") {
        client_script talk;
        talk.opening().send(eight).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.6.3"); });
    }
    SECTION("sent anyway where that is set") {
        hop_settings with;
        with.eight_bit = eight_bit_use::send_anyway;
        client_script talk{with};
        talk.opening().send(eight);
        delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("sent where there is nothing of 8 bits in it") {
        eight.facts.emplace();
        client_script talk;
        talk.opening().send(eight);
        delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
}

TEST_CASE("binary content without BINARYMIME goes only if it consists of lines", "[client][engine][binarymime]") {
    auto binary = mail();
    binary.body = body_type::binary_mime;
    SECTION("unknown content fails") {
        client_script talk;
        talk.opening("8BITMIME\nCHUNKING").send(binary).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.6.3"); });
    }
    SECTION("lines go as 8BITMIME") {
        binary.facts.emplace();
        client_script talk;
        talk.opening("8BITMIME").send(binary);
        delivers(talk, "MAIL FROM:<a@client.example> BODY=8BITMIME").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("bare line ends fail") {
        binary.facts.emplace();
        binary.facts->bare_line_ends = true;
        client_script talk;
        talk.opening("8BITMIME\nBINARYMIME").send(binary).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.6.3"); });
    }
}

TEST_CASE("UTF-8 goes only where SMTPUTF8 is announced", "[client][engine][smtputf8]") {
    auto utf8 = mail();
    utf8.smtputf8 = true;
    SECTION("announced") {
        utf8.recipients[0].address = "b\xc3\xb6""b@mx.example";
        client_script talk;
        talk.opening("SMTPUTF8").send(utf8);
        delivers(talk, "MAIL FROM:<a@client.example> SMTPUTF8", "RCPT TO:<b\xc3\xb6""b@mx.example>");
        talk.run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("asked for, but all is ASCII") {
        utf8.facts.emplace();
        client_script talk;
        talk.opening().send(utf8);
        delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("a header of UTF-8") {
        utf8.facts.emplace();
        utf8.facts->utf8_header = true;
        client_script talk;
        talk.opening().send(utf8).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.6.9"); });
    }
    SECTION("a header of UTF-8, and a recipient") {
        utf8.facts.emplace();
        utf8.facts->utf8_header = true;
        utf8.recipients.push_back({"b\xc3\xb6""b@mx.example", {}});
        client_script talk;
        talk.opening().send(utf8).client_octets("").run([](auto const& got) {
            CHECK(got[0].status == "5.6.9");
            CHECK(got[1].status == "5.6.7");
        });
    }
    SECTION("a recipient of UTF-8 fails alone; of a domain the A-label goes") {
        utf8.facts.emplace();
        utf8.recipients[0].address = "b\xc3\xb6""b@mx.example";
        utf8.recipients.push_back({"c@b\xc3\xbc""cher.example", {}});
        client_script talk;
        talk.opening().send(utf8);
        if (idna_built()) {
            delivers(talk, "MAIL FROM:<a@client.example>", "RCPT TO:<c@xn--bcher-kva.example>").run([](auto const& got) {
                CHECK(got[0].status == "5.6.7");
                CHECK(got[1].state == state::delivered);
            });
        }
    }
    SECTION("a sender of UTF-8") {
        utf8.reverse_path = "\xc3\xa4@client.example";
        client_script talk;
        talk.opening().send(utf8).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.6.7"); });
    }
}

TEST_CASE("DELIVERBY, MT-PRIORITY, FUTURERELEASE and RRVS go where they are announced", "[client][engine]") {
    auto asks = mail();
    asks.requests.by = deliver_by{120, by_mode::return_to_sender, true};
    asks.requests.priority = priority_request{-3, 5};
    asks.requests.hold = hold_request{{}, 60s};
    asks.recipients[0].requests.valid_since = valid_since{std::chrono::sys_seconds{}, rrvs_action::refuse};
    SECTION("announced") {
        client_script talk;
        talk.opening("DELIVERBY\nMT-PRIORITY\nFUTURERELEASE 100 2030-01-01T00:00:00Z\nRRVS").send(asks);
        delivers(talk, "MAIL FROM:<a@client.example> BY=120;RT MT-PRIORITY=-3 HOLDFOR=60", "RCPT TO:<b@mx.example> RRVS=1970-01-01T00:00:00Z;R");
        talk.run([](auto const& got) { CHECK(got[0].deliver_by_passed_on); });
    }
    SECTION("R to a hop without DELIVERBY fails") {
        client_script talk;
        talk.opening("RRVS").send(asks).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.4.7"); });
    }
    SECTION("N does not") {
        asks.requests.by->mode = by_mode::notify;
        client_script talk;
        talk.opening("RRVS").send(asks);
        delivers(talk, "MAIL FROM:<a@client.example>", "RCPT TO:<b@mx.example> RRVS=1970-01-01T00:00:00Z;R").run([](auto const& got) {
            CHECK(got.report.delivered());
            CHECK_FALSE(got[0].deliver_by_passed_on);
        });
    }
    SECTION("RRVS that demands a refusal") {
        asks.requests.by.reset();
        client_script talk;
        talk.opening().send(asks).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.7.19"); });
    }
}

TEST_CASE("REQUIRETLS goes only to a verified host with a secure name that announces it", "[client][engine][requiretls]") {
    auto asks = mail();
    asks.requests.requiretls = true;
    hop_settings with;
    with.verify = tls_verification::certificate;
    with.name_is_secure = true;
    auto const encrypted = [](client_script& talk, std::string_view second) -> client_script& {
        talk.opening("STARTTLS").client("STARTTLS").server("220 go").tls_established().client("EHLO client.example");
        return talk.server(second);
    };
    SECTION("all is well") {
        client_script talk{with};
        encrypted(talk, "250-mx.example\n250 REQUIRETLS").send(asks);
        delivers(talk, "MAIL FROM:<a@client.example> REQUIRETLS").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("not announced") {
        client_script talk{with};
        encrypted(talk, "250 mx.example").send(asks).client_octets("").run([](auto const& got) {
            CHECK(got[0].status == "5.7.30");
            CHECK(got.report.advice == hop_advice::try_another);
        });
    }
    SECTION("the name is not secure") {
        with.name_is_secure = false;
        client_script talk{with};
        encrypted(talk, "250-mx.example\n250 REQUIRETLS").send(asks).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.7.30"); });
    }
    SECTION("in clear") {
        with.verify = tls_verification::none;
        client_script talk{with};
        talk.opening("REQUIRETLS").send(asks).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.7.30"); });
    }
}

TEST_CASE("without PIPELINING one chunk goes at a time", "[client][engine][chunking]") {
    hop_settings with;
    with.chunking = chunking_use::where_offered;
    std::string const part(65536, 'x');
    std::string const chunk = "BDAT 65536\r\n" + part;
    auto message = mail();
    message.content = content_of(part + part + "\r\n");
    client_script talk{with};
    SECTION("not offered") { talk.opening("CHUNKING"); }
    SECTION("not wanted") {
        with.pipelining = false;
        talk = client_script{with};
        talk.opening("PIPELINING\nCHUNKING");
    }
    talk.send(message).client("MAIL FROM:<a@client.example>").server("250 ok").client("RCPT TO:<b@mx.example>").server("250 ok");
    talk.client_octets(chunk).server("250 ok").client_octets(chunk).server("250 ok").client("BDAT 2 LAST\n").server("250 2.0.0 taken");

    CHECK(talk.run_once().report.delivered());
}

TEST_CASE("replies to chunks behind a refused one are no answer to the next transaction", "[client][engine][chunking]") {
    hop_settings with;
    with.chunking = chunking_use::where_offered;
    std::string const part(65536, 'x');
    auto message = mail();
    message.recipients.push_back({"c@mx.example", {}});
    message.content = content_of(part + part + part + "\r\n");
    client_script talk{with};
    talk.opening("PIPELINING\nCHUNKING\nLIMITS RCPTMAX=1").send(message);
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
    std::string const chunk = "BDAT 65536\r\n" + part;
    talk.client_octets(chunk + chunk + chunk).server("452 4.3.1 full").client("RSET").server("503 x\n503 x").client_octets("").server("250 reset");
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<c@mx.example>").server("250 ok\n250 ok").client_octets(chunk + chunk + chunk);
    talk.server("250 ok\n250 ok\n250 ok").client("BDAT 2 LAST\n").server("250 2.0.0 taken");

    auto const got = talk.run_once();
    CHECK(got[0].state == state::temporary);
    CHECK(got[0].status == "4.3.1");
    CHECK(got[1].state == state::delivered);
    CHECK(got.ready);
}

TEST_CASE("what must be verified is not sent in clear, whatever is said of TLS", "[client][engine][tls]") {
    for (auto const verify : {tls_verification::certificate, tls_verification::dane}) {
        hop_settings with;
        with.tls = tls_use::off;
        with.verify = verify;
        client_script talk{with};
        talk.opening("STARTTLS").client_octets("").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::no_tls);
            CHECK((got.ended && !got.ready));
        });
    }
}

TEST_CASE("STARTTLS is used where it is offered, and EHLO said anew", "[client][engine][tls]") {
    client_script talk;
    talk.opening("STARTTLS\nSIZE 10").client("STARTTLS").server("220 go").client_octets("");
    SECTION("established") {
        talk.tls_established().client("EHLO client.example").server("250-mx.example\n250 CHUNKING").run([](auto const& got) {
            CHECK(got.ready);
            CHECK(got.report.tls);
            CHECK(got.report.server.verified);
            CHECK(got.report.offers.chunking);
            CHECK_FALSE(got.report.offers.size);
        });
    }
    SECTION("failed") {
        talk.tls_failed("no shared cipher", false).run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::tls_failed);
            CHECK(got.report.text == "no shared cipher");
            CHECK(got.ended);
        });
    }
    SECTION("the certificate is another's") {
        talk.tls_failed("hostname mismatch", true).run([](auto const& got) { CHECK(got.report.problem == hop_problem::not_verified); });
    }
    SECTION("no handshake in a minute") {
        talk.wait(1min).run([](auto const& got) { CHECK(got.report.problem == hop_problem::timed_out); });
    }
}

TEST_CASE("octets in clear behind the reply to STARTTLS end the connection", "[client][engine][tls][smuggling]") {
    client_script talk;
    talk.opening("STARTTLS").client("STARTTLS").server_octets("220 go\r\n250 injected\r\n");
    talk.run([](auto const& got) {
        CHECK(got.report.problem == hop_problem::tls_failed);
        CHECK(got.ended);
    });
}

TEST_CASE("without STARTTLS mail goes in clear only if TLS is no must", "[client][engine][tls]") {
    for (auto const& [use, verify, goes] : {std::tuple{tls_use::opportunistic, tls_verification::none, true},
                                            std::tuple{tls_use::required, tls_verification::none, false},
                                            std::tuple{tls_use::opportunistic, tls_verification::certificate, false},
                                            std::tuple{tls_use::off, tls_verification::none, true}}) {
        hop_settings with;
        with.tls = use;
        with.verify = verify;
        client_script absent{with};
        absent.opening();
        CHECK(absent.run_once().ready == goes);
        if (use == tls_use::off) continue;
        client_script refused{with};
        refused.opening("STARTTLS").client("STARTTLS").server("454 4.7.0 not now");
        auto const got = refused.run_once();
        CHECK(got.ready == goes);
        if (!goes) CHECK(got.report.problem == hop_problem::no_tls);
    }
}

TEST_CASE("implicit TLS comes before the greeting, and a PROXY header before both", "[client][engine][tls][proxy]") {
    hop_settings with;
    with.tls = tls_use::implicit;
    with.proxy.emplace();
    with.proxy->subject = proxy_subject::client;
    with.proxy->source = *ip_endpoint::parse("192.0.2.7:40000");
    with.proxy->destination = *ip_endpoint::parse("192.0.2.1:25");
    client_script talk{with};
    talk.client("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25").tls_established().server("220 hi").client("EHLO client.example").server("250 hi");
    talk.run([](auto const& got) { CHECK(got.ready); });
}

/// Speaks first or second, takes any challenge, believes the server or not.
struct made_credentials final : client_credentials {
    struct exchange final : client_exchange {
        explicit exchange(made_credentials const& from) : of(from) {}
        std::string_view mechanism() const noexcept override { return "PLAIN"; }
        std::optional<secret> first() override {
            if (of.speaks_first) return secret{std::string_view{of.answer}};
            return std::nullopt;
        }
        std::optional<secret> next(std::string_view challenge) override {
            if (challenge == "give up") return std::nullopt;
            return secret{std::string_view{of.answer}};
        }
        bool satisfied() const noexcept override { return of.believes; }
        made_credentials const& of;
    };
    std::unique_ptr<client_exchange> begin(std::span<std::string const> offered, sasl_channel const&) override {
        if (std::find(offered.begin(), offered.end(), "PLAIN") == offered.end()) return nullptr;
        return std::make_unique<exchange>(*this);
    }
    bool speaks_first = true;
    bool believes = true;
    std::string answer = "who";
};

TEST_CASE("AUTH is done before mail, or no mail is sent", "[client][engine][auth]") {
    auto const with_credentials = [](std::shared_ptr<made_credentials> given) {
        hop_settings with;
        with.credentials = std::move(given);
        with.credentials_in_clear = true;
        return with;
    };
    auto const credentials = std::make_shared<made_credentials>();
    SECTION("with an initial response, and AUTH= behind it") {
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH LOGIN PLAIN").client("AUTH PLAIN d2hv").server("235 2.7.0 welcome");
        auto asks = mail();
        asks.auth = "a+b@client.example";
        talk.send(asks);
        delivers(talk, "MAIL FROM:<a@client.example> AUTH=a+2Bb@client.example").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("AUTH= is not sent over a session without login") {
        client_script talk;
        auto asks = mail();
        asks.auth = "";
        talk.opening("AUTH PLAIN").send(asks);
        delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("behind challenges; an empty answer is an empty line, and as initial response \"=\"") {
        credentials->speaks_first = false;
        credentials->answer = "";
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH PLAIN").client("AUTH PLAIN").server("334 ").client("").server("334 dXNlcg==").client("").server("235 ok");
        talk.run([](auto const& got) { CHECK(got.ready); });
        credentials->speaks_first = true;
        client_script empty{with_credentials(credentials)};
        empty.opening("AUTH PLAIN").client("AUTH PLAIN =").server("235 ok").run([](auto const& got) { CHECK(got.ready); });
    }
    SECTION("a long initial response waits for the challenge") {
        credentials->answer = std::string(600, 'x');
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH PLAIN").client("AUTH PLAIN").server("334").client(base64_encode(credentials->answer)).server("235 ok");
        talk.run([](auto const& got) { CHECK(got.ready); });
    }
    SECTION("refused") {
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH PLAIN").client("AUTH PLAIN d2hv").server("535 5.7.8 no").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::authentication_failed);
            CHECK(got.report.reply.code == 535);
            CHECK(got.ended);
        });
    }
    SECTION("a server that did not prove itself is not believed") {
        credentials->believes = false;
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH PLAIN").client("AUTH PLAIN d2hv").server("235 ok").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::authentication_failed);
        });
    }
    SECTION("a challenge that is no base64, or that is given up at, is answered by a star") {
        for (std::string_view const challenge : {"334 %%%", "334 Z2l2ZSB1cA=="}) {
            client_script talk{with_credentials(credentials)};
            talk.opening("AUTH PLAIN").client("AUTH PLAIN d2hv").server(challenge).client("*").server("501 5.7.0 cancelled");
            talk.run([](auto const& got) { CHECK(got.report.problem == hop_problem::authentication_failed); });
        }
    }
    SECTION("challenges have an end") {
        client_script talk{with_credentials(credentials)};
        talk.opening("AUTH PLAIN").client("AUTH PLAIN d2hv");
        for (int i = 0; i < 10; ++i) talk.server("334 eA==").client("d2hv");
        talk.server("334 eA==").run([](auto const& got) { CHECK(got.report.problem == hop_problem::authentication_failed); });
    }
    SECTION("no mechanism fits, or none is offered") {
        client_script other{with_credentials(credentials)};
        other.opening("AUTH LOGIN").run([](auto const& got) { CHECK(got.report.problem == hop_problem::no_mechanism); });
        client_script none{with_credentials(credentials)};
        none.opening().run([](auto const& got) { CHECK(got.report.problem == hop_problem::no_mechanism); });
    }
    SECTION("credentials that throw are none") {
        struct throwing final : client_credentials {
            std::unique_ptr<client_exchange> begin(std::span<std::string const>, sasl_channel const&) override {
                throw std::runtime_error("no such hash");
            }
        };
        hop_settings with = with_credentials(credentials);
        with.credentials = std::make_shared<throwing>();
        client_script talk{with};
        talk.opening("AUTH PLAIN").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::no_mechanism);
            CHECK(got.report.text == "no such hash");
        });
    }
    SECTION("never in clear by default") {
        hop_settings with = with_credentials(credentials);
        with.credentials_in_clear = false;
        client_script talk{with};
        talk.opening("AUTH PLAIN").client_octets("").run([](auto const& got) { CHECK(got.report.problem == hop_problem::no_mechanism); });
    }
}

TEST_CASE("XFORWARD tells what is known before each message, in the attributes that are announced", "[client][engine][xforward]") {
    hop_settings with;
    with.xforward = true;
    client_script talk{with};
    auto from = mail();
    from.forwarded.emplace();
    from.forwarded->name = "a b";
    from.forwarded->address = "2001:db8::7";
    from.forwarded->source = forwarded_client::origin::remote;
    talk.opening("XFORWARD NAME ADDR SOURCE HELO").send(from);
    talk.client("XFORWARD NAME=a+20b ADDR=IPV6:2001:db8::7 HELO=[UNAVAILABLE] SOURCE=REMOTE").server("550 5.7.0 no");
    delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
}

TEST_CASE("XFORWARD goes in commands of 512 octets, one after the other where nothing may be pipelined", "[client][engine][xforward]") {
    hop_settings with;
    with.xforward = true;
    client_script talk{with};
    auto from = mail();
    from.forwarded.emplace();
    from.forwarded->name = std::string(300, 'n');
    from.forwarded->hello_name = std::string(250, 'h');
    talk.opening("XFORWARD NAME HELO").send(from).client("XFORWARD HELO=" + std::string(250, 'h')).server("250 ok");
    talk.client("XFORWARD NAME=" + std::string(255, 'n')).server("250 ok");
    delivers(talk, "MAIL FROM:<a@client.example>").run([](auto const& got) { CHECK(got.report.delivered()); });
}

TEST_CASE("XCLIENT speaks for another client, and begins anew", "[client][engine][xclient]") {
    hop_settings with;
    with.xclient.emplace();
    with.xclient->address = *ip_address::parse("192.0.2.7");
    with.xclient->port = 0;
    with.xclient->login = "al=ice";
    SECTION("announced") {
        client_script talk{with};
        talk.opening("XCLIENT NAME ADDR PORT LOGIN").client("XCLIENT ADDR=192.0.2.7 PORT=[UNAVAILABLE] LOGIN=al+3Dice").server("220 again");
        talk.client("EHLO client.example").server("250 mx.example").run([](auto const& got) { CHECK(got.ready); });
    }
    SECTION("refused") {
        client_script talk{with};
        talk.opening("XCLIENT ADDR").client("XCLIENT ADDR=192.0.2.7").server("550 5.7.0 no").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::refused);
        });
    }
    SECTION("not announced") {
        client_script talk{with};
        talk.opening().run([](auto const& got) { CHECK(got.report.problem == hop_problem::refused); });
    }
}

}  // namespace test_client_engine_extensions
