#include <mailquay/client/client_engine.hpp>

#include "support/client_script.hpp"

namespace test_client_engine {

using namespace mailquay_test;
using namespace std::chrono_literals;
using state = recipient_state;

outgoing_message mail_to(std::vector<std::string> to, std::string octets = "Subject: x\r\n\r\nhello\r\n") {
    return outgoing_message{"a@client.example", std::move(to), std::move(octets)};
}

constexpr char mail_line[] = "MAIL FROM:<a@client.example>";

TEST_CASE("a message is delivered step by step to a server without extensions", "[client][engine]") {
    client_script talk;
    talk.opening().send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client(mail_line).server("250 ok").client("RCPT TO:<b@mx.example>").server("250 ok");
    talk.client("RCPT TO:<c@mx.example>").server("250 ok").client("DATA").server("354 go");
    talk.client("Subject: x\n\nhello\n.").server("250 2.0.0 queued as 1");

    talk.run([](auto const& got) {
        CHECK(got.report.delivered());
        CHECK(got[0].reply.text == "queued as 1");
        CHECK(got[0].status == "2.0.0");
        CHECK(got[0].stage == send_stage::final_reply);
        CHECK(got.report.advice == hop_advice::done);
        CHECK(got.settled == std::vector<std::vector<std::size_t>>{{0, 1}});
        CHECK((got.ready && got.sent && !got.ended));
    });
}

TEST_CASE("commands travel in one group where PIPELINING is offered", "[client][engine]") {
    client_script talk;
    talk.opening("PIPELINING\nSIZE 1000000\n8BITMIME");
    talk.send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client("MAIL FROM:<a@client.example> SIZE=21\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
    talk.server("250 ok\n250 ok\n550 5.1.1 no such user\n354 go").client("Subject: x\n\nhello\n.").server("250 2.0.0 ok");

    talk.run([](auto const& got) {
        CHECK(got[0].state == state::delivered);
        CHECK(got[1].state == state::permanent);
        CHECK(got[1].stage == send_stage::recipient);
        CHECK(got[1].status == "5.1.1");
        CHECK(got.settled == std::vector<std::vector<std::size_t>>{{1}, {0}});
    });
}

TEST_CASE("lines that begin with a dot are stuffed and a missing last CRLF is added", "[client][engine]") {
    client_script talk;
    talk.opening().send(mail_to({"b@mx.example"}, ".\r\n..a\r\nb."));
    talk.client(mail_line).server("250 ok").client("RCPT TO:<b@mx.example>").server("250 ok").client("DATA").server("354 go");
    talk.client("..\n...a\nb.\n.").server("250 ok");

    talk.run([](auto const& got) { CHECK(got.report.delivered()); });
}

TEST_CASE("an empty message is sent as a dot", "[client][engine]") {
    client_script talk;
    talk.opening().send(mail_to({"b@mx.example"}, ""));
    talk.client(mail_line).server("250 ok").client("RCPT TO:<b@mx.example>").server("250 ok").client("DATA").server("354 go");
    talk.client(".").server("250 ok");

    talk.run([](auto const& got) { CHECK(got.report.delivered()); });
}

TEST_CASE("no valid recipient: RSET before DATA; a dot alone and RSET after a 354 that was not asked to come", "[client][engine]") {
    SECTION("step by step") {
        client_script talk;
        talk.opening().send(mail_to({"b@mx.example"}));
        talk.client(mail_line).server("250 ok").client("RCPT TO:<b@mx.example>").server("550 5.1.1 no").client("RSET").server("250 ok");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::permanent);
            CHECK((got.ready && got.sent));
        });
    }
    SECTION("pipelined, with 354 (RFC 2920 §3.1)") {
        client_script talk;
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n450 4.2.1 later\n354 go");
        talk.client(".\nRSET").server("554 no recipients\n250 ok");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[0].status == "4.2.1");
            CHECK((got.ready && got.sent));
        });
    }
    SECTION("pipelined, DATA refused") {
        client_script talk;
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n550 5.1.1 no\n503 5.5.1 no");
        talk.client("RSET").server("250 ok");
        talk.run([](auto const& got) { CHECK(got[0].status == "5.1.1"); });
    }
}

TEST_CASE("a refused MAIL decides for all recipients, whatever RCPT and DATA are answered", "[client][engine]") {
    client_script talk;
    talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
    talk.server("550 5.7.1 not you\n503 5.5.1 order\n250 ok\n503 5.5.1 order");

    talk.run([](auto const& got) {
        CHECK(got[0].status == "5.7.1");
        CHECK(got[1].status == "5.7.1");
        CHECK(got[1].stage == send_stage::mail);
        CHECK(got.ready);
        CHECK(got.mail_answered);
    });
}

TEST_CASE("a negative reply to DATA or the dot is that of all accepted recipients", "[client][engine]") {
    client_script talk;
    talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
    SECTION("DATA") {
        talk.server("250 ok\n550 5.1.1 no\n250 ok\n451 4.3.0 disk").client("RSET").server("250 ok");
        talk.run([](auto const& got) {
            CHECK(got[0].status == "5.1.1");
            CHECK(got[1].state == state::temporary);
            CHECK(got[1].stage == send_stage::data);
        });
    }
    SECTION("the dot") {
        talk.server("250 ok\n550 5.1.1 no\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server("554 5.6.0 spam");
        talk.run([](auto const& got) {
            CHECK(got[0].status == "5.1.1");
            CHECK(got[1].state == state::permanent);
            CHECK(got[1].status == "5.6.0");
            CHECK(got.ready);
        });
    }
}

TEST_CASE("recipients beyond the server's number go in a further transaction at once", "[client][engine]") {
    client_script talk;
    SECTION("452 4.5.3 after accepted ones") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
        talk.server("250 ok\n250 ok\n452 4.5.3 too many\n354 go").client("Subject: x\n\nhello\n.").server("250 one");
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<c@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("250 two");
        talk.run([](auto const& got) {
            CHECK(got.report.delivered());
            CHECK(got[0].reply.text == "one");
            CHECK(got[1].reply.text == "two");
        });
    }
    SECTION("LIMITS RCPTMAX") {
        talk.opening("PIPELINING\nLIMITS RCPTMAX=1").send(mail_to({"b@mx.example", "c@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("250 one").client("MAIL FROM:<a@client.example>\nRCPT TO:<c@mx.example>\nDATA");
        talk.server("250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server("250 two");
        talk.run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("LIMITS RCPTDOMAINMAX") {
        talk.opening("PIPELINING\nLIMITS RCPTDOMAINMAX=1").send(mail_to({"b@one.example", "c@two.example", "d@ONE.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@one.example>\nRCPT TO:<d@ONE.example>\nDATA");
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server("250 one");
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<c@two.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("250 two");
        talk.run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("MAILMAX leaves the rest untried, for another connection") {
        talk.opening("PIPELINING\nLIMITS RCPTMAX=1 MAILMAX=1").send(mail_to({"b@mx.example", "c@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("250 one");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::delivered);
            CHECK(got[1].state == state::untried);
            CHECK(got.report.problem == hop_problem::none);
            CHECK(got.sent);
        });
    }
    SECTION("452 to the first one is temporary, and a full mailbox is no matter of numbers") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example", "d@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nRCPT TO:<d@mx.example>\nDATA");
        talk.server("250 ok\n452 4.5.3 too many\n250 ok\n552 5.2.2 full\n354 go").client("Subject: x\n\nhello\n.").server("250 ok");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[1].state == state::delivered);
            CHECK(got[2].state == state::permanent);
        });
    }
}

TEST_CASE("domains that a server refuses beside another go in further transactions at once, one each", "[client][engine][domains]") {
    client_script talk;
    std::string const refusal = "451-4.3.0 Multiple destination domains per transaction is unsupported.  Please\n451 4.3.0 try again.";
    auto const taken_alone = [&talk](std::string const& recipients, std::string const& replies) {
        talk.client("MAIL FROM:<a@client.example>\n" + recipients + "\nDATA").server("250 ok\n" + replies + "\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("250 taken");
    };
    SECTION("also the next message's on that connection, which is not refused any more") {
        talk.opening("PIPELINING").send(mail_to({"b@one.example", "c@two.example", "d@three.example", "e@ONE.example", "f@two.example"}));
        taken_alone("RCPT TO:<b@one.example>\nRCPT TO:<c@two.example>\nRCPT TO:<d@three.example>\nRCPT TO:<e@ONE.example>\nRCPT TO:<f@two.example>",
                    "250 ok\n" + refusal + "\n" + refusal + "\n250 ok\n" + refusal);
        taken_alone("RCPT TO:<c@two.example>\nRCPT TO:<f@two.example>", "250 ok\n250 ok");
        taken_alone("RCPT TO:<d@three.example>", "250 ok");
        talk.send(mail_to({"b@one.example", "c@two.example"}));
        taken_alone("RCPT TO:<b@one.example>", "250 ok");
        taken_alone("RCPT TO:<c@two.example>", "250 ok");
        talk.run([](auto const& got) {
            CHECK(got.report.delivered());
            CHECK(got.ready);
        });
    }
    SECTION("where it refuses them alone as well they wait, and nothing is learned of the server") {
        talk.opening("PIPELINING").send(mail_to({"b@one.example", "c@two.example"}));
        taken_alone("RCPT TO:<b@one.example>\nRCPT TO:<c@two.example>", "250 ok\n450 4.2.0 greylisted");
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<c@two.example>\nDATA").server("250 ok\n450 4.2.0 greylisted\n554 no one").client("RSET").server("250 ok");
        talk.send(mail_to({"b@one.example", "c@two.example"}));
        taken_alone("RCPT TO:<b@one.example>\nRCPT TO:<c@two.example>", "250 ok\n250 ok");
        talk.run([](auto const& got) { CHECK(got.report.delivered()); });
    }
    SECTION("a server that took two of them has another reason") {
        talk.opening("PIPELINING").send(mail_to({"b@one.example", "c@two.example", "d@three.example", "e@one.example"}));
        taken_alone("RCPT TO:<b@one.example>\nRCPT TO:<c@two.example>\nRCPT TO:<d@three.example>\nRCPT TO:<e@one.example>",
                    "250 ok\n250 ok\n450 4.2.0 greylisted\n450 4.2.1 busy");
        talk.run([](auto const& got) {
            CHECK(got[1].state == state::delivered);
            CHECK(got[2].state == state::temporary);
            CHECK(got[2].status == "4.2.0");
            CHECK(got[3].state == state::temporary);
            CHECK(got.sent);
        });
    }
    SECTION("a message for all or none goes to none") {
        auto message = mail_to({"b@one.example", "c@two.example"});
        message.all_or_none = true;
        talk.opening("PIPELINING").send(message);
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@one.example>\nRCPT TO:<c@two.example>").server("250 ok\n250 ok\n451 4.3.0 not both");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[1].state == state::temporary);
            CHECK(got[1].status == "4.3.0");
        });
    }
}

TEST_CASE("a connection that ends tells how much is known", "[client][engine][fault]") {
    client_script talk;
    talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
    SECTION("before the reply to MAIL") {
        talk.close().run([](auto const& got) {
            CHECK(got[0].state == state::untried);
            CHECK(got.report.problem == hop_problem::connection_lost);
            CHECK(got.report.advice == hop_advice::try_another);
            CHECK_FALSE(got.mail_answered);
            CHECK((got.sent && got.ended));
        });
    }
    SECTION("before the content") {
        talk.server("250 ok\n550 5.1.1 no\n250 ok").close().run([](auto const& got) {
            CHECK(got[0].state == state::permanent);
            CHECK(got[1].state == state::untried);
            CHECK(got.report.advice == hop_advice::try_another);
        });
    }
    SECTION("after the dot: nobody knows") {
        talk.server("250 ok\n550 5.1.1 no\n250 ok\n354 go").client("Subject: x\n\nhello\n.").close().run([](auto const& got) {
            CHECK(got[0].state == state::permanent);
            CHECK(got[1].state == state::unknown);
            CHECK(got[1].stage == send_stage::final_reply);
            CHECK(got[1].status == "4.4.2");
            CHECK(got.report.advice == hop_advice::wait);
        });
    }
    SECTION("in the midst of the reply to the dot") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server_octets("250 o").close();
        talk.run([](auto const& got) { CHECK(got[0].state == state::unknown); });
    }
    SECTION("no reply to the dot in ten minutes") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").wait(10min - 1s);
        talk.wait(1s).run([](auto const& got) {
            CHECK(got[0].state == state::unknown);
            CHECK(got.report.problem == hop_problem::timed_out);
        });
    }
    SECTION("cancelled after the dot") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").abort().run([](auto const& got) {
            CHECK(got[1].state == state::unknown);
            CHECK(got.report.problem == hop_problem::cancelled);
        });
    }
}

TEST_CASE("LMTP: 354 for nobody leaves no way but closing", "[client][engine][lmtp]") {
    hop_settings with;
    with.protocol = dialect::lmtp;
    client_script talk{with};
    talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n550 5.1.1 no\n354 go").client_octets("");
    talk.run([](auto const& got) {
        CHECK(got[0].state == state::permanent);
        CHECK((got.sent && got.ended));
        CHECK(got.report.problem == hop_problem::none);
    });
}

TEST_CASE("a connection that ends within the content delivers nothing", "[client][engine][fault]") {
    client_script talk;
    talk.opening("PIPELINING").send(mail_to({"b@mx.example"}, std::string(300'000, 'x')));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
    SECTION("closed") {
        talk.close().run([](auto const& got) {
            CHECK(got[0].state == state::untried);
            CHECK(got.report.stage == send_stage::content);
            CHECK(got.report.advice == hop_advice::try_another);
        });
    }
    SECTION("refused: the reply counts, and the connection is not usable any more") {
        talk.server("552 5.3.4 too big").run([](auto const& got) {
            CHECK(got[0].state == state::permanent);
            CHECK(got[0].stage == send_stage::content);
            CHECK(got.ended);
            CHECK(got.rest.empty());
        });
    }
    SECTION("accepted before it was seen: that is no acceptance") {
        talk.server("250 2.0.0 thank you").run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got.ended);
        });
    }
    SECTION("no progress in three minutes") {
        talk.wait(3min).run([](auto const& got) {
            CHECK(got[0].state == state::untried);
            CHECK(got.report.problem == hop_problem::timed_out);
        });
    }
}

TEST_CASE("421 is temporary at any stage and ends the connection", "[client][engine][fault]") {
    client_script talk;
    SECTION("greeting") {
        talk.server("421 4.3.2 not now").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::refused);
            CHECK(got.report.stage == send_stage::greeting);
            CHECK(got.ended);
        });
    }
    SECTION("MAIL: an answer to the connection") {
        talk.opening().send(mail_to({"b@mx.example"})).client(mail_line).server("421 4.4.2 idle").run([](auto const& got) {
            CHECK(got[0].state == state::untried);
            CHECK(got.report.problem == hop_problem::refused);
            CHECK_FALSE(got.mail_answered);
        });
    }
    SECTION("RCPT") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
        talk.server("250 ok\n250 ok\n421 4.3.2 bye").run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[1].state == state::temporary);
            CHECK(got.report.advice == hop_advice::try_another);
        });
    }
    SECTION("the dot: an answer, not an unknown outcome") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("421 4.3.0 bye").run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[0].status == "4.3.0");
            CHECK(got.ended);
        });
    }
    SECTION("unasked, between messages") {
        talk.opening().server("421 4.4.2 idle").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::refused);
            CHECK(got.ended);
        });
    }
}

TEST_CASE("what is no reply is temporary and ends the connection", "[client][engine][fault]") {
    client_script talk;
    SECTION("greeting") {
        talk.server("SSH-2.0-OpenSSH").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::garbled_reply);
            CHECK(got.ended);
        });
    }
    SECTION("the dot") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").server("OK thank you").run([](auto const& got) {
            CHECK(got[0].state == state::unknown);
            CHECK(got[0].status == "4.5.0");
            CHECK(got.report.problem == hop_problem::garbled_reply);
            CHECK(got.report.advice == hop_advice::wait);  // the message may have been taken
        });
    }
    SECTION("a reply without end to the dot") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        std::string endless;
        for (int i = 0; i < 40'000; ++i) endless += "250-and on\r\n";
        auto const got = talk.client("Subject: x\n\nhello\n.").server_octets(endless).run_once();
        CHECK(got[0].state == state::unknown);
        CHECK(got.report.advice == hop_advice::wait);
    }
    SECTION("a reply without end") {
        std::string endless;
        for (int i = 0; i < 20'000; ++i) endless += "220-and on\r\n";
        talk.server_octets(endless + endless).run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::garbled_reply);
            CHECK(got.report.text == "a reply without end");
            CHECK(got.ended);
        });
    }
    SECTION("a reply that nothing asked for") {
        talk.opening().server("250 and another").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::garbled_reply);
            CHECK(got.ended);
        });
    }
    SECTION("250 to DATA") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n250 done");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::untried);
            CHECK(got.report.problem == hop_problem::garbled_reply);
        });
    }
}

TEST_CASE("a refused connection concerns the host, never the message", "[client][engine]") {
    client_script talk;
    SECTION("554 greeting") {
        talk.server("554 5.7.1 go away").run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::refused);
            CHECK(got.report.advice == hop_advice::try_another);
        });
    }
    SECTION("EHLO refused for good") {
        talk.server("220 hi").client("EHLO client.example").server("554 5.7.1 go away").run([](auto const& got) {
            CHECK(got.report.stage == send_stage::hello);
        });
    }
    SECTION("EHLO unknown: HELO") {
        talk.server("220 hi").client("EHLO client.example").server("502 5.5.1 what?").client("HELO client.example").server("250 hi");
        talk.run([](auto const& got) { CHECK(got.ready); });
    }
    SECTION("HELO announces nothing, whatever is in its reply") {
        talk.server("220 hi").client("EHLO client.example").server("500 what?").client("HELO client.example").server("250-hi\n250-PIPELINING\n250 SIZE 1");
        talk.run([](auto const& got) {
            CHECK(got.ready);
            CHECK_FALSE(got.report.offers.pipelining);
            CHECK_FALSE(got.report.offers.size);
        });
    }
    SECTION("HELO refused too") {
        talk.server("220 hi").client("EHLO client.example").server("500 what?").client("HELO client.example").server("500 what?");
        talk.run([](auto const& got) { CHECK(got.report.problem == hop_problem::refused); });
    }
    SECTION("no greeting in five minutes") {
        talk.wait(5min - 1ms).wait(1ms).run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::timed_out);
            CHECK(got.report.stage == send_stage::greeting);
        });
    }
}

TEST_CASE("a host with our own name gets no mail where that is asked for", "[client][engine]") {
    hop_settings with;
    with.refuse_own_name = true;
    SECTION("greeting") {
        client_script talk{with};
        talk.server("220 Client.example ESMTP").run([](auto const& got) { CHECK(got.report.problem == hop_problem::loops_back); });
    }
    SECTION("EHLO") {
        client_script talk{with};
        talk.server("220 x").client("EHLO client.example").server("250-client.example\n250 SIZE");
        talk.run([](auto const& got) { CHECK(got.report.problem == hop_problem::loops_back); });
    }
}

TEST_CASE("LMTP answers for each accepted recipient, in order", "[client][engine][lmtp]") {
    hop_settings with;
    with.protocol = dialect::lmtp;
    client_script talk{with};
    talk.opening("PIPELINING").send(mail_to({"b@mx.example", "c@mx.example", "d@mx.example", "e@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nRCPT TO:<d@mx.example>\n"
                "RCPT TO:<e@mx.example>\nDATA");
    talk.server("250 ok\n250 ok\n550 5.1.1 no\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.");
    SECTION("all come") {
        talk.server("250 b\n452 4.2.2 full\n550 5.2.1 off").run([](auto const& got) {
            CHECK(got[0].state == state::delivered);
            CHECK(got[1].state == state::permanent);
            CHECK(got[2].state == state::temporary);
            CHECK(got[3].state == state::permanent);
            CHECK(got[3].status == "5.2.1");
            CHECK(got.ready);
        });
    }
    SECTION("the connection ends between them") {
        talk.server("250 b").close().run([](auto const& got) {
            CHECK(got[0].state == state::delivered);
            CHECK(got[2].state == state::unknown);
            CHECK(got[3].state == state::unknown);
            CHECK(got.report.advice == hop_advice::wait);
        });
    }
}

TEST_CASE("PRDR: a reply for each recipient, of which a negative overall one undoes the positive", "[client][engine][prdr]") {
    client_script talk;
    talk.opening("PIPELINING\nPRDR").send(mail_to({"b@mx.example", "c@mx.example"}));
    talk.client("MAIL FROM:<a@client.example> PRDR\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nDATA");
    SECTION("each its own") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.");
        talk.server("353 now\n250 b\n550 5.7.1 not c\n250 over").run([](auto const& got) {
            CHECK(got[0].state == state::delivered);
            CHECK(got[1].status == "5.7.1");
            CHECK(got.settled.size() == 1);
        });
    }
    SECTION("undone") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.");
        talk.server("353 now\n250 b\n450 4.7.1 not c\n450 4.0.0 none").run([](auto const& got) {
            CHECK(got[0].status == "4.0.0");
            CHECK(got[1].status == "4.7.1");
        });
    }
    SECTION("a plain reply in place of 353") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server("552 5.3.4 big").run([](auto const& got) {
            CHECK(got[0].status == "5.3.4");
            CHECK(got[1].status == "5.3.4");
        });
    }
    SECTION("lost before the overall reply: nothing counts, and nothing is unknown") {
        talk.server("250 ok\n250 ok\n250 ok\n354 go").client("Subject: x\n\nhello\n.").server("353 now\n250 b\n250 c").close();
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got[1].state == state::temporary);
        });
    }
    SECTION("one accepted: an ordinary reply") {
        talk.server("250 ok\n250 ok\n550 5.1.1 no\n354 go").client("Subject: x\n\nhello\n.").server("250 fine");
        talk.run([](auto const& got) { CHECK(got[0].state == state::delivered); });
    }
}

TEST_CASE("CHUNKING: the message goes as it is, in chunks", "[client][engine][chunking]") {
    hop_settings with;
    with.chunking = chunking_use::where_offered;
    with.limits.recipients = 10;
    SECTION("one chunk, not before somebody takes it") {
        client_script talk{with};
        talk.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}, ".a\r\n"));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
        auto const got = [&] {
            talk.client_octets("BDAT 4 LAST\r\n.a\r\n").server("250 2.6.0 ok");
            return talk.run_once();
        }();
        CHECK(got.report.delivered());
    }
    SECTION("nobody takes it: RSET") {
        client_script talk{with};
        talk.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n550 5.1.1 no").client("RSET").server("250 ok");
        talk.run([](auto const& out) { CHECK((out.ready && out[0].state == state::permanent)); });
    }
    SECTION("binary content goes with BODY=BINARYMIME") {
        auto binary = mail_to({"b@mx.example"}, std::string{"a\rb\n\0", 5});
        binary.body = body_type::binary_mime;
        client_script talk;
        talk.opening("PIPELINING\nCHUNKING\nBINARYMIME").send(binary);
        talk.client("MAIL FROM:<a@client.example> BODY=BINARYMIME\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
        talk.client_octets(std::string{"BDAT 5 LAST\r\na\rb\n\0", 18}).server("250 ok");
        CHECK(talk.run_once().report.delivered());
    }
    SECTION("a refused chunk is the answer for all, and RSET follows") {
        client_script talk{with};
        talk.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}, std::string(70'000, 'x')));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
        talk.client_octets("BDAT 65536\r\n" + std::string(65536, 'x')).server("552 5.3.4 big").client("RSET").server("250 ok");
        auto const got = talk.run_once();
        CHECK(got[0].status == "5.3.4");
        CHECK(got.ready);
    }
    SECTION("LAST waits for the chunks before it") {
        client_script talk{with};
        talk.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}, std::string(70'000, 'x')));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
        talk.client_octets("BDAT 65536\r\n" + std::string(65536, 'x')).server("250 go on");
        talk.client_octets("BDAT 4464 LAST\r\n" + std::string(4464, 'x')).server("250 done");
        CHECK(talk.run_once().report.delivered());
    }
    SECTION("lost after LAST: unknown") {
        client_script talk{with};
        talk.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}, "a\r\n"));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok");
        talk.client_octets("BDAT 3 LAST\r\na\r\n").close();
        CHECK(talk.run_once()[0].state == state::unknown);
    }
}

TEST_CASE("a bare CR or LF never goes out", "[client][engine][smuggling]") {
    for (std::string const octets : {"a\nb\r\n", "a\rb\r\n", "a\r\n.\nb\r\n", "a\r\n\r", "\n"}) {
        client_script talk;
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}, octets));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.run([](auto const& got) {
            CHECK(got[0].state == state::permanent);
            CHECK(got[0].status == "5.6.3");
            CHECK(got.ended);
            CHECK(got.rest.find("\r\n.\r\n") == std::string::npos);
        });
        hop_settings with;
        with.chunking = chunking_use::where_offered;
        client_script chunks{with};
        chunks.opening("PIPELINING\nCHUNKING").send(mail_to({"b@mx.example"}, octets));
        chunks.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>").server("250 ok\n250 ok").client("RSET").server("250 ok");
        auto const got = chunks.run_once();
        CHECK(got[0].status == "5.6.3");
        CHECK(got.ready);
    }
}

TEST_CASE("an address cannot bring a command with it", "[client][engine][smuggling]") {
    client_script talk;
    talk.opening().send(mail_to({"b@mx.example>\r\nRCPT TO:<c@mx.example", "c", "Postmaster"}));
    talk.client(mail_line).server("250 ok").client("RCPT TO:<Postmaster>").server("250 ok").client("DATA").server("354 go");
    talk.client("Subject: x\n\nhello\n.").server("250 ok");

    talk.run([](auto const& got) {
        CHECK(got[0].status == "5.1.3");
        CHECK(got[1].status == "5.1.3");
        CHECK(got[2].state == state::delivered);
    });

    client_script original;
    auto dsn = mail_to({"b@mx.example", "c@mx.example", "d@mx.example"});
    dsn.recipients[0].requests.original = {"rfc822\r\nRSET", "b@mx.example"};
    dsn.recipients[1].requests.original = {"utf-8", "b@mx.example\r\nRSET"};
    dsn.recipients[2].requests.original = {"rfc822", "d@mx.example\r\nRSET"};
    original.opening("PIPELINING\nDSN").send(dsn);
    original.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\nRCPT TO:<d@mx.example>\nDATA");
    original.run([](auto const& got) { CHECK(got.rest.empty()); });

    client_script from;
    auto mail = mail_to({"b@mx.example"});
    mail.reverse_path = "a@b.example> SIZE=1\r\nQUIT";
    from.opening().send(mail).client_octets("").run([](auto const& got) { CHECK(got[0].status == "5.1.7"); });
}

TEST_CASE("what the content cannot give ends the transaction without a dot", "[client][engine][fault]") {
    client_script talk;
    talk.content_fails().opening().send(mail_to({"b@mx.example"}));
    talk.client(mail_line).server("250 ok").client("RCPT TO:<b@mx.example>").server("250 ok").client("DATA").server("354 go").client_octets("");

    talk.run([](auto const& got) {
        CHECK(got[0].state == state::untried);
        CHECK(got.report.problem == hop_problem::content_unreadable);
        CHECK(got.ended);
    });
}

TEST_CASE("no more commands are under way than the window allows", "[client][engine]") {
    hop_settings with;
    with.limits.window_octets = 60;
    client_script talk{with};
    talk.opening("PIPELINING").send(mail_to({"b1@mx.example", "b2@mx.example", "b3@mx.example"}));
    talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b1@mx.example>\nRCPT TO:<b2@mx.example>").server("250 ok");
    talk.client("RCPT TO:<b3@mx.example>").server("250 ok").client("DATA").server("250 ok\n250 ok\n354 go");
    talk.client("Subject: x\n\nhello\n.").server("250 ok");

    talk.run([](auto const& got) { CHECK(got.report.delivered()); });
}

TEST_CASE("without content recipients are only asked for", "[client][engine]") {
    auto asks = mail_to({"b@mx.example", "c@mx.example"});
    asks.content = nullptr;
    asks.smtputf8 = true;
    SECTION("pipelined") {
        client_script talk;
        talk.opening("PIPELINING\nSIZE 10").send(asks);
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>");
        talk.server("250 ok\n250 2.1.5 fine\n550 5.1.1 no").client("RSET").server("250 ok").run([](auto const& got) {
            CHECK(got[0].state == state::accepted);
            CHECK(got[0].reply.text == "fine");
            CHECK(got[0].status == "2.1.5");
            CHECK(got[1].status == "5.1.1");
            CHECK((got.ready && got.sent));
            CHECK_FALSE(got.report.delivered());
        });
    }
    SECTION("MAIL refused") {
        client_script talk;
        talk.opening("PIPELINING").send(asks);
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>");
        talk.server("451 4.7.1 later\n503 x\n503 x").run([](auto const& got) {
            CHECK(got[0].state == state::temporary);
            CHECK(got.ready);
        });
    }
}

TEST_CASE("NOOP asks whether a connection is alive", "[client][engine]") {
    client_script talk;
    talk.opening().probe().client("NOOP");
    SECTION("yes") {
        talk.server("250 ok").run([](auto const& got) { CHECK(got.ready); });
    }
    SECTION("no") {
        talk.server("421 4.4.2 bye").run([](auto const& got) { CHECK((got.ended && !got.ready)); });
    }
    SECTION("silence") {
        talk.wait(5min).run([](auto const& got) { CHECK(got.report.problem == hop_problem::timed_out); });
    }
}

TEST_CASE("a wait begins with what came last, however late that was", "[client][engine]") {
    client_script talk;
    talk.wait(5min - 1s).server("220 hi").client("EHLO client.example").wait(5min - 1s).server("250 mx.example");
    talk.wait(30min).send(mail_to({"b@mx.example"})).client(mail_line).wait(5min - 1s).server("250 ok");

    talk.run([](auto const& got) {
        CHECK(got.report.problem == hop_problem::none);
        CHECK_FALSE(got.ended);
    });
}

TEST_CASE("octets of an unfinished reply do not prolong a wait", "[client][engine][limits]") {
    client_script talk;
    SECTION("the greeting") {
        talk.wait(5min - 1s).server_octets("220-").wait(1s - 1ms).server_octets("x").wait(1ms);
        talk.run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::timed_out);
            CHECK(got.report.stage == send_stage::greeting);
        });
    }
    SECTION("the reply to the dot") {
        talk.opening("PIPELINING").send(mail_to({"b@mx.example"}));
        talk.client("MAIL FROM:<a@client.example>\nRCPT TO:<b@mx.example>\nDATA").server("250 ok\n250 ok\n354 go");
        talk.client("Subject: x\n\nhello\n.").wait(9min).server_octets("2").wait(1min - 1s).server_octets("5").wait(1s);
        talk.run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::timed_out);
            CHECK(got[0].state == state::unknown);
        });
    }
    SECTION("the reply to QUIT") {
        talk.opening().quit().client("QUIT").wait(4s).server_octets("221-x\r\n221").wait(1s);
        talk.run([](auto const& got) { CHECK(got.ended); });
    }
}

TEST_CASE("a message has a time in all, to which its size adds", "[client][engine][limits]") {
    hop_settings with;
    with.timeouts.attempt = 10min;
    with.limits.least_rate = 1;
    client_script talk{with};
    talk.opening().send(mail_to({"b@mx.example"})).client(mail_line).wait(5min - 1s).server("250 ok").client("RCPT TO:<b@mx.example>");
    SECTION("each reply in time, but too many of them") {
        talk.wait(5min - 1s).server("250 ok").client("DATA").wait(2s).run([](auto const& got) {
            CHECK(got.report.problem == hop_problem::timed_out);
            CHECK(got.report.text == "the whole attempt took too long");
            CHECK(got[0].state == state::untried);
        });
    }
    SECTION("content of 21 octets, one in a second") {
        talk.wait(5min - 1s).server("250 ok").client("DATA").server("354 go").client("Subject: x\n\nhello\n.");
        SECTION("in time") {
            talk.wait(20s).server("250 ok").run([](auto const& got) { CHECK(got.report.delivered()); });
        }
        SECTION("too late") {
            talk.wait(30s).run([](auto const& got) { CHECK(got[0].state == state::unknown); });
        }
    }
    SECTION("the next message has its own") {
        talk.wait(4min).server("250 ok").client("DATA").server("354 go").client("Subject: x\n\nhello\n.").server("250 ok");
        talk.wait(1h).send(mail_to({"b@mx.example"})).client(mail_line).wait(4min).server("250 ok");
        talk.run([](auto const& got) { CHECK(got.report.problem == hop_problem::none); });
    }
}

TEST_CASE("QUIT ends it, with or without an answer", "[client][engine]") {
    client_script talk;
    talk.opening().quit().client("QUIT");
    SECTION("221") { talk.server("221 bye"); }
    SECTION("closed") { talk.close(); }
    SECTION("silence") { talk.wait(5s); }
    talk.run([](auto const& got) {
        CHECK(got.ended);
        CHECK(got.report.problem == hop_problem::none);
    });
}

}  // namespace test_client_engine
