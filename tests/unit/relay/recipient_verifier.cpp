#include <mailquay/relay/recipient_verifier.hpp>

#include <mailquay/server/memory_store.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"
#include "support/run_eventual.hpp"
#include "support/scripted_server.hpp"

/// Who would refuse a recipient is asked before it is accepted, and not too often.
namespace test_recipient_verifier {
using namespace mailquay;
using namespace mailquay_test;
using std::chrono::seconds;

struct hand_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point steady() const noexcept override { return std::chrono::steady_clock::time_point{passed}; }
    std::chrono::system_clock::time_point wall() const noexcept override { return std::chrono::system_clock::time_point{std::chrono::hours{24 * 20'000} + passed}; }
    seconds passed{1};
};

struct gateway {
    explicit gateway(std::vector<server_script> scripts) : server(io, std::move(scripts)) {
        settings.domains = {"example.org"};
        settings.patience = std::chrono::milliseconds{5000};
        client_config config;
        config.hello_name = "gateway.example";
        config.pool.idle = std::chrono::milliseconds{0};
        asks = std::make_shared<client>(io, config);
    }
    verdict validate(std::string_view to) {
        made_transaction mail;
        mail.to(to);
        recipient_verifier verifier{asks, server.hop(), store, settings, time};
        std::optional<verdict> got;
        auto asked = verifier.validate(mail.mail, mail.last());
        if (asked.ready()) return std::move(asked).value();
        auto const keep = [](eventual<verdict> pending, std::optional<verdict>* into) -> asio::awaitable<void> {
            verdict given = co_await std::move(pending).wait();
            into->emplace(std::move(given));
        };
        asio::co_spawn(io, keep(std::move(asked), &got), [](std::exception_ptr) {});
        io.restart();
        while (!got && io.run_one_for(std::chrono::seconds{20}) != 0) {
        }
        REQUIRE(got);
        return *std::move(got);
    }

    asio::io_context io{};
    scripted_server server;
    std::shared_ptr<client> asks{};
    std::shared_ptr<hand_clock> time = std::make_shared<hand_clock>();
    std::shared_ptr<memory_store> store = std::make_shared<memory_store>(memory_store_config{}, time);
    verifier_settings settings{};
};

inline server_script answering(std::string reply) {
    return {"220 hi", ">EHLO gateway.example", "250 hi", ">MAIL FROM:<>", "250 ok", ">RCPT TO:<", std::move(reply), ">RSET", "250 ok", "hang"};
}

TEST_CASE("the next hop's answer is the client's, and is kept", "[relay][verifier]") {
    gateway g{{answering("250 2.1.5 ok"), answering("550 5.1.1 nobody of that name")}};
    CHECK(g.validate("alice@example.org").accepts());
    CHECK(g.validate("alice@example.org").accepts());
    auto const no = g.validate("Bob@example.org");
    CHECK(no.refuses());
    CHECK(no.code() == 550);
    CHECK(no.enhanced() == "5.1.1");
    CHECK(no.text().find("nobody of that name") != std::string_view::npos);
    auto const again = g.validate("Bob@example.org");
    CHECK(again.code() == 550);
    CHECK(again.text() == no.text());
    CHECK(g.server.connections() == 2);
    CHECK(g.server.heard().find("RCPT TO:<Bob@example.org>") != std::string::npos);
    CHECK(g.server.heard().find("DATA") == std::string::npos);
}

TEST_CASE("recipients of other domains are passed", "[relay][verifier]") {
    gateway g{{}};
    CHECK(g.validate("alice@example.net").passes());
    CHECK(g.server.connections() == 0);
}

TEST_CASE("answers are asked for anew in time", "[relay][verifier][time]") {
    gateway g{{answering("250 ok"), answering("250 ok"), answering("550 5.1.1 gone"), answering("250 ok")}};
    CHECK(g.validate("alice@example.org").accepts());
    g.time->passed += seconds{7 * 24 * 3600 - 1};
    CHECK(g.validate("alice@example.org").accepts());
    CHECK(g.server.connections() == 1);
    g.time->passed += seconds{1};
    CHECK(g.validate("alice@example.org").accepts());
    CHECK(g.server.connections() == 2);
    g.time->passed += seconds{7 * 24 * 3600};
    CHECK(g.validate("alice@example.org").refuses());
    g.time->passed += seconds{3 * 3600 - 1};
    CHECK(g.validate("alice@example.org").refuses());
    CHECK(g.server.connections() == 3);
    g.time->passed += seconds{1};
    CHECK(g.validate("alice@example.org").accepts());
}

TEST_CASE("without an answer the recipient is unverified, unless an older answer holds", "[relay][verifier][fault]") {
    std::vector<server_script> scripts{answering("250 ok")};
    SECTION("later") { scripts.push_back(answering("450 4.2.1 later")), scripts.push_back(answering("450 4.2.1 later")); }
    SECTION("sender refused") {
        server_script const refuses{"220 hi", ">EHLO", "250 hi", ">MAIL", "550 5.7.1 no null senders", "hang"};
        scripts.push_back(refuses), scripts.push_back(refuses);
    }
    SECTION("host refuses") { scripts.push_back({"554 no"}), scripts.push_back({"554 no"}); }
    SECTION("closed") { scripts.push_back({"220 hi", ">EHLO", "close"}), scripts.push_back({"220 hi", ">EHLO", "close"}); }
    SECTION("silent") { scripts.push_back({"hang"}), scripts.push_back({"hang"}); }
    gateway g{scripts};
    CHECK(g.validate("alice@example.org").accepts());
    g.settings.patience = std::chrono::milliseconds{300};
    g.time->passed += seconds{8 * 24 * 3600};
    CHECK(g.validate("alice@example.org").accepts());  // the older answer
    auto const unknown = g.validate("bob@example.org");
    CHECK(unknown.kind() == verdict_kind::defer);
    CHECK(unknown.code() == 450);
    CHECK(unknown.enhanced() == "4.1.1");
    g.settings.accept_unverified = true;
    CHECK(g.validate("carol@example.org").accepts());
}

TEST_CASE("a refusal of whoever asks is no word about the recipient", "[relay][verifier][fault]") {
    std::string const of_us = GENERATE(as<std::string>{}, "554 5.7.1 <gateway>: Client host rejected: Access denied", "530 5.7.0 authenticate first",
                                       "550 5.7.1 relaying denied", "554 no", "552 5.2.2 mailbox full", "550 5.1.8 sender domain unknown", "503 5.5.1 wrong");
    gateway g{{answering(of_us), answering("250 ok")}};

    auto const unknown = g.validate("alice@example.org");

    CHECK(unknown.kind() == verdict_kind::defer);
    CHECK(unknown.enhanced() == "4.1.1");
    CHECK(g.validate("alice@example.org").accepts());  // nothing was kept
}

TEST_CASE("what is said of the address refuses it", "[relay][verifier]") {
    std::string const of_address = GENERATE(as<std::string>{}, "550 no such user", "551 not here", "553 mailbox name not allowed", "550 5.1.1 unknown",
                                            "554 5.1.10 null MX", "550 5.2.1 disabled", "550 5.4.1 Recipient address rejected: Access denied");
    gateway g{{answering(of_address)}};

    CHECK(g.validate("alice@example.org").kind() == verdict_kind::reject);
    CHECK(g.validate("alice@example.org").kind() == verdict_kind::reject);
    CHECK(g.server.connections() == 1);
}

TEST_CASE("an address that the next hop cannot take is refused for good, until it can", "[relay][verifier][utf8]") {
    gateway g{{{"220 hi", ">EHLO", "250 hi", "hang"},
               {"220 hi", ">EHLO", "250-hi\r\n250 SMTPUTF8", ">MAIL FROM:<> SMTPUTF8", "250 ok", ">RCPT TO:<j\xc3\xb6rg@", "250 ok", ">RSET", "250 ok", "hang"}}};

    auto const no = g.validate("j\xc3\xb6rg@example.org");

    CHECK(no.kind() == verdict_kind::reject);
    CHECK(no.code() == 550);
    CHECK(no.enhanced() == "5.6.7");
    CHECK(g.validate("j\xc3\xb6rg@example.org").accepts());
    CHECK(g.server.surprises().empty());
}

TEST_CASE("what else is in the store is no answer", "[relay][verifier]") {
    gateway g{{answering("250 ok"), answering("250 ok"), answering("250 ok"), answering("250 ok")}};
    std::string const key = "verify:" + g.server.hop().to_string() + " alice@example.org";
    for (std::string junk : {"", "x", "1 999 5.1.1 x", "5 354 x y"}) {
        run(g.io, g.store->set(key, junk, seconds{0})).value();
        CHECK(g.validate("alice@example.org").accepts());
    }
    CHECK(g.server.connections() == 4);
}

TEST_CASE("what a verifier lacks is named at the start", "[relay][verifier]") {
    gateway g{{}};
    auto const with = [&g](auto change) {
        auto settings = g.settings;
        change(settings);
        return recipient_verifier{g.asks, g.server.hop(), g.store, settings};
    };
    CHECK_THROWS_AS((recipient_verifier{nullptr, g.server.hop(), g.store, g.settings}), std::invalid_argument);
    CHECK_THROWS_AS((recipient_verifier{g.asks, next_hop{}, g.store, g.settings}), std::invalid_argument);
    CHECK_THROWS_AS((recipient_verifier{g.asks, g.server.hop(), nullptr, g.settings}), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.domains.clear(); }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.patience = {}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.patience = std::chrono::minutes{2}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.positive_keep = seconds{1}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.negative_keep = seconds{-1}, s.negative_refresh = seconds{-2}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.positive_refresh = seconds{-1}; }), std::invalid_argument);
    CHECK_THROWS_AS(with([](verifier_settings& s) { s.negative_keep = seconds::max(); }), std::invalid_argument);
}

}  // namespace test_recipient_verifier
