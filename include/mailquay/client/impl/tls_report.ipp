#include <mailquay/client/tls_report.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view to_string(tls_policy_type type) noexcept {
    switch (type) {
        case tls_policy_type::no_policy_found: return "no-policy-found";
        case tls_policy_type::sts: return "sts";
        case tls_policy_type::tlsa: return "tlsa";
    }
    return "no-policy-found";
}

MAILQUAY_DECL std::string_view to_string(tls_result result) noexcept {
    switch (result) {
        case tls_result::success: return "success";
        case tls_result::starttls_not_supported: return "starttls-not-supported";
        case tls_result::certificate_host_mismatch: return "certificate-host-mismatch";
        case tls_result::certificate_not_trusted: return "certificate-not-trusted";
        case tls_result::certificate_expired: return "certificate-expired";
        case tls_result::validation_failure: return "validation-failure";
        case tls_result::tlsa_invalid: return "tlsa-invalid";
        case tls_result::dnssec_invalid: return "dnssec-invalid";
        case tls_result::dane_required: return "dane-required";
        case tls_result::sts_policy_fetch_error: return "sts-policy-fetch-error";
        case tls_result::sts_policy_invalid: return "sts-policy-invalid";
        case tls_result::sts_webpki_invalid: return "sts-webpki-invalid";
    }
    return "validation-failure";
}

namespace detail {

// By the words of OpenSSL's verification: its numbers do not come this far.
inline tls_result tls_result_of(std::string_view problem, tls_policy_type type) noexcept {
    auto const says = [&](std::string_view word) { return problem.find(word) != std::string_view::npos; };
    if (type == tls_policy_type::tlsa) return tls_result::tlsa_invalid;
    if (says("expired")) return tls_result::certificate_expired;
    if (says("mismatch") || says("ostname") || says("name")) return tls_result::certificate_host_mismatch;
    if (says("self") || says("issuer") || says("trust") || says("verify the first")) return tls_result::certificate_not_trusted;
    return tls_result::validation_failure;
}

}  // namespace detail

MAILQUAY_DECL tls_outcome tls_outcome_of(send_report const& report, tls_policy_type type) {
    switch (report.problem) {
        case hop_problem::no_tls: return {true, tls_result::starttls_not_supported};
        case hop_problem::tls_failed: return {true, tls_result::validation_failure};
        case hop_problem::not_verified: return {true, detail::tls_result_of(report.server.problem.empty() ? report.text : report.server.problem, type)};
        default: break;
    }
    if (report.tls && (type == tls_policy_type::no_policy_found || report.server.verified)) return {true, tls_result::success};
    if (report.tls) return {true, detail::tls_result_of(report.server.problem, type)};  // a policy in testing
    if (report.tls_given_up) return {true, tls_result::validation_failure};
    bool const went_in_clear = report.stage > send_stage::authentication || report.problem == hop_problem::none;
    if (went_in_clear && !report.host.empty() && !report.reused) return {true, tls_result::starttls_not_supported};
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI
