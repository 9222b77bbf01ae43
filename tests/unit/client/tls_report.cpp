#include <mailquay/client/tls_report.hpp>

#include "support/catch.hpp"

#include <set>

/// RFC 8460 §4.3: what a session means for a report.
namespace test_tls_report {
using namespace mailquay;

TEST_CASE("results and types have the names of the RFC", "[tls_report]") {
    CHECK(to_string(tls_policy_type::no_policy_found) == "no-policy-found");
    CHECK(to_string(tls_policy_type::sts) == "sts");
    CHECK(to_string(tls_policy_type::tlsa) == "tlsa");
    std::set<std::string_view> names;
    for (unsigned i = 0; i <= static_cast<unsigned>(tls_result::sts_webpki_invalid); ++i) names.insert(to_string(static_cast<tls_result>(i)));
    CHECK(names.size() == 12);
    CHECK(to_string(tls_result::starttls_not_supported) == "starttls-not-supported");
    CHECK(to_string(tls_result::sts_webpki_invalid) == "sts-webpki-invalid");
}

TEST_CASE("a session says what came of TLS, or nothing", "[tls_report]") {
    using type = tls_policy_type;
    auto const of = [](send_report const& report, type measured) {
        auto const outcome = tls_outcome_of(report, measured);
        return outcome.known ? to_string(outcome.result) : "-";
    };
    send_report report;
    report.host = "mx.example.org";
    report.stage = send_stage::final_reply;
    CHECK(of(report, type::no_policy_found) == "starttls-not-supported");
    report.tls_given_up = true;
    CHECK(of(report, type::no_policy_found) == "validation-failure");
    report.tls.emplace();
    CHECK(of(report, type::no_policy_found) == "success");
    report.server.problem = "self-signed certificate";
    CHECK(of(report, type::sts) == "certificate-not-trusted");
    CHECK(of(report, type::tlsa) == "tlsa-invalid");
    report.server.problem = "hostname mismatch";
    CHECK(of(report, type::sts) == "certificate-host-mismatch");
    report.server.verified = true;
    CHECK(of(report, type::sts) == "success");

    send_report away;
    away.host = "mx.example.org";
    away.problem = hop_problem::unreachable;
    CHECK(of(away, type::sts) == "-");
    away.problem = hop_problem::no_tls;
    CHECK(of(away, type::sts) == "starttls-not-supported");
    away.problem = hop_problem::tls_failed;
    CHECK(of(away, type::sts) == "validation-failure");
    away.problem = hop_problem::not_verified;
    away.server.problem = "something new";
    CHECK(of(away, type::sts) == "validation-failure");
}

}  // namespace test_tls_report
