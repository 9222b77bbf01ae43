#include <mailquay/session/session.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace test_abuse {

using namespace mailquay;
using namespace std::chrono_literals;

/// A session whose host accepts all but recipients named "no", and answers a message only if told to.
struct bench {
    explicit bench(session_config given = {}) : config(std::move(given)) {
        config.hostname = "mx.example.org";
        config.extensions = extension_registry::standard();
        talk.time_is(now);
        take();
    }

    void take() {
        while (auto what = talk.next_event()) {
            std::visit(
                [&](auto const& e) {
                    using kind = std::remove_cvref_t<decltype(e)>;
                    if constexpr (std::is_same_v<kind, message_complete>) {
                        if (finishes) talk.answer(e.ticket, delivery{accept()});
                    } else if constexpr (std::is_same_v<kind, connected>) {
                        talk.answer(e.ticket, welcome);
                    } else if constexpr (std::is_same_v<kind, greeted>) {
                        talk.answer(e.ticket, greets ? accept() : reject(550, "5.7.1", "Not you"));
                    } else if constexpr (std::is_same_v<kind, mail_offered>) {
                        talk.answer(e.ticket, mails ? accept() : reject(550, "5.7.1", "Not you"));
                    } else if constexpr (std::is_same_v<kind, recipient_offered>) {
                        talk.answer(e.ticket, e.to->local_part() == "no" ? reject(replies::no_such_user) : accept());
                    } else if constexpr (std::is_same_v<kind, closed>) {
                        over = true;
                    } else if constexpr (requires { talk.answer(e.ticket, accept()); } && !std::is_same_v<kind, withdrawn>) {
                        talk.answer(e.ticket, accept());
                    }
                },
                *what);
        }
    }
    /// Sends octets in one piece; returns what was said since.
    std::string send(std::string octets) {
        if (talk.wants_input()) {
            talk.feed(octets);
            take();
        }
        std::string said{talk.output()};
        talk.output_sent(said.size());
        return said;
    }
    /// Sends `line` again and again until the session ends. @return how often; `most` if it never does
    int until_closed(std::string const& line, int most) {
        for (int i = 0; i < most; ++i) {
            send(line);
            if (over) return i;
        }
        return most;
    }

    session_config config;
    session_memory memory;
    verdict welcome = accept();
    bool finishes = true;
    bool greets = true;
    bool mails = true;
    bool over = false;
    session::time_point now{1h};
    session talk{config, session_info{}, memory};
};

std::string const envelope = "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\nDATA\r\n";

TEST_CASE("a peer that always leaves an octet unread makes nothing grow", "[session][abuse]") {
    bench at;
    at.config.budgets.junk = 1'000'000;
    for (int i = 0; i < 20'000; ++i) {
        std::string line{"HELP\r\n"};
        at.talk.feed(line);
        at.take();
        REQUIRE(at.talk.output().size() < at.config.limits.output_octets);
        at.talk.output_sent(at.talk.output().size() - 1);
    }
    CHECK(at.talk.output().data()[0] == '\n');
    auto const buffer = at.memory.take_replies();
    CHECK(buffer->capacity() <= 64 * 1024);
}

TEST_CASE("no command can be given without end", "[session][abuse]") {
    CHECK(bench{}.until_closed("HELP\r\n", 2'000) < 2'000);
    CHECK(bench{}.until_closed("NOOP\r\n", 2'000) < 2'000);

    bench out_of_order;
    out_of_order.send("EHLO c\r\nMAIL FROM:<x\r\n");
    CHECK(out_of_order.until_closed("RCPT TO:<a@b.example>\r\n", 5'000) < 5'000);

    bench full;
    full.config.limits.recipients = 100;
    full.send("EHLO c\r\nMAIL FROM:<x@y.example>\r\n");
    CHECK(full.until_closed("RCPT TO:<a@b.example>\r\n", 5'000) < 5'000);

    session_config closed_shop;
    closed_shop.require_authentication = true;
    bench shop{closed_shop};
    shop.send("EHLO c\r\n");
    CHECK(shop.until_closed("MAIL FROM:<x@y.example>\r\n", 2'000) < 2'000);

    bench unwelcome;
    unwelcome.mails = false;
    unwelcome.send("EHLO c\r\n");
    CHECK(unwelcome.until_closed("MAIL FROM:<x@y.example>\r\n", 2'000) < 2'000);

    bench large;
    large.send("EHLO c\r\n");
    CHECK(large.until_closed("MAIL FROM:<x@y.example> SIZE=99999999999\r\n", 2'000) < 2'000);
}

TEST_CASE("a pipelined list of recipients above the limit does not end the session", "[session][abuse]") {
    bench at;
    at.config.limits.recipients = 100;
    at.send("EHLO c\r\nMAIL FROM:<x@y.example>\r\n");
    for (int i = 0; i < 190; ++i) at.send("RCPT TO:<a@b.example>\r\n");
    CHECK_FALSE(at.over);
    CHECK(at.send("DATA\r\n").starts_with("354"));
}

TEST_CASE("the hour without a message goes on inside a transaction", "[session][abuse]") {
    bench at;
    at.send("EHLO c\r\nMAIL FROM:<x@y.example>\r\n");
    for (int minute = 0; minute < 62 && !at.over; minute += 2) {
        at.now += 2min;
        at.talk.time_is(at.now);
        at.take();
        at.send("RCPT TO:<a@b.example>\r\n");
    }
    CHECK(at.over);
}

TEST_CASE("refused recipients of an authenticated client leave nothing behind", "[session][abuse]") {
    bench at;
    at.talk.info().set_user("alice");
    at.send("EHLO c\r\nMAIL FROM:<x@y.example>\r\n");
    transaction const* mail = nullptr;
    std::string_view first;
    for (int i = 0; i < 1'000; ++i) {
        std::string line = "RCPT TO:<no@" + std::string(50, 'A') + ".example>\r\n";
        at.talk.feed(line);
        while (auto what = at.talk.next_event()) {
            auto const* const offered = std::get_if<recipient_offered>(&*what);
            if (offered == nullptr) continue;
            mail = offered->mail;
            if (i == 0) first = offered->to->wire();
            // The same octets are used again and again.
            CHECK(static_cast<void const*>(offered->to->wire().data()) == first.data());
            at.talk.answer(offered->ticket, reject(replies::no_such_user));
        }
        at.talk.output_sent(at.talk.output().size());
        at.now += 2s;
        at.talk.time_is(at.now);
        at.talk.output_sent(at.talk.output().size());
    }
    CHECK(mail != nullptr);
}

TEST_CASE("a pooled transaction keeps no octets of a large header", "[session][abuse]") {
    session_config config;
    config.hold_headers = true;
    bench at{config};
    at.send(envelope);
    at.send("X: " + std::string(200'000, 'x') + "\r\n");
    at.send("\r\n.\r\nQUIT\r\n");
    REQUIRE(at.over);
    auto const used = at.memory.take_work();
    CHECK(used->message.held.capacity() <= 64 * 1024);
}

TEST_CASE("a client that policies refuse at EHLO cannot try without end", "[session][abuse]") {
    bench it;
    it.greets = false;

    int const tries = it.until_closed("EHLO c\r\n", 1000);

    CHECK(tries < 200);
    CHECK(tries > 20);
}

TEST_CASE("an HTTP request is known behind an empty line and when it is over-long", "[session][abuse]") {
    bench behind;
    behind.send("\r\nPOST / HTTP/1.1\r\nEHLO c\r\n");
    CHECK(behind.over);
    bench longer;
    CHECK(longer.send("POST /" + std::string(3'000, 'a') + " HTTP/1.1\r\nEHLO c\r\n").find("250") == std::string::npos);
    CHECK(longer.over);
}

TEST_CASE("octets behind a line that begins as DATA or BDAT are never commands", "[session][abuse]") {
    std::string const before = "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\n";
    for (std::string const& line : {std::string("DATA\0", 5), "DATA" + std::string(3'000, ' '), std::string(" BDAT 5"), std::string(" DATA"),
                                    "BDAT " + std::string(3'000, '9')}) {
        bench at;
        at.send(before);
        std::string const said = at.send(line + "\r\nRSET\r\nQUIT\r\n");
        CHECK(said.starts_with("50"));
        CHECK(said.find("\r\n2") == std::string::npos);
        CHECK(at.over);
    }
}

TEST_CASE("how an over-long line is answered does not hang on how it was cut", "[session][abuse]") {
    std::string const before = "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\n";
    std::size_t const limit = session_limits{}.command_line_octets;
    std::vector<std::string> lines;
    for (std::string_view const word : {"BDAT 5", "DATA", "AUTH PLAIN", "NOOP", "GET / HTTP/1.1"})
        for (std::size_t const blanks : {limit - 5, limit - 4, limit - 2, limit, limit + 1, limit + 100})
            lines.push_back(std::string(blanks, ' ').append(word) + std::string(20, ' '));
    for (std::size_t size = limit - 4; size <= limit + 4; ++size) lines.push_back("AUTH PLAIN " + std::string(size - 11, 'x'));
    lines.push_back("BDAT " + std::string(limit, '9'));
    lines.push_back("DATA" + std::string(limit, ' '));
    lines.push_back(std::string(limit + 10, 'x'));
    for (std::string const& line : lines) {
        INFO(line.find_first_not_of(' ') << " blanks, then " << line.substr(line.find_first_not_of(' '), 10));
        std::string const sent = line + "\r\nRSET\r\n";
        bench whole;
        whole.send(before);
        std::string const said = whole.send(sent);
        bool const takes_message = line.find("DATA") != std::string::npos || line.find("BDAT") != std::string::npos;
        if (takes_message) CHECK(whole.over);
        if (takes_message) CHECK(said.find("250") == std::string::npos);  // what follows may be the message
        for (std::size_t const cut : {std::size_t{1}, std::size_t{3}, limit - 1, limit, limit + 1, line.size() - 1, line.size(), line.size() + 1}) {
            INFO("cut behind " << cut);
            bench parts;
            parts.send(before);
            std::string heard = parts.send(sent.substr(0, cut));
            if (!parts.over) heard += parts.send(sent.substr(cut));
            CHECK(heard == said);
            CHECK(parts.over == whole.over);
        }
    }
}

TEST_CASE("a message known to be too big is 552 also when the server stops meanwhile", "[session][abuse]") {
    session_config config;
    config.limits.message_octets = 1'000;
    bench at{config};
    at.send(envelope);
    at.send(std::string(3'000, 'x'));
    at.talk.stop_now();
    at.take();
    CHECK(at.talk.output().starts_with("552 5.3.4"));
}

TEST_CASE("a sink that is overdue is answered once for each recipient over LMTP", "[session][abuse]") {
    session_config config;
    config.dialect = dialect::lmtp;
    bench at{config};
    at.finishes = false;
    at.send("LHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n");
    at.send("x\r\n.\r\n");
    at.now += 301s;
    at.talk.time_is(at.now);
    at.take();
    CHECK(at.talk.output() == "451 4.3.0 Took too long here, try again later\r\n451 4.3.0 Took too long here, try again later\r\n");
    CHECK(at.over);
}

TEST_CASE("a peer is not blamed while the host does not read", "[session][abuse]") {
    bench at;
    at.send(envelope);
    at.talk.input_paused();
    for (int second = 0; second < 600; ++second) at.talk.time_is(at.now += 1s);
    at.take();
    CHECK_FALSE(at.over);

    CHECK(at.send("x\r\n.\r\n").starts_with("250 2.0.0"));
    at.talk.time_is(at.now += 301s);
    at.take();
    CHECK(at.over);
}

TEST_CASE("in place of the greeting only 421, 521 and 554 are said", "[session][abuse]") {
    session_config config;
    config.hostname = "mx.example.org";
    session_memory memory;
    auto const first_words = [&](verdict given) {
        session talk{config, session_info{}, memory};
        talk.time_is(session::time_point{1h});
        auto const asked = talk.next_event();
        talk.answer(std::get<connected>(*asked).ticket, std::move(given));
        return std::string{talk.output()};
    };
    CHECK(first_words(defer(replies::greylisted)) == "421 4.7.1 Greylisted, try again later\r\n");
    CHECK(first_words(reject(550, "5.7.1", "Listed")) == "554 5.7.1 Listed\r\n");
    CHECK(first_words(reject(replies::host_takes_no_mail)).starts_with("521 5.3.2 "));
}

TEST_CASE("every refusal inside a transaction bears its id where that is wanted", "[session][abuse]") {
    session_config config;
    config.id_in_refusals = true;
    bench at{config};
    at.send("EHLO c\r\nMAIL FROM:<a@b.example>\r\n");
    for (char const* line : {"RCPT TO:<>\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<no@b.example>\r\n", "DATA\r\n"}) {
        std::string const said = at.send(line);
        CHECK(said.ends_with("]\r\n"));
        CHECK(said.find(" [") == said.size() - 2 - 12 - 3);
    }
    CHECK(at.send("NOOP\r\n").find('[') == std::string::npos);
}

}  // namespace test_abuse
