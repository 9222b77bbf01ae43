#include <mailquay/session/extensions/auth.hpp>

#include "support/catch.hpp"
#include "support/script.hpp"

#include <stdexcept>

namespace test_extension_auth {

using namespace mailquay_test;
using standing = extensions::auth::standing;

session_info in_clear() {
    return session_info{ip_endpoint{*ip_address::parse("192.0.2.1"), 40000}, ip_endpoint{*ip_address::parse("192.0.2.25"), 587}};
}
session_info inside_tls() {
    session_info client = in_clear();
    client.set_tls(tls_info{"TLSv1.3"});
    return client;
}

TEST_CASE("mechanisms are announced in the host's order, inside TLS only unless a setting says otherwise", "[extensions][auth]") {
    auto const offers = [](session_info const&) { return mechanisms{"SCRAM-SHA-256", "PLAIN"}; };
    extensions::auth const usual{offers};
    CHECK(usual.offered(inside_tls()));
    CHECK(usual.announcement(inside_tls(), {}) == "SCRAM-SHA-256 PLAIN");
    CHECK_FALSE(usual.offered(in_clear()));
    CHECK(usual.announcement(in_clear(), {}).empty());

    CHECK(extensions::auth(offers, true).announcement(in_clear(), {}) == "SCRAM-SHA-256 PLAIN");
}

TEST_CASE("nothing is announced where the host offers nothing, or fails to say", "[extensions][auth]") {
    CHECK_FALSE(extensions::auth([](session_info const&) { return mechanisms{}; }).offered(inside_tls()));
    CHECK_FALSE(extensions::auth([](session_info const&) -> mechanisms { throw std::runtime_error("no"); }).offered(inside_tls()));
}

TEST_CASE("names that are none are not announced, nor more than a line holds", "[extensions][auth]") {
    extensions::auth const odd{[](session_info const&) { return mechanisms{"PL AIN", "", "A\r\nB", "ABCDEFGHIJKLMNOPQRSTU", "LOGIN"}; }};
    CHECK(odd.announcement(inside_tls(), {}) == "LOGIN");

    extensions::auth const many{[](session_info const&) { return mechanisms(100, "SCRAM-SHA-512-PLUS"); }};
    CHECK(many.announcement(inside_tls(), {}).size() < 500);
}

TEST_CASE("a mechanism that only TLS is lacking for is told from an unknown one", "[extensions][auth]") {
    extensions::auth const by_host{
        [](session_info const& client) { return client.secure() ? mechanisms{"SCRAM-SHA-1", "PLAIN"} : mechanisms{"SCRAM-SHA-1"}; }, true};
    CHECK(by_host.of("scram-sha-1", in_clear()) == standing::offered);
    CHECK(by_host.of("PLAIN", in_clear()) == standing::needs_tls);
    CHECK(by_host.of("PLAIN", inside_tls()) == standing::offered);
    CHECK(by_host.of("CRAM-MD5", in_clear()) == standing::unknown);
    CHECK(by_host.of("CRAM-MD5", inside_tls()) == standing::unknown);
}

TEST_CASE("a mechanism that is too weak is told from an unknown one", "[extensions][auth]") {
    auto const plain = [](session_info const&) { return mechanisms{"PLAIN"}; };
    extensions::auth const by_host{plain, false, {}, [](session_info const&) { return mechanisms{"CRAM-MD5", "PLAIN"}; }};
    for (auto const& client : {in_clear(), inside_tls()}) {
        CHECK(by_host.of("cram-md5", client) == standing::too_weak);
        CHECK(by_host.of("GSSAPI", client) == standing::unknown);
    }
    CHECK(by_host.of("PLAIN", inside_tls()) == standing::offered);
    CHECK(by_host.of("PLAIN", in_clear()) == standing::needs_tls);
    extensions::auth const fails{plain, false, {}, [](session_info const&) -> mechanisms { throw std::runtime_error("away"); }};
    CHECK(fails.of("CRAM-MD5", inside_tls()) == standing::unknown);
}


TEST_CASE("MAIL AUTH= is kept from those who may be believed, and is <> from others (RFC 4954 5)", "[extensions][auth]") {
    enum class who { stranger, user, trusted };
    auto const kept = [](who client, std::string parameter) {
        script talk;
        extensions::auth::trust trusts;
        if (client == who::trusted) trusts = [](session_info const& of) { return of.client().address == *ip_address::parse("192.0.2.1"); };
        talk.config.extensions.add(
            std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{"PLAIN"}; }, true, trusts));
        if (client == who::user)
            talk.make_info = [] {
                auto made = in_clear();
                made.set_user("alice");
                return made;
            };
        std::optional<std::string> found;
        talk.client("EHLO c").server("250");
        talk.client("MAIL FROM:<a@example.org> " + parameter).server("250 2.1.0");
        talk.client("RCPT TO:<b@example.org>").server("250 2.1.5");
        talk.client("DATA").server("354");
        talk.client(".").server("250").check([&](session_host const& host) { found = host.messages().back().mail.auth; });
        talk.run_whole();
        return found;
    };
    CHECK(kept(who::user, "AUTH=e+3Dmc2@example.com") == "e=mc2@example.com");
    CHECK(kept(who::trusted, "AUTH=e+3Dmc2@example.com") == "e=mc2@example.com");
    CHECK(kept(who::stranger, "AUTH=e+3Dmc2@example.com") == "");
    CHECK(kept(who::user, "auth=<>") == "");
    CHECK(kept(who::user, "SIZE=10") == std::nullopt);
}

}  // namespace test_extension_auth
