#include <mailquay/message/received.hpp>

#include <mailquay/message/header_walker.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace test_received {

using namespace mailquay;

inline constexpr std::string_view date = "Mon, 23 Nov 2026 21:18:00 +0000";

inline received_fields ordinary() {
    return {.helo = "client.example",
            .ptr = "mail.client.example",
            .address = "192.0.2.1",
            .hostname = "mx.example.org",
            .with = "ESMTP",
            .id = "0K3V9XQ2M4TB",
            .recipient = "alice@example.org",
            .date = date};
}

inline std::string written(received_fields const& parts) {
    std::string out;
    append_received(out, parts);
    return out;
}

inline std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    while (!text.empty()) {
        auto const end = text.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        longest = std::max(longest, end);
        text.remove_prefix(end + 2);
    }
    return longest;
}

/// One well-formed field, and nothing behind it.
inline bool is_one_field(std::string_view text) {
    header_walker walker{text};
    auto const field = walker.next();
    return field && field->is("Received") && field->whole == text && text.ends_with("\r\n");
}

}  // namespace test_received

TEST_CASE("An ordinary Received field reads as RFC 5321 4.4 has it", "[message][received]") {
    using namespace test_received;

    CHECK(written(ordinary()) ==
          "Received: from client.example (mail.client.example [192.0.2.1])\r\n"
          "\tby mx.example.org with ESMTP id 0K3V9XQ2M4TB for <alice@example.org>;\r\n"
          "\tMon, 23 Nov 2026 21:18:00 +0000\r\n");
}

TEST_CASE("It appends to what is there", "[message][received]") {
    using namespace test_received;
    std::string out = "Return-Path: <>\r\n";

    append_received(out, ordinary());

    CHECK(out == "Return-Path: <>\r\n" + written(ordinary()));
}

TEST_CASE("Its parts may view what it appends to", "[message][received]") {
    using namespace test_received;
    for (std::size_t const before : {std::size_t{0}, std::size_t{100}}) {
        std::string out = std::string(before, ' ') + "bob@example.org";
        received_fields fields = ordinary();
        fields.recipient = std::string_view{out}.substr(before);

        append_received(out, fields);

        CHECK(out.find("for <bob@example.org>;") != std::string::npos);
    }
}

TEST_CASE("Written in two steps it is the same field, in the room it says", "[message][received]") {
    using namespace test_received;
    std::string const word(300, 'w');
    std::string const recipient(900, 'r');
    std::vector<received_fields> all{ordinary()};
    auto const add = [&](auto change) {
        all.push_back(ordinary());
        change(all.back());
    };
    add([](received_fields& parts) { parts.recipient = {}; });
    add([](received_fields& parts) { parts.client = received_client::none; });
    add([](received_fields& parts) { parts.client = received_client::hidden; });
    add([](received_fields& parts) { parts.user = "alice"; });
    add([](received_fields& parts) { parts.tls_cipher = "TLS_AES_256_GCM_SHA384", parts.tls_group = "x25519", parts.tls_protocol = "TLSv1.3"; });
    add([&](received_fields& parts) {
        parts.helo = parts.ptr = parts.hostname = parts.with = parts.id = parts.tls_cipher = parts.tls_group = parts.tls_protocol = word;
        parts.recipient = recipient;
    });
    received_begin begin;  // of the one before
    for (auto const& parts : all) {
        begin_received(begin, parts);
        std::vector<char> room(most_received_octets(begin, parts.id, parts.recipient, parts.date));  // on the heap: sanitizers see what goes beyond
        std::size_t const octets = write_received(room.data(), begin, parts.id, parts.recipient, parts.date);

        REQUIRE(octets <= room.size());
        CHECK(std::string_view{room.data(), octets} == written(parts));
    }
}

TEST_CASE("Without a verified name it says unknown; IPv6 addresses bear their tag", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.ptr = {};
    parts.address = "2001:db8::1";

    CHECK(written(parts).starts_with("Received: from client.example (unknown [IPv6:2001:db8::1])\r\n\tby "));
}

TEST_CASE("A client without an address has no literal", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.ptr = {};
    parts.address = {};

    CHECK(written(parts).starts_with("Received: from client.example (unknown)\r\n\tby "));
}

TEST_CASE("Without a helo name it says unknown", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.helo = {};

    CHECK(written(parts).starts_with("Received: from unknown (mail.client.example [192.0.2.1])\r\n"));
}

TEST_CASE("There is no for clause without a single recipient", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.recipient = {};

    CHECK(written(parts) ==
          "Received: from client.example (mail.client.example [192.0.2.1])\r\n"
          "\tby mx.example.org with ESMTP id 0K3V9XQ2M4TB;\r\n"
          "\tMon, 23 Nov 2026 21:18:00 +0000\r\n");
}

TEST_CASE("TLS is told by clauses, its version by a comment", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.with = "ESMTPS";
    parts.tls_cipher = "TLS_AES_256_GCM_SHA384";

    CHECK(written(parts).find("\ttls TLS_AES_256_GCM_SHA384; Mon, ") != std::string::npos);
    parts.tls_group = "x25519";
    CHECK(written(parts) ==
          "Received: from client.example (mail.client.example [192.0.2.1])\r\n"
          "\tby mx.example.org with ESMTPS id 0K3V9XQ2M4TB for <alice@example.org>\r\n"
          "\ttls TLS_AES_256_GCM_SHA384 group x25519; Mon, 23 Nov 2026 21:18:00 +0000\r\n");
    parts.tls_protocol = "TLSv1.3";
    CHECK(written(parts).find("\ttls TLS_AES_256_GCM_SHA384 group x25519 (TLSv1.3);\r\n") != std::string::npos);
    parts.tls_cipher = {};
    CHECK(written(parts).find("x25519") == std::string::npos);
}

TEST_CASE("A hidden client shows neither name nor address", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.client = received_client::hidden;

    CHECK(written(parts).starts_with("Received: from [authenticated]\r\n\tby mx.example.org with ESMTP id "));
    parts.client = received_client::none;
    CHECK(written(parts).starts_with("Received: by mx.example.org with ESMTP id 0K3V9XQ2M4TB\r\n\tfor "));
    for (auto const mode : {received_client::hidden, received_client::none}) {
        parts.client = mode;
        CHECK(written(parts).find("client.example") == std::string::npos);
        CHECK(written(parts).find("192.0.2.1") == std::string::npos);
    }
}

TEST_CASE("The user is named only if given, and cannot leave the comment", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    CHECK(written(parts).find("authenticated") == std::string::npos);
    parts.user = "al ice)(\\\r\n\x7f\xc3";

    auto const field = written(parts);

    CHECK(field.find("(authenticated as al ice" + std::string(7, '?') + ")\r\n\tby ") != std::string::npos);
    CHECK(is_one_field(field));
}

TEST_CASE("Nothing in a helo name can add a field, a clause, a comment or an address", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    auto const with_helo = [&](std::string_view helo) {
        parts.helo = helo;
        auto const field = written(parts);
        CHECK(is_one_field(field));
        auto const from = field.find(" from ") + 6;
        return field.substr(from, field.find_first_of(" \r", from) - from);
    };

    CHECK(with_helo("a_b-c.example") == "a_b-c.example");
    CHECK(with_helo("[192.0.2.7]") == "[192.0.2.7]");
    CHECK(with_helo("[IPv6:2001:db8::7]") == "[IPv6:2001:db8::7]");
    CHECK(with_helo("x\r\nBcc: y") == "x??Bcc??y");
    CHECK(with_helo("x (mail.bank.example [192.0.2.9]) by y;") == "x??mail.bank.example??192.0.2.9???by?y?");
    CHECK(with_helo("[192.0.2.7] (x [192.0.2.9]") == "[192.0.2.7???x??192.0.2.9]");
    CHECK(with_helo("[a b(c)\\]") == "[a?b?c??]");
    CHECK(with_helo("[") == "?");
    CHECK(with_helo("[]") == "??");
    CHECK(with_helo("b\xc3\xbc"
                    "cher.example") == "b??cher.example");
    CHECK(with_helo(std::string_view{"a\0b", 3}) == "a?b");
    CHECK(with_helo("<a@b>\"c\",:;") == "?a?b??c????");
    CHECK(with_helo("a\tb\x7f") == "a?b?");
}

TEST_CASE("Nothing in a PTR name can add anything either", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.ptr = "evil [192.0.2.9]) (\r\nX: y";

    CHECK(written(parts).find("(evil??192.0.2.9??????X??y [192.0.2.1])") != std::string::npos);
    CHECK(is_one_field(written(parts)));
}

TEST_CASE("Each octet at each place of a name is kept or made harmless, in short and in long names",
          "[message][received]") {
    using namespace test_received;
    std::string_view const atext = "!#$%&'*+-/=?^_`{|}~.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::size_t wrong = 0;

    for (std::size_t const size : {1u, 7u, 8u, 9u, 16u, 21u}) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int octet = 0; octet < 256; ++octet) {
                auto const c = static_cast<char>(octet);
                std::string name(size, 'n'), wanted = name;
                name[at] = c;
                wanted[at] = atext.find(c) != std::string_view::npos ? c : '?';
                auto parts = ordinary();
                parts.helo = name;
                parts.ptr = name;
                parts.recipient = name;
                auto const field = written(parts);
                bool const control = octet < 32 || octet == 127;
                if (!field.starts_with("Received: from " + wanted + " (" + wanted + " [192.0.2.1])\r\n")) ++wrong;
                if ((field.find(" for <" + name + ">") != std::string::npos) == control) ++wrong;
            }
        }
    }

    CHECK(wrong == 0);
}

TEST_CASE("A recipient with a control character is left out", "[message][received]") {
    using namespace test_received;
    auto parts = ordinary();
    parts.recipient = "\"a\r\n b\"@example.org";

    CHECK(written(parts).find(" for ") == std::string::npos);
    parts.recipient = "\"a b\"@example.org";
    CHECK(written(parts).find(" for <\"a b\"@example.org>") != std::string::npos);
    parts.recipient = "j\xc3\xbcrgen@example.org";
    CHECK(written(parts).find(" for <j\xc3\xbcrgen@example.org>") != std::string::npos);
}

TEST_CASE("Lines keep to 78 octets as long as the words allow", "[message][received]") {
    using namespace test_received;
    std::size_t longest = 0;

    for (std::size_t helo = 1; helo <= 76; ++helo) {
        for (std::size_t other = 1; other <= 74; other += 3) {
            auto parts = ordinary();
            std::string const helo_name(helo, 'h'), ptr(other, 'p'), hostname(other, 'b'), recipient(other, 'r');
            parts.helo = helo_name;
            parts.ptr = ptr;
            parts.hostname = hostname;
            parts.recipient = recipient;
            parts.address = "2001:db8:1111:2222:3333:4444:5555:6666";
            parts.tls_cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
            parts.tls_group = "SecP256r1MLKEM768";
            auto const field = written(parts);
            longest = std::max(longest, longest_line(field));
            if (!is_one_field(field)) FAIL(field);
            auto words = unfold(find_first(field, "Received")->value);
            std::replace(words.begin(), words.end(), '\t', ' ');
            if (words != "from " + helo_name + " (" + ptr + " [IPv6:2001:db8:1111:2222:3333:4444:5555:6666]) by " +
                             hostname + " with ESMTP id 0K3V9XQ2M4TB for <" + recipient +
                             "> tls TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 group SecP256r1MLKEM768; " +
                             std::string{date}) {
                FAIL(words);
            }
        }
    }

    CHECK(longest <= 78);
    CHECK(longest >= 77);
}

TEST_CASE("No line is longer than 998 octets whatever the client says", "[message][received]") {
    using namespace test_received;

    for (std::size_t const octets : {77u, 255u, 256u, 900u, 901u, 998u, 2048u, 12288u, 100000u}) {
        std::string const much(octets, 'a');
        std::string const literal = "[" + much + "]";
        for (auto const& helo : {much, literal}) {
            received_fields const parts{.helo = helo,
                                        .ptr = much,
                                        .address = much,
                                        .user = much,
                                        .hostname = much,
                                        .with = much,
                                        .id = much,
                                        .recipient = much,
                                        .tls_cipher = much,
                                        .tls_group = much,
                                        .tls_protocol = much,
                                        .date = much};
            auto const field = written(parts);
            INFO(octets);
            CHECK(longest_line(field) <= 998);
            CHECK(is_one_field(field));
            CHECK((field.find("<" + much + ">") != std::string::npos) == (octets <= 900));
        }
    }
}

TEST_CASE("Empty parts are left out and leave a field that can be read", "[message][received]") {
    using namespace test_received;

    CHECK(written({}) == "Received: from unknown (unknown)\r\n\tby  with SMTP; \r\n");
    CHECK(is_one_field(written({})));
}

TEST_CASE("The with keywords are those registered", "[message][received]") {
    using namespace test_received;

    CHECK(with_keyword(false, false, false, false, false) == "SMTP");
    CHECK(with_keyword(true, false, false, false, false) == "ESMTP");
    CHECK(with_keyword(true, false, false, true, false) == "ESMTPS");
    CHECK(with_keyword(true, false, false, false, true) == "ESMTPA");
    CHECK(with_keyword(true, false, false, true, true) == "ESMTPSA");
    CHECK(with_keyword(true, true, false, false, false) == "LMTP");
    CHECK(with_keyword(true, true, false, true, false) == "LMTPS");
    CHECK(with_keyword(true, true, false, false, true) == "LMTPA");
    CHECK(with_keyword(true, true, false, true, true) == "LMTPSA");
    CHECK(with_keyword(true, false, true, false, false) == "UTF8SMTP");
    CHECK(with_keyword(true, false, true, true, false) == "UTF8SMTPS");
    CHECK(with_keyword(true, false, true, false, true) == "UTF8SMTPA");
    CHECK(with_keyword(true, false, true, true, true) == "UTF8SMTPSA");
    CHECK(with_keyword(true, true, true, false, false) == "UTF8LMTP");
    CHECK(with_keyword(true, true, true, true, false) == "UTF8LMTPS");
    CHECK(with_keyword(true, true, true, false, true) == "UTF8LMTPA");
    CHECK(with_keyword(true, true, true, true, true) == "UTF8LMTPSA");
}

TEST_CASE("No flags lead to a keyword that is not registered", "[message][received]") {
    using namespace test_received;
    // RFC 3848 and RFC 6531 §4.3.
    std::set<std::string_view> const registered{
        "SMTP",     "ESMTP",     "ESMTPA",    "ESMTPS",     "ESMTPSA",  "LMTP",      "LMTPA",     "LMTPS",     "LMTPSA",
        "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA", "UTF8LMTP", "UTF8LMTPA", "UTF8LMTPS", "UTF8LMTPSA"};

    for (unsigned bits = 0; bits < 32; ++bits) {
        auto const keyword = with_keyword(bits & 1, bits & 2, bits & 4, bits & 8, bits & 16);
        CHECK(registered.count(keyword) == 1);
        CHECK((keyword.find('S', keyword.find("MTP")) != std::string_view::npos) == ((bits & 8) != 0));
        CHECK((keyword.back() == 'A') == ((bits & 16) != 0));
    }
}
