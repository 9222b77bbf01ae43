#include <mailquay/relay/relay_now.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"
#include "support/run_eventual.hpp"
#include "support/scripted_server.hpp"
#include "support/spool_place.hpp"

#include <string>
#include <vector>

/// The next hop's reply is ours.
namespace test_relay_now {
using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

constexpr char text[] = "Subject: hello\r\n\r\nAt noon?\r\n.\r\n";

struct proxy {
    explicit proxy(std::vector<server_script> scripts) : server(io, std::move(scripts)) {
        settings.client.hello_name = "gateway.example";
        settings.client.pool.idle = std::chrono::milliseconds{0};
        settings.to = server.hop();
        settings.to.settings.chunking = chunking_use::off;
        settings.patience = 5s;
        mail.to("b@example.org");
    }
    void lmtp() { settings.to.settings.protocol = dialect::lmtp; }
    sinks::relay_now make() {
        sinks::relay_now made{io, settings};
        if (spooled) made.overflow(spooled);
        return made;
    }
    delivery send(commit how = commit::all_or_none) { return send(mail.mail, how); }
    delivery send(transaction const& of, commit how = commit::all_or_none) {
        sinks::relay_now sink = make();
        std::optional<delivery> got;
        asio::co_spawn(io, pass(sink, of, how, &got), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);
        });
        io.restart();
        while (!got && io.run_one_for(20s) != 0) {
        }
        REQUIRE(got);
        sink.close();
        return *std::move(got);
    }
    static asio::awaitable<void> pass(message_sink& sink, transaction const& mail, commit how, std::optional<delivery>* got) {
        auto opening = sink.open(mail);
        auto opened = co_await std::move(opening).wait();
        REQUIRE(opened);
        std::string const octets = text;
        for (std::size_t i = 0; i < octets.size(); i += 7) {
            auto writing = (*opened)->write(std::span<char const>{octets}.subspan(i, std::min<std::size_t>(7, octets.size() - i)));
            verdict const said = co_await std::move(writing).wait();
            REQUIRE(said.accepts());
        }
        auto finishing = (*opened)->finish(how);
        delivery done = co_await std::move(finishing).wait();
        got->emplace(std::move(done));
    }

    asio::io_context io{};
    scripted_server server;
    sinks::relay_now_settings settings{};
    made_transaction mail{};
    std::shared_ptr<sinks::spool> spooled{};
};

server_script hello(std::string with = "250 hi") { return {"220 hi", ">EHLO gateway.example", std::move(with)}; }
server_script operator+(server_script one, server_script const& two) {
    one.insert(one.end(), two.begin(), two.end());
    return one;
}
server_script lhlo() { return {"220 hi", ">LHLO gateway.example", "250 hi"}; }

TEST_CASE("the next hop's reply to the final dot is ours", "[relay][relay_now]") {
    proxy given{{hello() + server_script{">MAIL FROM:<sender@example.net>", "250 ok", ">RCPT TO:<b@example.org>", "250 ok", ">DATA", "354 go", ">.", GENERATE(as<std::string>{}, "250 2.6.0 queued as 77", "554 5.7.1 we do not like it", "451 4.7.1 come again"), "hang"}}};

    delivery const got = given.send();

    REQUIRE(got.is_single());
    if (got.all().accepts()) {
        CHECK(got.all().code() == 250);
        CHECK(got.all().enhanced() == "2.6.0");
        CHECK(got.all().text() == "queued as 77");
    } else if (got.all().kind() == verdict_kind::reject) {
        CHECK(got.all().code() == 554);
        CHECK(got.all().enhanced() == "5.7.1");
        CHECK(got.all().text() == "we do not like it");
    } else {
        CHECK(got.all().code() == 451);
        CHECK(got.all().enhanced() == "4.7.1");
    }
    CHECK(given.server.surprises().empty());
    CHECK(given.server.heard().find("At noon?\r\n..\r\n.\r\n") != std::string::npos);
}

TEST_CASE("one reply for all: the content goes only where each recipient was accepted", "[relay][relay_now]") {
    bool const pipelining = GENERATE(false, true);
    server_script talk = pipelining ? server_script{">MAIL", ">RCPT TO:<b@", ">RCPT TO:<c@", "250 ok\r\n250 ok\r\n550 5.1.1 who", ">RSET", "250 ok", "hang"}
                                    : server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok", ">RCPT TO:<c@", "550 5.1.1 who", ">RSET", "250 ok", "hang"};
    proxy given{{hello(pipelining ? "250-hi\r\n250 PIPELINING" : "250 hi") + talk}};
    given.mail.to("c@example.org");

    delivery const got = given.send();

    CHECK(got.combined().code() == 550);
    CHECK(got.combined().enhanced() == "5.1.1");
    CHECK(given.server.surprises().empty());
    CHECK(given.server.heard().find("DATA") == std::string::npos);
}

TEST_CASE("a reply for each where each was asked for", "[relay][relay_now]") {
    proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok", ">RCPT TO:<c@", "550 5.1.1 who", ">DATA", "354 go", ">.", "250 2.0.0 taken", "hang"}}};
    given.mail.to("c@example.org");

    delivery const got = given.send(commit::each);

    REQUIRE(got.each().size() == 2);
    CHECK(got.each()[0].text() == "taken");
    CHECK(got.each()[1].code() == 550);
}

TEST_CASE("a next hop that cannot be asked, or is lost, is 4xx", "[relay][relay_now]") {
    SECTION("away") {
        proxy given{{}};
        given.settings.to.port = 1;
        verdict const got = given.send().combined();
        CHECK(got.code() == 451);
        CHECK(got.enhanced() == "4.4.1");
    }
    SECTION("421 at once") {
        proxy given{{server_script{"421 4.3.2 too busy"}}};
        verdict const got = given.send().combined();
        CHECK(got.kind() == verdict_kind::defer);
        CHECK(got.code() == 451);
    }
    SECTION("closed after the dot") {
        proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "close"}}};
        verdict const got = given.send().combined();
        CHECK(got.code() == 451);
        CHECK(got.enhanced() == "4.4.2");
        CHECK(got.rule() == "outcome=unknown");
    }
    SECTION("silent after the dot") {
        proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "hang"}}};
        given.settings.patience = 300ms;
        verdict const got = given.send().combined();
        CHECK(got.code() == 451);
        CHECK(got.enhanced() == "4.4.2");
    }
    SECTION("421 to RCPT is not ours to say") {
        proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT", "421 4.3.2 going down"}}};
        verdict const got = given.send().combined();
        CHECK(got.kind() == verdict_kind::defer);
        CHECK_FALSE(got.closes());
    }
}

TEST_CASE("by LMTP each recipient is a group of its own, unless there is an overflow", "[relay][relay_now]") {
    proxy given{{}};
    given.mail.to("c@example.org");
    auto const& them = given.mail.mail.recipients();
    CHECK(given.make().group(them[0]) == given.make().group(them[1]));
    given.lmtp();
    CHECK(given.make().group(them[0]) != given.make().group(them[1]));
    spool_place place;
    place.start();
    given.spooled = std::make_shared<sinks::spool>(*std::move(place.sink));
    CHECK(given.make().group(them[0]) == given.make().group(them[1]));
}

TEST_CASE("what the next hop does not take now overflows into the spool, for those recipients alone", "[relay][relay_now]") {
    spool_place place;
    place.start();
    proxy given{{lhlo() + server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok", ">RCPT TO:<c@", "250 ok", ">RCPT TO:<d@", "550 5.1.1 who", ">DATA", "354 go", ">.",
                                        "250 2.0.0 filed\r\n452 4.2.2 full", "hang"}}};
    given.lmtp();
    given.mail.to("c@example.org").to("d@example.org");
    given.spooled = std::make_shared<sinks::spool>(*std::move(place.sink));

    SECTION("one reply: what was refused goes to the spool, which tells the sender") {
        CHECK(given.send().combined().accepts());
        auto const found = place.queue->look_at(*transaction_id::parse(given.mail.mail.id()));
        REQUIRE(found);
        REQUIRE(found->stored.envelope.recipients.size() == 2);
        CHECK(found->stored.envelope.recipients[0].address == "c@example.org");
        CHECK(found->stored.envelope.recipients[1].address == "d@example.org");
        CHECK(place.content_of(given.mail.mail.id()) == text);
    }
    SECTION("a reply for each: what was refused is told") {
        delivery const got = given.send(commit::each);
        REQUIRE(got.each().size() == 3);
        CHECK(got.each()[0].text() == "filed");
        CHECK(got.each()[1].accepts());
        CHECK(got.each()[2].code() == 550);
        auto const found = place.queue->look_at(*transaction_id::parse(given.mail.mail.id()));
        REQUIRE(found);
        REQUIRE(found->stored.envelope.recipients.size() == 1);
        CHECK(found->stored.envelope.recipients[0].address == "c@example.org");
    }
    SECTION("a spool that cannot take it: 4xx") {
        place.disk->read_only = true;
        verdict const got = given.send().combined();
        CHECK(got.kind() == verdict_kind::defer);
        CHECK(place.queue->size() == 0);
    }
    given.spooled.reset();
}

TEST_CASE("what is refused for all is refused, overflow or not", "[relay][relay_now]") {
    spool_place place;
    place.start();
    proxy given{{lhlo() + server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "550 5.1.1 who", "hang"}}};
    given.lmtp();
    given.spooled = std::make_shared<sinks::spool>(*std::move(place.sink));
    CHECK(given.send().combined().code() == 550);
    CHECK(place.queue->size() == 0);
}

TEST_CASE("an alias goes to each of its members", "[relay][relay_now]") {
    proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok", ">RCPT TO:<x@inner", "250 ok", ">RCPT TO:<y@inner", "250 ok", ">DATA", "354 go", ">.", "250 ok", "hang"}}};
    given.mail.to("team@example.org", {}, {"x@inner.example", "y@inner.example"});
    CHECK(given.send().combined().accepts());
    CHECK(given.server.surprises().empty());
    CHECK(given.server.heard().find("team@") == std::string::npos);
}

TEST_CASE("a transaction holds no more recipients than the next hop takes at once", "[relay][relay_now][limits]") {
    server_script talk{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok"};
    SECTION("as it announces") { talk = hello("250-hi\r\n250 LIMITS RCPTMAX=1") + talk; }
    SECTION("as it shows") { talk = hello() + talk + server_script{">RCPT TO:<c@", "452 4.5.3 too many"}; }
    proxy given{{talk + server_script{">RSET", "250 ok", "hang"}}};
    given.mail.to("c@example.org");
    made_transaction next;
    next.to("b@example.org");
    made_transaction other;
    other.to("c@example.org");
    sinks::relay_now sink = given.make();
    CHECK(sink.takes_another(next.mail, other.last()));

    std::optional<delivery> got;
    asio::co_spawn(given.io, proxy::pass(sink, given.mail.mail, commit::all_or_none, &got), [](std::exception_ptr) {});
    while (!got && given.io.run_one_for(20s) != 0) {
    }
    REQUIRE(got);
    CHECK(got->combined().kind() == verdict_kind::defer);
    CHECK(got->combined().enhanced() == "4.5.3");
    CHECK(given.server.surprises().empty());
    CHECK_FALSE(sink.takes_another(next.mail, other.last()));  // so the client sends it in another
    sink.close();
}

TEST_CASE("without further knowledge the next hop takes a hundred at once, an alias counting for its members", "[relay][relay_now][limits]") {
    proxy given{{}};
    made_transaction mail;
    for (int i = 0; i < 97; ++i) mail.to("u" + std::to_string(i) + "@example.org");
    made_transaction next;
    next.to("team@example.org", "team", {"x@inner.example", "y@inner.example"});
    CHECK(given.make().takes_another(mail.mail, next.last()));
    mail.to("v@example.org");
    CHECK_FALSE(given.make().takes_another(mail.mail, next.last()));
    CHECK(given.make().takes_another(mail.mail, mail.last()));
    given.lmtp();
    CHECK(given.make().takes_another(mail.mail, next.last()));
}

TEST_CASE("one alias of more members than go at once goes in pieces", "[relay][relay_now][limits]") {
    proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT TO:<x@", "250 ok", ">DATA", "354 go", ">.", "250 ok", ">MAIL", "250 ok", ">RCPT TO:<y@", "250 ok", ">DATA", "354 go", ">.", "250 ok", "hang"}}};
    given.settings.to.settings.limits.recipients = 1;
    made_transaction mail;
    mail.to("team@example.org", {}, {"x@inner.example", "y@inner.example"});
    CHECK(given.send(mail.mail).combined().accepts());
    CHECK(given.server.surprises().empty());
}

TEST_CASE("one reply for all names the refusal, not what it kept back", "[relay][relay_now]") {
    proxy given{{hello() + server_script{">MAIL", "250 ok", ">RCPT TO:<b@", "250 ok", ">RCPT TO:<c@", "450 4.2.1 busy", ">RSET", "250 ok", "hang"}}};
    made_transaction mail;
    SECTION("of another recipient") { mail.to("b@example.org").to("c@example.org"); }
    SECTION("of another member") { mail.to("team@example.org", {}, {"b@example.org", "c@example.org"}); }
    verdict const got = given.send(mail.mail).combined();
    CHECK(got.code() == 450);
    CHECK(got.enhanced() == "4.2.1");
    CHECK(got.text() == "busy");
}

TEST_CASE("what the next hop may have is not sent again at once", "[relay][relay_now]") {
    spool_place place;
    place.start();
    bool const lost = GENERATE(true, false);
    proxy given{{hello() + (lost ? server_script{">MAIL", "250 ok", ">RCPT", "250 ok", ">DATA", "354 go", ">.", "close"} : server_script{">MAIL", "451 4.3.0 later", "hang"})}};
    given.spooled = std::make_shared<sinks::spool>(*std::move(place.sink));

    CHECK(given.send().combined().accepts());

    auto const due = place.queue->due_in();
    REQUIRE(due);
    CHECK(*due == (lost ? std::chrono::milliseconds{5min} : 0ms));
    given.spooled.reset();
}

TEST_CASE("settings that cannot work are refused with their names", "[relay][relay_now]") {
    asio::io_context io;
    CHECK_THROWS_WITH((sinks::relay_now{io, {}}), Catch::Contains("names no next hop"));
    sinks::relay_now_settings settings;
    settings.to = *next_hop::parse("127.0.0.1:25");
    settings.patience = 0ms;
    CHECK_THROWS_WITH((sinks::relay_now{io, settings}), Catch::Contains("`patience` is 0 ms"));
    settings.patience = 5min + 1ms;
    CHECK_THROWS_WITH((sinks::relay_now{io, settings}), Catch::Contains("`patience` is 300001 ms"));
    settings.patience = 5min;
    settings.after_unknown = -1ms;
    CHECK_THROWS_WITH((sinks::relay_now{io, settings}), Catch::Contains("`after_unknown` is -1 ms"));
}

}  // namespace test_relay_now
