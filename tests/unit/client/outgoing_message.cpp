#include <mailquay/client/outgoing_message.hpp>

#include "support/catch.hpp"

namespace test_outgoing_message {

using namespace mailquay;

content_facts facts_of(std::string_view octets, std::size_t piece) {
    content_scanner scanner;
    while (!octets.empty()) {
        scanner.scan(octets.substr(0, piece));
        octets.remove_prefix(std::min(piece, octets.size()));
    }
    return scanner.facts();
}

TEST_CASE("a scanner tells what content needs, whatever the pieces", "[client][content]") {
    for (std::size_t const piece : {1u, 2u, 3u, 100u}) {
        auto const plain = facts_of("Subject: x\r\n\r\nhello\r\n", piece);
        CHECK_FALSE((plain.bare_line_ends || plain.nul || plain.eight_bit || plain.utf8_header));

        auto const body = facts_of("Subject: x\r\n\r\nh\xc3\xa4\r\n", piece);
        CHECK(body.eight_bit);
        CHECK_FALSE(body.utf8_header);
        auto const header = facts_of("Subject: \xc3\xa4\r\n\r\nh\r\n", piece);
        CHECK((header.eight_bit && header.utf8_header));

        CHECK(facts_of("a\nb\r\n", piece).bare_line_ends);
        CHECK(facts_of("a\rb\r\n", piece).bare_line_ends);
        CHECK(facts_of("a\r", piece).bare_line_ends);
        CHECK(facts_of("a\r\n\n", piece).bare_line_ends);
        CHECK(facts_of(std::string_view{"a\0b", 3}, piece).nul);
        CHECK_FALSE(facts_of("\r\n\xff", piece).utf8_header);
    }
    CHECK_FALSE(content_scanner{}.facts().bare_line_ends);
}

TEST_CASE("a received envelope goes on with what it asked for", "[client][message]") {
    envelope received;
    received.id = "ABC";
    received.reverse_path = "a@example.org";
    received.recipients.push_back({"b@example.net", "bob", {}, {}});
    received.recipients.back().requests.notify = dsn_notify::never;
    received.body = body_type::eight_bit_mime;
    received.smtputf8 = true;
    received.requests.envid = "id";
    received.auth = "a@example.org";

    outgoing_message const made{received, content_of("x")};

    CHECK(made.id == "ABC");
    CHECK(made.recipients.at(0).address == "b@example.net");
    CHECK(made.recipients.at(0).requests.notify == dsn_notify::never);
    CHECK(made.body == body_type::eight_bit_mime);
    CHECK(made.smtputf8);
    CHECK(made.requests.envid == "id");
    CHECK(made.auth == "a@example.org");
    CHECK(made.content->size() == 1);
}

TEST_CASE("a message from its parts", "[client][message]") {
    outgoing_message const made{"a@example.org", {"b@example.net", "c@example.net"}, "xyz"};

    CHECK(made.reverse_path == "a@example.org");
    REQUIRE(made.recipients.size() == 2);
    CHECK(made.recipients[1].address == "c@example.net");
    CHECK(made.content->size() == 3);
    CHECK_FALSE(made.facts);
}

}  // namespace test_outgoing_message
