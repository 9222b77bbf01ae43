#include <mailquay/server/connection_log.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"
#include "support/fake_tls.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <algorithm>
#include <string>
#include <vector>

// docs/logging.md promises these names in this order.

namespace test_connection_log {

using namespace mailquay;
using namespace mailquay_test;

struct fixture {
    explicit fixture(plugins more = {}) {
        server_config config;
        config.log = log_into(log);
        if (more.all().recipients.empty()) more.all().recipients = recording_plugins(record).all().recipients;
        more.all().sink = recording_plugins(record).all().sink;
        setup = make_test_setup(more, config);
    }
    std::shared_ptr<sink_record> record = std::make_shared<sink_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards{{}, log_into(log)};
};

/// The event and the names of its fields.
inline std::string names(std::string_view line) {
    std::string found{line.substr(0, line.find(' '))};
    bool quoted = false;
    std::size_t word = line.find(' ');
    for (std::size_t at = word; at < line.size(); ++at) {
        if (line[at] == '"') quoted = !quoted;
        if (quoted) continue;
        if (line[at] == ' ') word = at + 1;
        if (line[at] == '=' && word != std::string_view::npos) {
            found.append(" ").append(line.substr(word, at - word));
            word = std::string_view::npos;
        }
    }
    return found;
}

TEST_CASE("the lines of an accepted message and its connection", "[server][log]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send(whole_transaction).send("\r\nx\r\n.\r\n").send("QUIT\r\n");

    REQUIRE(at.log->lines.size() == 3);
    CHECK(names(at.log->lines[0]) == "connect id client local");
    CHECK(names(at.log->lines[1]) == "accepted id from nrcpt size helo client body time");
    CHECK(names(at.log->lines[2]) == "closed id why commands messages recipients syntax sequence refused junk");
    std::string const id = at.log->lines[0].substr(at.log->lines[0].find("id="), 15);
    CHECK(at.log->lines[1].find(id + '.') != std::string::npos);
    CHECK(at.log->lines[1].find(" from=a@example.org nrcpt=1 size=5 helo=client.example client=192.0.2.1:4321 body=7BIT time=") != std::string::npos);
    CHECK(at.log->lines[2] == "closed " + id + " why=quit commands=5 messages=1 recipients=1 syntax=0 sequence=0 refused=0 junk=0");
}

TEST_CASE("the Message-ID of an accepted message is named", "[server][log]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send(whole_transaction).send("Message-ID:\r\n <1@x>\r\n\r\nx\r\n.\r\n");

    auto const lines = at.log->of("accepted");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "accepted id from nrcpt size msgid helo client body time");
    CHECK(lines[0].find(" msgid=<1@x> ") != std::string::npos);
}

TEST_CASE("a message that is refused is refused at the verb it came by", "[server][log]") {
    bool const chunked = GENERATE(false, true);
    std::string const verb = chunked ? "verb=BDAT" : "verb=DATA";
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n");
    auto const deliver = [&] {
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
        if (chunked) client.send("BDAT 5 LAST\r\n\r\nx\r\n");
        else client.send("DATA\r\n").send("\r\nx\r\n.\r\n");
    };
    at.record->write = manner::throws_later;
    deliver();
    at.record->write = manner::at_once;
    at.record->last_word = reject();
    deliver();

    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(" stage=message " + verb + " ") != std::string::npos);
    CHECK(lines[1].find(" stage=finish " + verb + " ") != std::string::npos);
}

TEST_CASE("what the session refuses by itself has a line with the reply", "[server][log]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\nNONSENSE\r\n").send("MAIL FROM:<a@example.org>\r\nRCPT TO:<>\r\n");

    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 2);
    CHECK(names(lines[0]) == "refused id client stage verb reply");
    CHECK(lines[0].find("stage=command verb=unknown reply=\"500 5.5.1 ") != std::string::npos);
    CHECK(names(lines[1]) == "refused id client stage verb from reply");
    CHECK(lines[1].find("verb=RCPT from=a@example.org reply=\"501 5.1.3 ") != std::string::npos);
}

TEST_CASE("the line of what a plug-in refuses", "[server][log]") {
    plugins more;
    more.recipients([](transaction const&, recipient const&) {
        return reject(550, "5.1.1", "No \"such\" user").because("users=none").after(std::chrono::milliseconds{250});
    });
    fixture at{more};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\n");

    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "refused id client stage verb from to reply rule delay");
    CHECK(lines[0].find(" stage=recipient verb=RCPT from=\"\" to=b@example.org reply=\"550 5.1.1 No \\x22such\\x22 user\" "
                        "rule=\"users=none\" delay=0.250") != std::string::npos);
}

TEST_CASE("a refusal without a reply of its own is logged with the one that was sent", "[server][log]") {
    plugins more;
    more.recipients([](transaction const&, recipient const&) { return pass(); });
    fixture at{more};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("MAIL FROM:<a@example.org>\r\n").take();
    client.send("RCPT TO:<b@example.org>\r\n");
    auto const sent = client.take();
    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("reply=\"" + sent.substr(0, sent.size() - 2) + '"') != std::string::npos);
}

TEST_CASE("the line of a connection that a plug-in refuses", "[server][log]") {
    struct bouncer final : policy {
        eventual<verdict> on_connect(session_info const&) override { return reject(replies::rejected).because("list"); }
    };
    plugins more;
    more.policies(std::make_shared<bouncer>());
    fixture at{more};
    auto client = at.shards.connect(at.setup);
    auto const lines = at.log->of("refused-connect");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "refused-connect id client local reply rule");
}

/// The value of a field that is quoted.
inline std::string quoted(std::string_view line, std::string_view key) {
    auto const begin = line.find(" " + std::string{key} + "=\"");
    if (begin == std::string_view::npos) return {};
    auto const value = line.substr(begin + key.size() + 3);
    return std::string{value.substr(0, value.find('"'))};
}

TEST_CASE("the reply in the log is the one that was sent", "[server][log]") {
    struct refusing final : policy {
        explicit refusing(verdict with) : said(std::move(with)) {}
        eventual<verdict> on_connect(session_info const&) override { return at == policy_stage::connect ? said : pass(); }
        eventual<verdict> on_early_talk(session_info const&) override { return at == policy_stage::early_talk ? said : pass(); }
        eventual<verdict> on_hello(session_info const&, std::string_view) override { return at == policy_stage::hello ? said : pass(); }
        eventual<verdict> on_mail(transaction const&) override { return at == policy_stage::mail ? said : pass(); }
        verdict said;
        policy_stage at{};
    };
    std::vector<verdict> const all{
        reject(),
        defer(),
        reject(replies::host_takes_no_mail),
        reject(replies::rejected).because("list"),
        reject(550, "5.7.1", "Not you").because("list"),
        defer(450, "", "Later"),
        defer().with_text("Come back\nin an hour"),
    };
    for (policy_stage const stage : {policy_stage::connect, policy_stage::early_talk, policy_stage::hello, policy_stage::mail})
        for (verdict const& said : all) {
            auto const asked = std::make_shared<refusing>(said);
            asked->at = stage;
            plugins more;
            more.policies(asked);
            fixture at{more};
            at.setup->session.timeouts.greeting_delay = std::chrono::seconds{stage == policy_stage::early_talk ? 5 : 0};
            auto const over = std::make_shared<wire>();
            auto client = at.shards.connect(at.setup, over);
            if (stage != policy_stage::connect) {
                if (stage != policy_stage::early_talk) client.take();
                client.send("HELO client.example\r\n");
            }
            if (stage == policy_stage::mail) {
                client.take();
                client.send("MAIL FROM:<a@example.org>\r\n");
            }
            std::string const sent = client.take();
            bool const connecting = stage == policy_stage::connect;
            auto const lines = at.log->of(connecting ? "refused-connect" : "refused");
            REQUIRE(lines.size() == 1);
            CHECK(quoted(lines[0], "reply") == sent.substr(0, sent.find("\r\n")));
            bool const ungreeted = connecting || stage == policy_stage::early_talk;
            if (ungreeted) CHECK((sent.starts_with("421") || sent.starts_with("521") || sent.starts_with("554")));
            CHECK((names(lines[0]).find(" verb") == std::string::npos) == ungreeted);
            if (stage == policy_stage::hello) CHECK(lines[0].find(" verb=HELO ") != std::string::npos);
            CHECK((lines[0].find(" rule=list") != std::string::npos) == !said.rule().empty());
        }
}

TEST_CASE("a refused VRFY and a refused verb of a host's own are named in the log", "[server][log]") {
    auto const no = [](session_info const&, std::string_view) { return reply{550, "", "No\nnot here"}; };
    plugins more;
    more.extensions(host_extension{"X-OWN"}.verb("X-DO", no)).verify(no, asked_by::everybody);
    fixture at{more};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("VRFY a\r\n").send("X-DO b\r\n");

    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 2);
    CHECK(names(lines[0]) == "refused id client stage verb reply");
    CHECK(lines[0].find(" stage=command verb=VRFY reply=550-No") != std::string::npos);
    CHECK(lines[1].find(" stage=command verb=X-DO reply=550-No") != std::string::npos);
}

TEST_CASE("a hook that is overdue has a line, and observers are told, as of any refusal", "[server][log]") {
    struct watching {
        std::vector<observation_kind>* told;
        void on_event(observation const& what) noexcept {
            told->push_back(what.kind);
            if (what.kind == observation_kind::recipient_refused) to = std::string{what.to->wire()};
        }
        std::string to{};
    };
    std::vector<observation_kind> told;
    plugins more;
    more.observers(watching{&told});
    fixture at{more};
    at.record->recipient = manner::never;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");

    at.shards.loop.pass(std::chrono::seconds{62});

    auto const lines = at.log->of("refused");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "refused id client stage verb from to reply");
    CHECK(lines[0].find(" stage=recipient verb=RCPT from=a@example.org to=b@example.org reply=\"451 4.3.0 Took too long") != std::string::npos);
    CHECK(std::count(told.begin(), told.end(), observation_kind::recipient_refused) == 1);
}

TEST_CASE("the line of a plug-in that throws bears the ids that the others bear", "[server][log]") {
    fixture at;
    at.record->recipient = manner::throws;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");

    auto const failed = at.log->of("hook-failed");
    auto const refused = at.log->of("refused");
    REQUIRE(failed.size() == 1);
    REQUIRE(refused.size() == 1);
    CHECK(names(failed[0]) == "hook-failed id hook error");
    std::size_t const at_id = refused[0].find(" id=");
    std::string const id = refused[0].substr(at_id, refused[0].find(' ', at_id + 1) - at_id);
    CHECK(id.find('.') != std::string::npos);
    CHECK(failed[0].find(id + " hook=validate ") != std::string::npos);
}

TEST_CASE("the line of a message that comes to nothing", "[server][log]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send(whole_transaction).send("\r\nx\r\n").vanish();
    auto const lines = at.log->of("aborted");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "aborted id stage octets why");
    CHECK(lines[0].ends_with(" stage=message octets=5 why=peer-gone"));
}

TEST_CASE("the lines of TLS: octets dropped, a handshake, one that fails", "[server][log][tls]") {
    plugins more;
    more.tls(std::make_shared<fake_tls>());
    fixture at{more};
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("STARTTLS\r\nNOOP\r\n").send(fake_hello).send(fake_done);
    auto other = at.shards.connect(at.setup);
    other.send("EHLO client.example\r\n").send("STARTTLS\r\n").send("nonsense");

    auto const lines = at.log->of("tls");
    REQUIRE(lines.size() == 3);
    CHECK(names(lines[0]) == "tls id client plaintext_dropped");
    CHECK(lines[0].ends_with(" plaintext_dropped=6"));
    CHECK(names(lines[1]) == "tls id client protocol cipher sni");
    CHECK(lines[1].ends_with(" protocol=FAKE cipher=TURNED sni=mx.example.org"));
    CHECK(names(lines[2]) == "tls id client failed");
    CHECK(at.log->lines.back().find(" why=tls-failed ") != std::string::npos);
}

TEST_CASE("what a client says can neither end a line nor begin a field", "[server][log]") {
    fixture at;
    auto client = at.shards.connect(at.setup);
    client.send("EHLO client.example\r\n").send("MAIL FROM:<\"a b=c\"@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n").send("\r\n.\r\n");
    auto const lines = at.log->of("accepted");
    REQUIRE(lines.size() == 1);
    CHECK(names(lines[0]) == "accepted id from nrcpt size helo client body time");
    CHECK(std::count(lines[0].begin(), lines[0].end(), '\n') == 0);
}

}  // namespace test_connection_log
