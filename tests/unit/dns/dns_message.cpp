#include <mailquay/dns/detail/dns_message.hpp>

#include "support/catch.hpp"
#include "support/fake_dns_server.hpp"

/// What comes from the wire is read as RFC 1035 says, or refused.
namespace test_dns_message {
using namespace mailquay;
using namespace mailquay::detail;
using mailquay_test::dns_question;

inline dns_question asked(std::string_view name, dns_type type) {
    dns_question question;
    question.octets = dns_query(0x1234, name, type, false);
    question.name = dns_question::wire_name(name);
    question.type = static_cast<std::uint16_t>(type);
    return question;
}

TEST_CASE("a name is asked for in one form", "[dns][message]") {
    CHECK(dns_name("Example.ORG.") == "example.org");
    CHECK(dns_name("_25._tcp.mx.example") == "_25._tcp.mx.example");
    for (std::string_view bad : {"", ".", "a..b", ".a", "a b", "a\\b", "a\nb", "m\xc3\xbcller.example"}) CHECK_FALSE(dns_name(bad));
    CHECK(dns_name(std::string(63, 'a') + ".b"));
    CHECK_FALSE(dns_name(std::string(64, 'a') + ".b"));
    std::string const longest = std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' + std::string(61, 'd');
    CHECK(dns_name(longest));
    CHECK_FALSE(dns_name(longest + "d"));
}

TEST_CASE("an address is asked for backwards", "[dns][message]") {
    CHECK(reverse_dns_name(*ip_address::parse("192.0.2.25")) == "25.2.0.192.in-addr.arpa");
    CHECK(reverse_dns_name(*ip_address::parse("::ffff:192.0.2.25")) == "25.2.0.192.in-addr.arpa");
    CHECK(reverse_dns_name(*ip_address::parse("2001:db8::567:89ab")) ==
          "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    CHECK_FALSE(reverse_dns_name({}));
}

TEST_CASE("a query is one question, with or without EDNS", "[dns][message]") {
    std::string const plain = dns_query(0xabcd, "a.bc", dns_type::mx, false);
    CHECK(plain == std::string{"\xab\xcd\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x01"
                               "a\x02"
                               "bc\x00\x00\x0f\x00\x01",
                               22});
    std::string const edns = dns_query(0xabcd, "a.bc", dns_type::mx, true);
    CHECK(edns.size() == plain.size() + 11);
    CHECK(edns[11] == 1);
    CHECK(edns.substr(plain.size()) == std::string{"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00", 11});
}

TEST_CASE("records of the type and the name are picked out, with the least time to live", "[dns][message]") {
    auto const question = asked("example.org", dns_type::mx);
    auto const reply = read_dns_reply(
        question.reply(0x00a0, {dns_question::record(question.name, 15, 300, dns_question::mx_data(10, "MX1.example.org")),
                                dns_question::record(question.name, 15, 60, dns_question::mx_data(20, "")),
                                dns_question::record(question.name, 1, 5, "\1\2\3\4"),
                                dns_question::record(dns_question::wire_name("other.org"), 15, 5, dns_question::mx_data(1, "evil"))}),
        "example.org", dns_type::mx);
    REQUIRE(reply);
    CHECK(reply->code == 0);
    CHECK(reply->authenticated);
    CHECK(reply->ttl == std::chrono::seconds{60});
    REQUIRE(reply->records.size() == 2);
    mx_record record;
    REQUIRE(read_dns_record(*reply, reply->records[0], record));
    CHECK(record.preference == 10);
    CHECK(record.exchange == "mx1.example.org");
    REQUIRE(read_dns_record(*reply, reply->records[1], record));
    CHECK(record.exchange.empty());
}

TEST_CASE("aliases are followed within the answer, in whatever order they come", "[dns][message]") {
    auto const question = asked("www.example.org", dns_type::a);
    std::string const b = dns_question::wire_name("b.example"), c = dns_question::wire_name("c.example");
    auto const reply = read_dns_reply(
        question.reply(0x0080, {dns_question::record(c, 1, 900, "\x7f\0\0\1"), dns_question::record(b, 5, 30, c), dns_question::record(question.name, 5, 600, b)}),
        "www.example.org", dns_type::a);
    REQUIRE(reply);
    CHECK(reply->name == "c.example");
    CHECK(reply->ttl == std::chrono::seconds{30});
    CHECK_FALSE(reply->authenticated);
    REQUIRE(reply->records.size() == 1);
}

TEST_CASE("aliases in a loop are no answer", "[dns][message]") {
    auto const question = asked("a.example", dns_type::a);
    std::string const b = dns_question::wire_name("b.example");
    CHECK_FALSE(read_dns_reply(question.reply(0x0080, {dns_question::record(question.name, 5, 9, b), dns_question::record(b, 5, 9, question.name)}),
                               "a.example", dns_type::a));
}

TEST_CASE("an alias without its target is left at the target", "[dns][message]") {
    auto const question = asked("a.example", dns_type::a);
    auto const reply =
        read_dns_reply(question.reply(0x0080, {dns_question::record(question.name, 5, 9, dns_question::wire_name("b.other"))}), "a.example", dns_type::a);
    REQUIRE(reply);
    CHECK(reply->name == "b.other");
    CHECK_FALSE(reply->denied);
    CHECK(reply->ttl == std::chrono::seconds{9});
}

TEST_CASE("a denial is kept as long as its SOA record says", "[dns][message]") {
    auto const question = asked("no.example", dns_type::a);
    auto const reply = read_dns_reply(
        question.reply(0x0083, {}, {dns_question::record(dns_question::wire_name("example"), 6, 3600, dns_question::soa_data(120))}), "no.example",
        dns_type::a);
    REQUIRE(reply);
    CHECK(reply->code == 3);
    CHECK(reply->denied);
    CHECK(reply->ttl == std::chrono::seconds{120});

    auto const without = read_dns_reply(question.reply(0x0083), "no.example", dns_type::a);
    REQUIRE(without);
    CHECK_FALSE(without->denied);
    CHECK(without->ttl == std::chrono::seconds{0});
}

TEST_CASE("a referral is told from an empty answer", "[dns][message]") {
    auto const question = asked("x.example", dns_type::a);
    auto const reply = read_dns_reply(
        question.reply(0, {}, {dns_question::record(dns_question::wire_name("example"), 2, 3600, dns_question::wire_name("ns.example"))}), "x.example",
        dns_type::a);
    REQUIRE(reply);
    CHECK(reply->referral);
}

TEST_CASE("the answer to another question is none", "[dns][message]") {
    auto const question = asked("a.example", dns_type::a);
    CHECK(read_dns_reply(question.reply(0x0080), "a.example", dns_type::a));
    CHECK_FALSE(read_dns_reply(question.reply(0x0080), "b.example", dns_type::a));
    CHECK_FALSE(read_dns_reply(question.reply(0x0080), "a.example", dns_type::aaaa));
    CHECK_FALSE(read_dns_reply(question.octets, "a.example", dns_type::a));  // a question
}

TEST_CASE("texts are joined, and certificates' digests kept as they are", "[dns][message]") {
    auto const question = asked("t.example", dns_type::txt);
    auto const reply = read_dns_reply(
        question.reply(0x0080, {dns_question::record(question.name, 16, 1, std::string{"\3abc\0\2de", 8}), dns_question::record(question.name, 16, 1, "\5abc")}),
        "t.example", dns_type::txt);
    REQUIRE(reply);
    std::string text;
    REQUIRE(read_dns_text(*reply, reply->records[0], text));
    CHECK(text == "abcde");
    CHECK_FALSE(read_dns_text(*reply, reply->records[1], text));  // longer than its record

    auto const tlsa_question = asked("_25._tcp.t.example", dns_type::tlsa);
    auto const tlsa = read_dns_reply(tlsa_question.reply(0x0080, {dns_question::record(tlsa_question.name, 52, 1, "\3\1\1XYZ")}), "_25._tcp.t.example",
                                     dns_type::tlsa);
    REQUIRE(tlsa);
    tlsa_record record;
    REQUIRE(read_dns_record(*tlsa, tlsa->records[0], record));
    CHECK(record.usage == 3);
    CHECK(record.selector == 1);
    CHECK(record.matching_type == 1);
    CHECK(record.data == "XYZ");
}

TEST_CASE("odd octets in a name cannot be taken for others", "[dns][message]") {
    auto const question = asked("1.2.0.192.in-addr.arpa", dns_type::ptr);
    auto const reply = read_dns_reply(question.reply(0x0080, {dns_question::record(question.name, 12, 1, std::string{"\5a.b\r\n\3org\0", 11})}),
                                      "1.2.0.192.in-addr.arpa", dns_type::ptr);
    REQUIRE(reply);
    std::string name;
    REQUIRE(read_dns_target(*reply, reply->records[0], name));
    CHECK(name == "a\\046b\\013\\010.org");
}

TEST_CASE("compression pointers lead back, or the answer is refused", "[dns][message]") {
    auto const question = asked("a.example", dns_type::mx);
    std::string const back{"\0\x0a\2mx\xc0\x0c", 7};     // to the question's name
    std::string const self{"\0\x0a\xc0\x32", 4};          // to itself
    std::string const ahead{"\0\x0a\xc0\xff", 4};
    auto const read = [&](std::string const& data) {
        auto const reply = read_dns_reply(question.reply(0x0080, {dns_question::record(question.name, 15, 1, data)}), "a.example", dns_type::mx);
        REQUIRE(reply);
        mx_record record;
        return read_dns_record(*reply, reply->records.at(0), record) ? record.exchange : "-";
    };
    CHECK(read(back) == "mx.a.example");
    CHECK(read(ahead) == "-");
    for (char at = '\x27'; at < '\x40'; ++at) CHECK(read(std::string{"\0\x0a\xc0", 3} + at).find("mx") == std::string::npos);
    CHECK(read(self) == "-");
    CHECK(read(std::string{"\0\x0a\x80" "a", 4}) == "-");  // neither length nor pointer
}

TEST_CASE("an answer cut anywhere is refused or whole", "[dns][message]") {
    auto const question = asked("example.org", dns_type::mx);
    std::string const whole =
        question.reply(0x0080, {dns_question::record(question.name, 15, 300, dns_question::mx_data(10, "mx.example.org"))},
                       {dns_question::record(question.name, 6, 3600, dns_question::soa_data(120))});
    REQUIRE(read_dns_reply(whole, "example.org", dns_type::mx));
    for (std::size_t cut = 0; cut < whole.size(); ++cut) CHECK_FALSE(read_dns_reply(whole.substr(0, cut), "example.org", dns_type::mx));
}

}  // namespace test_dns_message
