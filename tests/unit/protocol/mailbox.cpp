#include <mailquay/protocol/mailbox.hpp>

#include <mailquay/base/idna.hpp>
#include <mailquay/base/utf8.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/test_data.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>

using namespace mailquay;

namespace test_mailbox {

protocol_errc fault(std::string_view text, address_options options = {}) {
    auto const found = parse_mailbox(text, options);
    return found ? protocol_errc{} : found.error().code;
}

std::string unquoted(std::string_view local_part) {
    std::string out = "before";
    std::string const in_string{local_part_unquoted(local_part, out)};
    std::array<char, 100> memory{};
    CHECK(local_part_unquoted(local_part, std::span<char>{memory}) == in_string);
    CHECK(out.starts_with("before"));
    return in_string;
}

std::string quoted(std::string_view unquoted_part) {
    std::string out;
    append_local_part(out, unquoted_part);
    return out;
}

/// Undoes the notation of the suites: U+2400+n stands for control character n.
std::string isemail_address(std::string const& text) {
    std::string out;
    cursor in{text};
    while (!in.at_end()) {
        auto const code_point = decode_utf8(in);
        REQUIRE(code_point);
        bool const control = *code_point >= 0x2400 && *code_point <= 0x241f;
        append_utf8(out, control ? *code_point - 0x2400 : *code_point);
    }
    return out;
}

/// Where a diagnosis of isemail and the grammar of RFC 5321 §4.1.2 differ, and why.
struct difference {
    std::string_view diagnosis;
    bool accepted_here;
    std::string_view reason;
};

// isemail speaks of addr-spec in RFC 5322; categories up to ISEMAIL_RFC5321 should be accepted, those above (comments,
// folding,
// obsolete forms, general literals) should not.
inline constexpr difference differences[] = {
    {"ISEMAIL_RFC5321_IPV6DEPRECATED", true,
     "'::' for one group: RFC 4291 §2.2 allows it, RFC 5952 only discourages it"},
    {"ISEMAIL_RFC5322_LOCAL_TOOLONG", true, "64 octets are what must be accepted (RFC 5321 §4.5.3.1.1), not the most"},
    {"ISEMAIL_RFC5322_TOOLONG", true, "254 octets follow from the limit on paths; likewise no maximum here"},
};

bool may_differ(std::string_view diagnosis, bool accepted_here) {
    for (auto const& one : differences) {
        if (one.diagnosis == diagnosis && one.accepted_here == accepted_here) return true;
    }
    return false;
}

}  // namespace test_mailbox

namespace test_mailbox {

TEST_CASE("A mailbox is a local part and a domain", "[protocol][mailbox]") {
    auto const plain = parse_mailbox("alice+tag@Example.org");
    REQUIRE(plain);
    CHECK(plain->local_part == "alice+tag");
    CHECK(plain->domain == "Example.org");
    CHECK_FALSE((plain->quoted || plain->literal || plain->utf8));

    auto const strange = parse_mailbox("\"a @ \\\"b\\\\\"@[IPv6:::1]");
    REQUIRE(strange);
    CHECK(strange->local_part == "\"a @ \\\"b\\\\\"");
    CHECK(strange->domain == "[IPv6:::1]");
    CHECK(strange->quoted);
    CHECK(strange->literal);
}

TEST_CASE("A mailbox is read as far as its domain goes", "[protocol][mailbox]") {
    cursor in{"a.b@c.example> SIZE=1"};
    auto const found = parse_mailbox(in);
    REQUIRE(found);
    CHECK(in.rest() == "> SIZE=1");
}

TEST_CASE("What is no mailbox is refused by its fault", "[protocol][mailbox]") {
    CHECK(fault("") == protocol_errc::empty_local_part);
    CHECK(fault("@b.example") == protocol_errc::empty_local_part);
    CHECK(fault("a") == protocol_errc::missing_domain);
    CHECK(fault("a@") == protocol_errc::empty_domain);
    CHECK(fault("a b@c.example") == protocol_errc::bad_local_part);
    CHECK(fault("a(c)@b.example") == protocol_errc::bad_local_part);
    CHECK(fault(" a@b.example") == protocol_errc::bad_local_part);
    CHECK(fault("a..b@c.example") == protocol_errc::misplaced_dot);
    CHECK(fault(".a@c.example") == protocol_errc::misplaced_dot);
    CHECK(fault("a.@c.example") == protocol_errc::misplaced_dot);
    CHECK(fault("a@b@c.example") == protocol_errc::bad_domain);
    CHECK(fault("a@b.example ") == protocol_errc::bad_domain);
    CHECK(fault("a@[1.2.3.4]x") == protocol_errc::bad_address_literal);
    CHECK(fault("\"a@b.example") == protocol_errc::unterminated_quote);
    CHECK(fault("\"a\\") == protocol_errc::unterminated_quote);
    CHECK(fault("\"a\\\"@b.example") == protocol_errc::unterminated_quote);
    CHECK(fault("\"a\nb\"@b.example") == protocol_errc::bad_quoted_string);
    CHECK(fault("\"a\\\nb\"@b.example") == protocol_errc::bad_quoted_string);
    CHECK(fault("\"a\x7f\"@b.example") == protocol_errc::bad_quoted_string);
    CHECK(fault("\"a\"b@c.example") == protocol_errc::bad_local_part);
    CHECK(fault("a\"b\"@c.example") == protocol_errc::bad_local_part);
    CHECK(fault(std::string_view{"a\0@c.example", 12}) == protocol_errc::bad_local_part);
    CHECK(fault(std::string_view{"\"a\0\"@c.example", 14}) == protocol_errc::bad_quoted_string);
    CHECK(parse_mailbox("ab cd@e.example").error().position == 2);
}

TEST_CASE("No octet but those of RFC 5321 stands in a local part", "[protocol][mailbox]") {
    for (int octet = 0; octet < 128; ++octet) {
        std::string const c(1, static_cast<char>(octet));
        bool const atext = octet != 0 &&
                           std::string_view{
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "!#$%&'*+-/=?^_`{|}~"}
                                   .find(c) != std::string_view::npos;
        bool const plain = atext || c == ".";
        bool const printable = octet >= 32 && octet <= 126;
        INFO(octet);
        CHECK(parse_mailbox("x" + c + "y@z.example").has_value() == (plain));
        CHECK(parse_mailbox("\"x" + c + "y\"@z.example").has_value() ==
              (printable && c != "\"" && octet != '\\' ? true : octet == '\\'));
        CHECK(parse_mailbox("\"x\\" + c + "\"@z.example").has_value() == printable);
    }
}

TEST_CASE("UTF-8 in an address needs SMTPUTF8, and is told from bad syntax", "[protocol][mailbox][smtputf8]") {
    address_options const utf8{.utf8 = true};
    auto const found = parse_mailbox("\xc3\xbcser@b.example", utf8);
    REQUIRE(found);
    CHECK(found->utf8);
    CHECK(fault("\xc3\xbcser@b.example") == protocol_errc::utf8_not_allowed);
    CHECK(fault("\"\xc3\xbc s\"@b.example", utf8) == protocol_errc{});
    CHECK(fault("\"\xc3\xbc s\"@b.example") == protocol_errc::utf8_not_allowed);
    CHECK(fault("\xc3\xbc..a@b.example") == protocol_errc::misplaced_dot);
    CHECK(fault("\xc3\xbc@b..example") == protocol_errc::empty_label);
    CHECK(fault("\x80@b.example", utf8) == protocol_errc::bad_utf8);
    CHECK(fault("a\xc3@b.example", utf8) == protocol_errc::bad_utf8);
    CHECK(fault("\"\\\xc3\xbc\"@b.example", utf8) == protocol_errc::bad_quoted_string);
    CHECK(fault("a\xe2\x80\xae"
                "b@b.example",
                utf8) == protocol_errc::forbidden_character);
    CHECK(fault("\"a\xe2\x80\x8b\"@b.example", utf8) == protocol_errc::forbidden_character);
    CHECK(parse_mailbox("ab\xc3\xbc@b.example").error().position == 2);
    if (idna_built()) {
        CHECK(parse_mailbox("a@b\xc3\xbc"
                            "cher.example",
                            utf8)
                  ->utf8);
        CHECK(fault("a@b\xc3\xbc"
                    "cher.example") == protocol_errc::utf8_not_allowed);
    }
}

TEST_CASE("Long local parts are taken, unless lengths are strict", "[protocol][mailbox]") {
    address_options const strict{.strict_lengths = true};
    auto with = [](std::size_t octets) { return std::string(octets, 'a') + "@b.example"; };
    CHECK(fault(with(64), strict) == protocol_errc{});
    CHECK(fault(with(65), strict) == protocol_errc::local_part_too_long);
    CHECK(fault(with(1000)) == protocol_errc{});
}

TEST_CASE("Quotes come off a local part and go on again", "[protocol][mailbox]") {
    CHECK(unquoted("alice") == "alice");
    CHECK(unquoted("\"alice\"") == "alice");
    CHECK(unquoted("\"\"").empty());
    CHECK(unquoted("\"a\\\"b\\\\c\\d\"") == "a\"b\\cd");
    CHECK(quoted("alice.b") == "alice.b");
    CHECK(quoted("a b") == "\"a b\"");
    CHECK(quoted("a\"b\\") == "\"a\\\"b\\\\\"");
    CHECK(quoted("") == "\"\"");
    CHECK(needs_quotes(".a"));
    CHECK(needs_quotes("a."));
    CHECK(needs_quotes("a..b"));
    CHECK(needs_quotes("a@b"));
    CHECK_FALSE(needs_quotes("\xc3\xbc"));
    for (auto text : {"a\"b", "\\", "x y", ".", "plain"}) CHECK(unquoted(quoted(text)) == text);
}

TEST_CASE("The domain of a mailbox is normalised, be it a name or a literal", "[protocol][mailbox]") {
    auto normal = [](std::string_view text) {
        std::string out;
        append_normalised_domain(out, *parse_mailbox(text));
        return out;
    };
    CHECK(normal("a@EXAMPLE.org") == "example.org");
    CHECK(normal("a@[ipv6:0:0:0::1]") == "[IPv6:::1]");
    CHECK(normal("a@[192.0.2.1]") == "[192.0.2.1]");
}

TEST_CASE("The isemail suites agree but for the differences that are listed with their reasons",
          "[protocol][mailbox][isemail]") {
    std::map<std::string, std::array<int, 3>> table;
    std::set<std::string_view> used;
    for (auto file : {"isemail/tests.xml", "isemail/tests-original.xml"}) {
        auto const text = mailquay_test::read_data(file);
        if (!text) {
            WARN(file << " is not at hand");
            return;
        }
        for (auto const& test : mailquay_test::xml_elements(*text, "test")) {
            auto const address = isemail_address(mailquay_test::xml_text(test, "address"));
            auto const category = mailquay_test::xml_text(test, "category");
            auto const diagnosis = mailquay_test::xml_text(test, "diagnosis");
            bool const wanted =
                category == "ISEMAIL_VALID_CATEGORY" || category == "ISEMAIL_DNSWARN" || category == "ISEMAIL_RFC5321";
            bool const accepted = parse_mailbox(address).has_value();
            auto& row = table[category];
            ++row[0];
            ++row[accepted ? 1 : 2];
            if (accepted == wanted) continue;
            INFO(category << " " << diagnosis << " " << address);
            CHECK(may_differ(diagnosis, accepted));
            for (auto const& one : differences) {
                if (one.diagnosis == diagnosis) used.insert(one.diagnosis);
            }
        }
    }
    std::printf("isemail: category, addresses, accepted, refused\n");
    for (auto const& [category, row] : table)
        std::printf("  %-24s %4d %4d %4d\n", category.c_str(), row[0], row[1], row[2]);
    for (auto const& one : differences) {
        INFO(one.diagnosis);
        CHECK(used.count(one.diagnosis) == 1);
        std::printf("  %.*s %s: %.*s\n", static_cast<int>(one.diagnosis.size()), one.diagnosis.data(),
                    one.accepted_here ? "accepted" : "refused", static_cast<int>(one.reason.size()), one.reason.data());
    }
}

}  // namespace test_mailbox
