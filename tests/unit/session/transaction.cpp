#include <mailquay/session/transaction.hpp>

#include "support/catch.hpp"
#include "support/script.hpp"

#include <type_traits>

namespace test_transaction {

using namespace mailquay;
using mailquay_test::script;
using mailquay_test::session_host;

TEST_CASE("a transaction is not copied; its snapshot is", "[transaction]") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<transaction>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<transaction>);
    STATIC_REQUIRE(std::is_copy_constructible_v<envelope>);
}

TEST_CASE("a fresh transaction is empty", "[transaction]") {
    transaction none;
    CHECK(none.id().empty());
    CHECK(none.null_sender());
    CHECK(none.recipients().empty());
    CHECK(none.received_field().empty());
    CHECK(none.unknown_parameters().empty());
    auto const copy = none.snapshot();
    CHECK(copy.recipients.empty());
}

TEST_CASE("a hook sees addresses as sent and in normal form", "[transaction]") {
    script talk;
    std::vector<std::string> seen;
    talk.hooks.on_mail = [&](transaction const& mail) {
        seen = {std::string(mail.reverse_path().wire), std::string(mail.reverse_path().local_part), std::string(mail.reverse_path().domain)};
        return accept();
    };
    talk.hooks.on_recipient = [&](transaction const&, recipient const& to) {
        seen = {std::string(to.wire()), std::string(to.local_part()), std::string(to.domain())};
        return accept();
    };
    auto const saw = [&](std::vector<std::string> wanted) { return [&, wanted](session_host const&) { CHECK(seen == wanted); }; };
    talk.client("EHLO c").server("250");
    talk.client("MAIL FROM:<\"a b\"@EXAMPLE.org>").server("250").check(saw({"\"a b\"@EXAMPLE.org", "a b", "example.org"}));
    talk.client("RCPT TO:<Some.One@Example.NET>").server("250").check(saw({"Some.One@Example.NET", "Some.One", "example.net"}));
    talk.client("RCPT TO:<@relay:b@[IPv6:2001:DB8:0::1]>").server("250").check(saw({"b@[IPv6:2001:DB8:0::1]", "b", "[IPv6:2001:db8::1]"}));
    talk.client("RCPT TO:<\"\\b\\\"\"@x>").server("250").check(saw({"\"\\b\\\"\"@x", "b\"", "x"}));
    talk.client("RCPT TO:<pOSTMASTER>").server("250").check(saw({"pOSTMASTER", "postmaster", "mx.example.org"}));
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("a snapshot holds all of an envelope", "[transaction]") {
    script talk;
    auto const make = talk.make_info;
    talk.make_info = [make] {
        auto info = make();
        info.set_user("alice");
        info.set_tls({});
        return info;
    };
    talk.hooks.on_recipient = [](transaction const&, recipient const& to) {
        if (to.local_part() == "alias") return accept().deliver_to({"x@y", "z@y"});
        return accept().mailbox("box-" + std::string(to.local_part()));
    };
    talk.client("EHLO client.example").server("250");
    talk.client("MAIL FROM:<a@example.org> SIZE=3 BODY=8BITMIME").server("250");
    talk.client("RCPT TO:<b@example.org>").server("250").client("RCPT TO:<alias@example.org>").server("250");
    talk.client("DATA").server("354").client("x").client(".").server("250").check([](session_host const& host) {
        auto const& mail = host.messages().back().mail;
        CHECK(mail.id.size() == 12);
        CHECK(mail.reverse_path == "a@example.org");
        REQUIRE(mail.recipients.size() == 2);
        CHECK(mail.recipients[0].address == "b@example.org");
        CHECK(mail.recipients[0].mailbox == "box-b");
        CHECK(mail.recipients[0].deliver_to.empty());
        CHECK(mail.recipients[1].deliver_to == std::vector<std::string>{"x@y", "z@y"});
        CHECK(mail.hello_name == "client.example");
        CHECK(mail.client.address == *ip_address::parse("192.0.2.1"));
        CHECK(mail.user == "alice");
        CHECK(mail.secure);
        CHECK_FALSE(mail.smtputf8);
        CHECK(mail.body == body_type::eight_bit_mime);
        CHECK(mail.declared_size == 3u);
    });
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("an alias keeps a hundred members; one of more is refused, for the rest would be lost", "[transaction][rcpt]") {
    script talk;
    talk.hooks.on_recipient = [](transaction const&, recipient const& to) {
        auto const members = static_cast<std::size_t>(std::stoul(std::string(to.local_part())));
        return accept().deliver_to(std::vector<std::string>(members, "member@example.org"));
    };
    talk.client("EHLO c").server("250").client("MAIL FROM:<a@b>").server("250");
    talk.client("RCPT TO:<101@example.org>").server("451 4.3.0 Local error");
    talk.client("RCPT TO:<100@example.org>").server("250");
    talk.client("RCPT TO:<1000@example.org>").server("451 4.3.0 Local error");
    talk.client("DATA").server("354").client("x").client(".").server("250").check([](session_host const& host) {
        auto const& mail = host.messages().back().mail;
        REQUIRE(mail.recipients.size() == 1);
        CHECK(mail.recipients[0].deliver_to.size() == 100);
    });
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("nothing of one transaction is left in the next", "[transaction]") {
    script talk;
    talk.config.unknown = unknown_parameters::hand_over;
    int owner = 0;
    std::vector<std::string> handed;
    talk.hooks.on_mail = [&](transaction const& mail) {
        CHECK(mail.slot<int>(&owner)++ == 0);
        handed.assign(mail.unknown_parameters().begin(), mail.unknown_parameters().end());
        return accept();
    };
    talk.client("EHLO c").server("250");
    talk.client("MAIL FROM:<a@b> SIZE=5 FOO=bar BAZ").server("250").check([&](session_host const&) {
        CHECK(handed == std::vector<std::string>{"FOO=bar", "BAZ"});
    });
    talk.client("RSET").server("250");
    talk.client("MAIL FROM:<>").server("250").check([&](session_host const&) { CHECK(handed.empty()); });
    talk.client("RCPT TO:<c@d>").server("250").client("DATA").server("354").client(".").server("250");
    talk.check([](session_host const& host) {
        CHECK_FALSE(host.messages().back().mail.declared_size.has_value());
        CHECK(host.messages().back().mail.reverse_path.empty());
    });
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("a transaction that asks nothing keeps nothing for it", "[transaction]") {
    script talk;
    for (auto const& one : extension_registry::opt_in().all()) talk.config.extensions.add(one);
    talk.hooks.on_recipient = [](transaction const& mail, recipient const& to) {
        CHECK((to.asked != nullptr) == (to.local_part() == "asks"));
        CHECK(mail.requests().envid.empty());
        return accept();
    };
    talk.client("EHLO c").server("250").client("MAIL FROM:<a@b.example> SIZE=5").server("250");
    talk.client("RCPT TO:<c@d.example>").server("250");
    talk.client("RCPT TO:<asks@d.example> NOTIFY=NEVER").server("250");
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("parameters the library does not know are found by keyword, of MAIL and of each RCPT", "[transaction]") {
    script talk;
    talk.config.unknown = unknown_parameters::hand_over;
    talk.hooks.on_mail = [](transaction const& mail) {
        CHECK(mail.parameter("foo") == "a,b");
        CHECK(mail.parameter("BAZ") == "");
        CHECK_FALSE(mail.parameter("FO"));
        return accept();
    };
    talk.hooks.on_recipient = [](transaction const&, recipient const& to) {
        CHECK(to.parameter("X-One").has_value() == (to.local_part() == "c"));
        if (to.local_part() == "c") CHECK(to.parameter("x-one") == "1");
        return accept();
    };
    talk.client("EHLO c").server("250").client("MAIL FROM:<a@b.example> FOO=a,b baz").server("250");
    talk.client("RCPT TO:<c@d.example> X-ONE=1").server("250").client("RCPT TO:<e@d.example>").server("250");
    talk.client("DATA").server("354").client("x").client(".").server("250").check([](session_host const& host) {
        auto const& mail = host.messages().back().mail;
        CHECK(mail.unknown_parameters == std::vector<std::string>{"FOO=a,b", "baz"});
        CHECK(mail.recipients[0].requests.unknown == std::vector<std::string>{"X-ONE=1"});
        CHECK(mail.recipients[1].requests.unknown.empty());
    });
    talk.run_whole_bytewise_and_at_every_split();
}

}  // namespace test_transaction
