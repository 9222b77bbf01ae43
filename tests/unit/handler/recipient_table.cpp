#include <mailquay/handler/recipient_table.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <mailquay/base/idna.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace test_recipient_table {

using namespace mailquay;

std::string mailbox(recipient_table const& table, std::string_view local_part, std::string_view domain) {
    verdict const said = table.find(local_part, domain);
    REQUIRE(said.accepts());
    REQUIRE(said.resolved_addresses().empty());
    return std::string(said.resolved_mailbox());
}

void unknown(recipient_table const& table, std::string_view local_part, std::string_view domain) {
    verdict const said = table.find(local_part, domain);
    REQUIRE(said.kind() == verdict_kind::reject);
    REQUIRE(said.code() == 550);
    REQUIRE(said.enhanced() == "5.1.1");
}

std::string fault(auto make) {
    try {
        make();
    } catch (std::invalid_argument const& wrong) {
        return wrong.what();
    }
    return "none";
}

verdict asked(recipient_table& table, std::string_view wire, std::string_view local_part, std::string_view domain) {
    mailquay_test::made_transaction given;
    recipient const to{.forward_path = {wire, local_part, domain}};
    return table.validate(given.mail, to).value();
}

}  // namespace test_recipient_table

using namespace std::string_literals;

TEST_CASE("a known address is accepted with its mailbox, an unknown one of the domain refused, another domain passed",
          "[handler][recipient_table]") {
    mailquay::recipient_table const table{"alice@example.org", "bob@example.org"};

    CHECK(test_recipient_table::mailbox(table, "alice", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(table, "bob", "example.org") == "bob@example.org");
    test_recipient_table::unknown(table, "carol", "example.org");
    test_recipient_table::unknown(table, "", "example.org");
    CHECK(table.find("alice", "example.net").passes());
    CHECK(table.find("alice", "sub.example.org").passes());
    CHECK(table.find("alice", "").passes());
}

TEST_CASE("local parts compare without case unless the domain is case sensitive", "[handler][recipient_table]") {
    auto const table = mailquay::recipient_table{"Alice@Example.ORG"}.case_sensitive("strict.example").add("Bob@strict.example");

    CHECK(test_recipient_table::mailbox(table, "ALICE", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(table, "alice", "EXAMPLE.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(table, "Bob", "strict.example") == "Bob@strict.example");
    test_recipient_table::unknown(table, "bob", "strict.example");
    CHECK(test_recipient_table::fault([] {
              mailquay::recipient_table{"a@example.org"}.case_sensitive("example.org");
          }).find("before they are added") != std::string::npos);
}

TEST_CASE("a mailbox id of the host's own is handed on as it is", "[handler][recipient_table]") {
    auto const table = mailquay::recipient_table{}.add("alice@example.org", "user/17").add("@example.net", "all");

    CHECK(test_recipient_table::mailbox(table, "alice", "example.org") == "user/17");
    CHECK(test_recipient_table::mailbox(table, "anyone", "example.net") == "all");
}

TEST_CASE("any user of a domain has a mailbox of his own beside those known by name", "[handler][recipient_table]") {
    auto const table = mailquay::recipient_table{}.domain("example.org").add("alice@example.org", "a").add("@example.com");

    CHECK(test_recipient_table::mailbox(table, "alice", "example.org") == "a");
    CHECK(test_recipient_table::mailbox(table, "Zoe", "example.org") == "zoe@example.org");
    CHECK(test_recipient_table::mailbox(table, "x y", "example.com") == "\"x y\"@example.com");
    CHECK(test_recipient_table::mailbox(table, "../etc", "example.com") == "\"../etc\"@example.com");
    CHECK(table.find("zoe", "example.net").passes());
}

TEST_CASE("quoted and unquoted forms of a local part are the same", "[handler][recipient_table]") {
    mailquay::recipient_table const table{"\"alice\"@example.org", "\"b c\"@example.org"};

    CHECK(test_recipient_table::mailbox(table, "alice", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(table, "b c", "example.org") == "\"b c\"@example.org");
}

TEST_CASE("extensions are looked up whole first, and only where they are switched on", "[handler][recipient_table]") {
    auto const off = mailquay::recipient_table{"alice@example.org"};
    auto const on = mailquay::recipient_table{"alice@example.org", "alice+list@example.org", "@any.example"}.extension_separator('+');

    test_recipient_table::unknown(off, "alice+x", "example.org");
    CHECK(test_recipient_table::mailbox(on, "alice+x", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(on, "alice+x+y", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(on, "alice+", "example.org") == "alice@example.org");
    CHECK(test_recipient_table::mailbox(on, "Alice+LIST", "example.org") == "alice+list@example.org");
    CHECK(test_recipient_table::mailbox(on, "bob+x", "any.example") == "bob@any.example");
    CHECK(test_recipient_table::mailbox(on, "+x", "any.example") == "+x@any.example");
    test_recipient_table::unknown(on, "+alice", "example.org");
    test_recipient_table::unknown(on, "bob+alice", "example.org");
    for (char bad : {'a', '0', '.', '@', '\n', ' ', '\0'})
        CHECK_THROWS_AS(mailquay::recipient_table{}.extension_separator(bad), std::invalid_argument);
}

TEST_CASE("an alias resolves to the mailboxes of its members, once each, loops cut", "[handler][recipient_table]") {
    auto const table = mailquay::recipient_table{"alice@example.org"}
                           .add("bob@example.org", "b17")
                           .alias("one@example.org", {"ALICE@example.org"})
                           .alias("team@example.org", {"one@example.org", "bob@example.org", "alice@example.org", "x@elsewhere.example"})
                           .alias("a@example.org", {"b@example.org", "alice@example.org"})
                           .alias("b@example.org", {"a@example.org", "bob@example.org"})
                           .alias("out@example.org", {"x@elsewhere.example"})
                           .alias("self@example.org", {"self@example.org"});

    CHECK(test_recipient_table::mailbox(table, "one", "example.org") == "alice@example.org");
    CHECK(table.find("team", "example.org").resolved_addresses() ==
          std::vector{"alice@example.org"s, "b17"s, "x@elsewhere.example"s});
    CHECK(table.find("a", "example.org").resolved_addresses() == std::vector{"b17"s, "alice@example.org"s});
    CHECK(table.find("b", "example.org").resolved_addresses() == std::vector{"alice@example.org"s, "b17"s});
    CHECK(table.find("out", "example.org").resolved_addresses() == std::vector{"x@elsewhere.example"s});
    CHECK(table.find("out", "example.org").accepts());
    CHECK(table.find("self", "example.org").code() == 451);
    CHECK(table.problems() ==
          std::vector{"recipient_table: alias \"self@example.org\" stands for itself alone; give it another member"s});
}

TEST_CASE("aliases with too many members or too deep are a temporary refusal and reported", "[handler][recipient_table]") {
    mailquay::recipient_table table{"alice@example.org"};
    auto const name = [](std::string const& stem, int n) { return stem + std::to_string(n) + "@example.org"; };
    for (int i = 1; i < 10; ++i) table.alias(name("deep", i), {name("deep", i + 1)});
    table.alias("deep10@example.org", {"alice@example.org"});
    table.alias("deep0@example.org", {"deep1@example.org"});
    std::vector<std::string> half1, half2;
    for (int i = 0; i < 51; ++i) half1.push_back("h" + std::to_string(i) + "@a.example"), half2.push_back("h" + std::to_string(i) + "@b.example");
    table.alias("half1@example.org", half1).alias("half2@example.org", half2);
    table.alias("all@example.org", {"half1@example.org", "half2@example.org"}).alias("stale@example.org", {"gone@example.org", "alice@example.org"});

    CHECK(test_recipient_table::mailbox(table, "deep1", "example.org") == "alice@example.org");
    CHECK(table.find("deep0", "example.org").code() == 451);
    CHECK(table.find("half1", "example.org").resolved_addresses().size() == 51);
    CHECK(table.find("all", "example.org").code() == 451);
    CHECK(table.problems().size() == 3);

    std::vector<std::string> many(101, "x@example.org");
    CHECK_THROWS_AS(table.alias("many@example.org", many), std::invalid_argument);
    CHECK_THROWS_AS(table.alias("none@example.org", {}), std::invalid_argument);
}

TEST_CASE("postmaster is accepted in each domain, at the host and without a domain", "[handler][recipient_table]") {
    auto table = mailquay::recipient_table{"alice@example.org", "bob@example.net", "postmaster@own.example"}.hostname("MX.example.org");
    auto const answered = [&](std::string_view domain) { return test_recipient_table::mailbox(table, "PostMaster", domain); };

    CHECK(answered("example.org") == "alice@example.org");
    CHECK(answered("example.net") == "alice@example.org");
    CHECK(answered("own.example") == "postmaster@own.example");
    CHECK(answered("mx.example.org") == "alice@example.org");
    CHECK(table.find("alice", "mx.example.org").passes());
    CHECK(table.find("postmaster", "other.example").passes());

    mailquay::verdict const bare = test_recipient_table::asked(table, "pOSTMASTER", "postmaster", "some.other.host");
    CHECK(bare.accepts());
    CHECK(bare.resolved_mailbox() == "alice@example.org");
    CHECK(test_recipient_table::asked(table, "postmaster@some.other.host", "postmaster", "some.other.host").passes());

    table.postmaster("bob@example.net");
    CHECK(answered("example.org") == "bob@example.net");
    table.postmaster("ops@elsewhere.example");
    CHECK(table.find("postmaster", "example.org").resolved_addresses() == std::vector{"ops@elsewhere.example"s});

    mailquay::recipient_table nobody;
    CHECK(test_recipient_table::asked(nobody, "Postmaster", "postmaster", "mx.example.org").passes());
}

TEST_CASE("postmaster of a domain that takes any user is that user", "[handler][recipient_table]") {
    auto const table = mailquay::recipient_table{"alice@example.org"}.domain("any.example");
    auto const first = mailquay::recipient_table{}.domain("any.example").hostname("mx.example");

    CHECK(test_recipient_table::mailbox(table, "postmaster", "any.example") == "postmaster@any.example");
    CHECK(test_recipient_table::mailbox(first, "postmaster", "mx.example") == "postmaster@any.example");
}

TEST_CASE("domains may be given as U-labels and literals in any spelling", "[handler][recipient_table]") {
    mailquay::recipient_table const literal{"alice@[IPv6:2001:DB8:0::1]"};
    CHECK(literal.find("alice", "[IPv6:2001:db8::1]").accepts());
    CHECK(literal.find("alice", "[192.0.2.1]").passes());
    if (!mailquay::idna_built()) return;
    mailquay::recipient_table const table{"alice@b\u00fccher.example", "j\u00f6rg@b\u00fccher.example"};
    CHECK(test_recipient_table::mailbox(table, "alice", "xn--bcher-kva.example") == "alice@xn--bcher-kva.example");
    CHECK(test_recipient_table::mailbox(table, "j\u00f6rg", "xn--bcher-kva.example") == "j\u00f6rg@xn--bcher-kva.example");
}

TEST_CASE("a bad address is refused at start, naming it and the cure", "[handler][recipient_table]") {
    for (std::string bad : {"", "alice", "alice@", "@", "a b@example.org", "alice@exa mple.org", "alice@-x.example", "alice@x..y",
                            "alice@example.org.", "<alice@example.org>", "alice@[1.2.3]", "a\n@example.org", "@x@example.org"}) {
        CAPTURE(bad);
        std::string const said = test_recipient_table::fault([&] { mailquay::recipient_table{}.add(bad); });
        CHECK(said.find("recipient_table: \"") == 0);
        CHECK(said.find("write it as") != std::string::npos);
    }
    CHECK_THROWS_AS(mailquay::recipient_table{}.hostname("not a name"), std::invalid_argument);
    CHECK_THROWS_AS(mailquay::recipient_table{}.postmaster("nobody"), std::invalid_argument);
    CHECK_THROWS_AS((mailquay::recipient_table{}.alias("a@example.org", {"b"})), std::invalid_argument);
    CHECK_THROWS_AS((mailquay::recipient_table{"alice@example.org", "bob"}), std::invalid_argument);
}

TEST_CASE("the answer to a recipient comes at once", "[handler][recipient_table]") {
    mailquay::recipient_table table{"alice@example.org"};
    mailquay_test::made_transaction given;
    given.to("alice@example.org");

    auto said = table.validate(given.mail, given.last());

    REQUIRE(said.ready());
    CHECK(std::move(said).value().resolved_mailbox() == "alice@example.org");
}
