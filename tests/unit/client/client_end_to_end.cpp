#include <mailquay/client/client.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"

#include <mailquay/handler/collecting_sink.hpp>
#include <mailquay/handler/relay_for.hpp>
#include <mailquay/sasl/client_mechanisms.hpp>
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/server/server.hpp>
#include <mailquay/tls/client_context.hpp>
#include <mailquay/tls/context.hpp>

#include <asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

/// The client against mailquay's own server: TLS, login, LMTP, large messages.
namespace test_client_end_to_end {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// A server that takes all mail, or that of users only.
struct receiver {
    explicit receiver(profile kind = profile::mx(), std::string_view where = "127.0.0.1:0", made_certificate const* certificate = nullptr) {
        serves.emplace(io, server_config{.hostname = "mx.example.org"});
        serves->recipients([](transaction const&, recipient const&) { return accept(); });
        serves->sink(collecting_sink{[this](received_message got) { messages.push_back(std::move(got)); }});
        if (certificate != nullptr) {
            tls::context_config config;
            config.certificates.push_back({.chain_pem = certificate->chain, .key_pem = certificate->key});
            serves->tls(std::make_shared<tls::context>(config));
        }
        if (kind.auth && *kind.auth != auth_mode::off) serves->authentication(sasl::mechanisms{sasl::user_table{{"alice", "wonderland"}}});
        at = serves->listen(where, kind);
    }
    next_hop hop() const {
        next_hop made{"127.0.0.1", at.port()};
        if (at.is_unix()) made.unix_path = at.path;
        return made;
    }
    send_report deliver(client& with, next_hop const& to, outgoing_message const& message) {
        std::optional<send_report> got;
        with.send(to, message, [&got](send_report report) { got = std::move(report); });
        while (!got && io.run_one_for(30s) != 0) {}
        REQUIRE(got);
        return *got;
    }

    asio::io_context io;
    std::vector<received_message> messages{};
    std::optional<server> serves{};
    listen_endpoint at{};
};

client_config trusting(made_certificate const& authority) {
    client_config made;
    made.hello_name = "client.example";
    made.tls = std::make_shared<tls::client_context>(tls::client_context_config{.ca_pem = authority.chain});
    return made;
}
outgoing_message mail() { return outgoing_message{"alice@client.example", {"bob@example.org"}, "Subject: x\r\n\r\n.\r\nhello\r\n"}; }

TEST_CASE("mail goes in clear where there is no TLS, and arrives as it was", "[client][server]") {
    receiver takes;
    client sends{takes.io, {.hello_name = "client.example"}};

    auto const got = takes.deliver(sends, takes.hop(), mail());

    CHECK(got.delivered());
    CHECK_FALSE(got.tls);
    CHECK(got.offers.pipelining);
    REQUIRE(takes.messages.size() == 1);
    CHECK(takes.messages[0].octets.ends_with("Subject: x\r\n\r\n.\r\nhello\r\n"));
    CHECK(takes.messages[0].envelope.reverse_path == "alice@client.example");
}

TEST_CASE("opportunistic TLS takes any certificate; a demand is kept", "[client][server][tls]") {
    auto const authority = make_certificate({.names = {"CA"}, .alternative_names = false, .authority = true});
    auto const good = make_certificate({.names = {"mx.example.org"}, .issuer = &authority});
    receiver takes{profile::mx(), "127.0.0.1:0", &good};
    client sends{takes.io, trusting(authority)};
    auto to = takes.hop();
    SECTION("any") {
        auto const got = takes.deliver(sends, to, mail());
        CHECK(got.delivered());
        REQUIRE(got.tls);
        CHECK(got.tls->protocol == "TLSv1.3");
        CHECK_FALSE(got.server.verified);  // 127.0.0.1 is not its name
        CHECK(takes.messages.at(0).envelope.secure);
    }
    SECTION("the right one") {
        to.settings.verify = tls_verification::certificate;
        to.settings.tls_name = "mx.example.org";
        auto const got = takes.deliver(sends, to, mail());
        CHECK(got.delivered());
        CHECK(got.server.verified);
        CHECK(got.server.matched == "mx.example.org");
    }
    SECTION("another's") {
        to.settings.verify = tls_verification::certificate;
        to.settings.tls_name = "mx.example.net";
        auto const got = takes.deliver(sends, to, mail());
        CHECK(got.problem == hop_problem::not_verified);
        CHECK(got.text == "hostname mismatch");
        CHECK(takes.messages.empty());
    }
    SECTION("TLS demanded of a client that has none") {
        client bare{takes.io, {.hello_name = "client.example"}};
        to.settings.tls = tls_use::required;
        CHECK(takes.deliver(bare, to, mail()).problem == hop_problem::no_tls);
    }
}

TEST_CASE("a large message goes through TLS and comes out the same", "[client][server][tls]") {
    auto const certificate = make_certificate();
    auto kind = profile::mx();
    kind.tls = tls_mode::implicit;
    receiver takes{kind, "127.0.0.1:0", &certificate};
    client sends{takes.io, trusting(certificate)};
    auto to = takes.hop();
    to.settings.tls = tls_use::implicit;
    std::string octets = "Subject: large\r\n\r\n";
    for (int i = 0; octets.size() < 3'000'000; ++i) octets += (i % 5 == 0 ? "." : "line ") + std::to_string(i) + "\r\n";

    auto const got = takes.deliver(sends, to, outgoing_message{"a@b.example", {"bob@example.org"}, octets});

    CHECK(got.delivered());
    REQUIRE(takes.messages.size() == 1);
    CHECK(takes.messages[0].octets.ends_with(octets));
}

TEST_CASE("chunks arrive as they were, binary ones too", "[client][server][chunking]") {
    receiver takes;
    client sends{takes.io, {.hello_name = "client.example"}};
    auto to = takes.hop();
    to.settings.chunking = chunking_use::where_offered;
    std::string octets = "Subject: x\r\n\r\n" + std::string(300'000, '.') + "\r\n";
    CHECK(takes.deliver(sends, to, outgoing_message{"a@b.example", {"bob@example.org"}, octets}).delivered());
    REQUIRE(takes.messages.size() == 1);
    CHECK(takes.messages[0].octets.ends_with(octets));
}

TEST_CASE("a user logs in by the best mechanism, inside TLS only", "[client][server][auth]") {
    auto const certificate = make_certificate();
    receiver takes{profile::submission(), "127.0.0.1:0", &certificate};
    client sends{takes.io, trusting(certificate)};
    auto to = takes.hop();
    to.settings.tls = tls_use::required;
    SECTION("with the password") {
        to.settings.credentials = std::make_shared<sasl::client_login>("alice", secret{std::string_view{"wonderland"}});
        CHECK(takes.deliver(sends, to, mail()).delivered());
        CHECK(takes.messages.at(0).envelope.user == "alice");
    }
    SECTION("with another") {
        to.settings.credentials = std::make_shared<sasl::client_login>("alice", secret{std::string_view{"x"}});
        auto const got = takes.deliver(sends, to, mail());
        CHECK(got.problem == hop_problem::authentication_failed);
        CHECK(got.reply.code == 535);
        CHECK(got.recipients[0].state == recipient_state::untried);
    }
}

TEST_CASE("LMTP over a UNIX socket", "[client][server][lmtp]") {
    std::string const path = "/tmp/mailquay-client-" + std::to_string(::getpid()) + ".sock";
    receiver takes{profile::lmtp(), "unix:" + path};
    client sends{takes.io, {.hello_name = "client.example"}};
    auto to = takes.hop();
    to.settings.protocol = dialect::lmtp;
    auto message = mail();
    message.recipients.push_back({"carol@example.org", {}});

    auto const got = takes.deliver(sends, to, message);

    CHECK(got.delivered());
    CHECK(got.recipients[1].stage == send_stage::final_reply);
    takes.serves.reset();
    ::unlink(path.c_str());
}

}  // namespace test_client_end_to_end
