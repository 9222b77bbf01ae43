#include <mailquay/client/send_report.hpp>

#include "support/catch.hpp"

namespace test_send_report {

using namespace mailquay;

TEST_CASE("delivered means: for every recipient, and for one at least", "[client][report]") {
    send_report report;
    CHECK_FALSE(report.delivered());
    report.recipients.resize(2);
    report.recipients[0].state = recipient_state::delivered;
    CHECK_FALSE(report.delivered());
    report.recipients[1].state = recipient_state::delivered;
    CHECK(report.delivered());
}

TEST_CASE("a summary names the first thing that went wrong", "[client][report]") {
    send_report report;
    report.host = "mx.example";
    report.recipients.resize(2);
    report.recipients[0].state = recipient_state::delivered;
    report.recipients[0].reply = {250, "2.0.0", "queued"};
    report.recipients[1].state = recipient_state::delivered;
    CHECK(report.summary() == "delivered: 250 2.0.0 queued");

    report.recipients[1].state = recipient_state::permanent;
    report.recipients[1].reply = {550, "5.1.1", "no\nsuch \x01 user"};
    CHECK(report.summary() == "permanent: 550 5.1.1 no such ? user");
    report.recipients[1].reply = {};
    report.recipients[1].status = "5.6.3";
    report.recipients[1].problem = "too odd";
    CHECK(report.summary() == "permanent: 5.6.3 too odd");

    report.problem = hop_problem::refused;
    report.reply = {554, "", "go away"};
    CHECK(report.summary() == "mx.example: refused: 554 go away");
    report.reply = {};
    report.problem = hop_problem::tls_failed;
    report.text = "no shared cipher";
    CHECK(report.summary() == "mx.example: TLS handshake failed: no shared cipher");
    CHECK(send_report{}.summary() == "nobody to send to");
}

TEST_CASE("stages, states and problems have names", "[client][report]") {
    for (int i = 0; i <= static_cast<int>(send_stage::final_reply); ++i) CHECK_FALSE(to_string(static_cast<send_stage>(i)).empty());
    for (int i = 0; i <= static_cast<int>(recipient_state::unknown); ++i) CHECK_FALSE(to_string(static_cast<recipient_state>(i)).empty());
    for (int i = 0; i <= static_cast<int>(hop_problem::cancelled); ++i) CHECK_FALSE(to_string(static_cast<hop_problem>(i)).empty());
}

}  // namespace test_send_report
