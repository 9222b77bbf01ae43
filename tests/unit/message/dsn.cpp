#include <mailquay/message/dsn.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace test_dsn {

using namespace mailquay;
using namespace std::chrono_literals;

constexpr std::string_view header = "Received: from a by b;\r\n\tdate\r\nFrom: Ada <ada@example.net>\r\nMessage-ID: <m1@example.net>\r\nSubject: hello\r\n";

dsn_report report_of(dsn_recipient one) {
    dsn_report report;
    report.id = "ZZZZZZZZZZZ0";
    report.reporting_mta = "mx.example.org";
    report.to = "ada@example.net";
    report.date = std::chrono::system_clock::time_point{1'800'000'000s};
    report.original = header;
    report.recipients.push_back(std::move(one));
    return report;
}

dsn_recipient failed(std::string address = "bob@example.com", std::string reply = "550 5.1.1 no such user") {
    dsn_recipient one;
    one.address = std::move(address);
    one.status = status_of_reply(reply);
    one.diagnostic = std::move(reply);
    one.remote_mta = "mail.example.com";
    return one;
}

bool holds(std::string const& text, std::string_view piece) { return text.find(piece) != text.npos; }

std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    while (!text.empty()) {
        auto const end = std::min(text.find("\r\n"), text.size());
        longest = std::max(longest, end);
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return longest;
}

// The part that begins behind the nth boundary.
std::string part(std::string const& octets, int nth) {
    std::string const line = "\r\n--=_ZZZZZZZZZZZ0_report\r\n";
    std::size_t at = 0;
    for (int i = 0; i < nth; ++i) at = octets.find(line, at) + line.size();
    return octets.substr(at, octets.find("\r\n--=_ZZZZZZZZZZZ0_report", at) - at);
}

TEST_CASE("a failure is told to people, to programs, and with the header of the message", "[message][dsn]") {
    auto report = report_of(failed());
    report.envelope_id = "QQ314159";
    report.arrival = std::chrono::system_clock::time_point{1'799'990'000s};
    report.recipients[0].original_type = "rfc822";
    report.recipients[0].original_address = "robert@example.com";
    report.recipients[0].last_attempt = report.date;

    auto const made = make_dsn(report);

    CHECK_FALSE(made.eight_bit);
    CHECK_FALSE(made.utf8);
    auto const top = made.octets.substr(0, made.octets.find("\r\n\r\n") + 2);
    CHECK(holds(top, "From: Mail system <MAILER-DAEMON@mx.example.org>\r\n"));
    CHECK(holds(top, "To: <ada@example.net>\r\n"));
    CHECK(holds(top, "Auto-Submitted: auto-replied\r\n"));
    CHECK(holds(top, "References: <m1@example.net>\r\n"));
    CHECK(holds(top, "multipart/report; report-type=delivery-status;"));
    CHECK(holds(part(made.octets, 1), "<bob@example.com>\r\n    mail.example.com said: 550 5.1.1 no such user\r\n"));
    CHECK(part(made.octets, 2) ==
          "Content-Type: message/delivery-status\r\nContent-Description: The same for programs\r\n\r\n"
          "Original-Envelope-Id: QQ314159\r\nReporting-MTA: dns; mx.example.org\r\n"
          "Arrival-Date: Fri, 15 Jan 2027 05:13:20 +0000\r\n\r\n"
          "Original-Recipient: rfc822; robert@example.com\r\nFinal-Recipient: rfc822; bob@example.com\r\n"
          "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mail.example.com\r\n"
          "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
          "Last-Attempt-Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n");
    CHECK(holds(part(made.octets, 3), "Content-Type: text/rfc822-headers\r\n"));
    CHECK(holds(part(made.octets, 3), std::string("\r\n\r\n").append(header)));
    CHECK(made.octets.ends_with("\r\n--=_ZZZZZZZZZZZ0_report--\r\n"));
    CHECK(is_ascii(made.octets));
}

TEST_CASE("each outcome has its action, and a status of its class", "[message][dsn]") {
    struct row {
        dsn_action action;
        std::string_view given, name, status;
    };
    for (auto const& one : {row{dsn_action::failed, "5.7.1", "failed", "5.7.1"}, row{dsn_action::failed, "4.4.1", "failed", "4.4.1"},
                            row{dsn_action::failed, "2.0.0", "failed", "5.0.0"}, row{dsn_action::delayed, "4.4.1", "delayed", "4.4.1"},
                            row{dsn_action::delayed, "", "delayed", "4.0.0"}, row{dsn_action::delivered, "2.1.5", "delivered", "2.1.5"},
                            row{dsn_action::relayed, "nonsense", "relayed", "2.0.0"}, row{dsn_action::expanded, "5.1.1", "expanded", "2.0.0"}}) {
        auto given = failed();
        given.action = one.action;
        given.status = one.given;
        auto const status = part(make_dsn(report_of(given)).octets, 2);
        CHECK(holds(status, "Action: " + std::string(one.name) + "\r\nStatus: " + std::string(one.status) + "\r\n"));
    }
}

TEST_CASE("a delay says until when it is tried", "[message][dsn]") {
    auto given = failed("bob@example.com", "451 4.4.1 busy");
    given.action = dsn_action::delayed;
    given.retry_until = std::chrono::system_clock::time_point{1'800'400'000s};

    auto const made = make_dsn(report_of(given));

    CHECK(holds(made.octets, "Will-Retry-Until: Tue, 19 Jan 2027 23:06:40 +0000\r\n"));
    CHECK(holds(made.octets, "Subject: Mail delayed\r\n"));
}

TEST_CASE("what a peer said cannot add a field, a part or a long line", "[message][dsn][hostile]") {
    auto given = failed("bob@example.com", "550 x\r\nAction: delivered\n--=_ZZZZZZZZZZZ0_report\r\n" + std::string(3000, 'y') + "\0z\x80");
    given.remote_mta = "mail\r\nStatus: 2.0.0";
    auto const made = make_dsn(report_of(given));

    CHECK_FALSE(holds(made.octets, "\nAction: delivered"));
    CHECK_FALSE(holds(made.octets, "\nStatus: 2.0.0"));
    CHECK(is_ascii(made.octets));
    CHECK(longest_line(made.octets) <= 998);
    std::size_t boundaries = 0;
    for (auto at = made.octets.find("\n--=_"); at != made.octets.npos; at = made.octets.find("\n--=_", at + 1)) ++boundaries;
    CHECK(boundaries == 4);
}

TEST_CASE("an address with UTF-8 is written in ASCII unless the notice goes to one", "[message][dsn][utf8]") {
    auto given = failed("b\xc3\xb6" "b+x@example.com");
    given.original_type = "utf-8";
    given.original_address = "b\xc3\xb6\\@example.com";
    auto report = report_of(given);

    auto const ascii = make_dsn(report);
    CHECK_FALSE(ascii.utf8);
    CHECK(is_ascii(ascii.octets));
    CHECK(holds(ascii.octets, "Final-Recipient: utf-8; b\\x{F6}b\\x{2B}x@example.com\r\n"));
    CHECK(holds(ascii.octets, "Original-Recipient: utf-8; b\\x{F6}\\x{5C}@example.com\r\n"));
    CHECK(holds(ascii.octets, "Content-Type: message/delivery-status\r\n"));
    // People are told it as it is.
    constexpr std::string_view begin = "Content-Type: text/plain; charset=utf-8\r\nContent-Description: What happened\r\n"
                                       "Content-Transfer-Encoding: base64\r\n\r\n";
    auto const at = ascii.octets.find(begin);
    REQUIRE(at != std::string::npos);
    std::string encoded = ascii.octets.substr(at + begin.size());
    encoded.resize(encoded.find("\r\n\r\n"));
    CHECK(encoded.substr(0, encoded.find('\r')).size() == 76);
    std::erase_if(encoded, [](char c) { return c == '\r' || c == '\n'; });
    auto const text = base64_decode(encoded);
    REQUIRE(text);
    CHECK(holds(*text, "\r\n<b\xc3\xb6" "b+x@example.com>\r\n"));

    report.to = "\xc3\xa4" "da@example.net";
    auto const utf8 = make_dsn(report);
    CHECK(utf8.utf8);
    CHECK(utf8.eight_bit);
    CHECK(holds(utf8.octets, "report-type=global-delivery-status;"));
    CHECK(holds(utf8.octets, "Content-Type: message/global-delivery-status\r\n"));
    CHECK(holds(utf8.octets, "Final-Recipient: utf-8; b\xc3\xb6" "b+x@example.com\r\n"));
}

TEST_CASE("a header with UTF-8 is returned in base64 where the way back may not take it", "[message][dsn][utf8]") {
    std::string const original = "Subject: gr\xc3\xbc\xc3\x9f" "e\r\n";
    auto report = report_of(failed());
    report.original = original;

    auto const made = make_dsn(report);

    CHECK(is_ascii(made.octets));
    auto const shown = part(made.octets, 3);
    CHECK(holds(shown, "Content-Type: message/global-headers\r\n"));
    CHECK(holds(shown, "Content-Transfer-Encoding: base64\r\n"));
    CHECK(holds(shown, "\r\n\r\n" + base64_encode(original)));
}

TEST_CASE("the whole message comes back if it is wanted, small, and made of lines", "[message][dsn]") {
    std::string const whole = std::string(header) + "\r\nbody \xc3\xa4\r\n";
    auto report = report_of(failed());
    report.whole_original = true;

    report.original = whole;
    auto const full = make_dsn(report);
    CHECK(full.eight_bit);
    CHECK(holds(part(full.octets, 3), "Content-Type: message/rfc822\r\n"));
    CHECK(holds(part(full.octets, 3), whole));

    for (std::string const& other : {whole + "bare\nline\r\n", whole + std::string(dsn_whole_octets, 'x'),
                                     whole + std::string(1200, 'x') + "\r\n", whole + std::string("\0\r\n", 3), whole + "\r"}) {
        report.original = other;
        auto const only_header = make_dsn(report);
        CHECK(holds(only_header.octets, "Content-Type: text/rfc822-headers\r\n"));
        CHECK_FALSE(holds(only_header.octets, "body"));
        CHECK_FALSE(only_header.eight_bit);
    }
}

TEST_CASE("what extensions asked of the message is told", "[message][dsn]") {
    auto report = report_of(failed());
    report.deliver_by = report.date;
    report.future_release = "for; 3600";
    auto const status = part(make_dsn(report).octets, 2);
    CHECK(holds(status, "Deliver-By-Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"));
    CHECK(holds(status, "Future-Release-Request: for; 3600\r\n"));
}

TEST_CASE("the status of a reply is its own, or one of its class", "[message][dsn]") {
    CHECK(status_of_reply("550 5.1.1 no") == "5.1.1");
    CHECK(status_of_reply("550 no") == "5.0.0");
    CHECK(status_of_reply("550 4.1.1 no") == "5.0.0");
    CHECK(status_of_reply("451 4.4.1") == "4.4.1");
    CHECK(status_of_reply("250 2.0.0 Ok") == "2.0.0");
    CHECK(status_of_reply("") == "4.0.0");
    CHECK(status_of_reply("nonsense") == "4.0.0");
}

}  // namespace test_dsn
