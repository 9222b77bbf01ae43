#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/client/send_report.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 8460 §4.2: which policy a session was measured by.
enum class tls_policy_type : std::uint8_t { no_policy_found, sts, tlsa };
/// The name in reports: `no-policy-found`. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(tls_policy_type type) noexcept;

/// RFC 8460 §4.3: what came of it.
enum class tls_result : std::uint8_t {
    success,
    starttls_not_supported,
    certificate_host_mismatch,
    certificate_not_trusted,
    certificate_expired,
    validation_failure,      ///< whatever has no name of its own
    tlsa_invalid,            ///< no TLSA record matches, or none can be used
    dnssec_invalid,          ///< a look-up failed that DNSSEC should have answered
    dane_required,
    sts_policy_fetch_error,
    sts_policy_invalid,
    sts_webpki_invalid,      ///< the policy host's certificate
};
/// The name in reports: `starttls-not-supported`. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(tls_result result) noexcept;

/// A fact for the reports that RFC 8460 describes. Who collects and sends them is the host's business.
struct tls_report {
    tls_policy_type type = tls_policy_type::no_policy_found;
    std::string domain{};    ///< of the recipients: "policy-domain"
    tls_result result = tls_result::success;
    std::string mx_host{};   ///< "receiving-mx-hostname"; empty where none was talked to
    ip_address address{};    ///< "receiving-ip"; none where none was talked to
    std::string reason{};    ///< "failure-reason-code", in words; may hold what the server said
};

/// Told facts as they become known. Called from every executor that sends mail: it is thread-safe, returns soon, and must not
/// throw.
using tls_reporter = std::function<void(tls_report const&)>;

/// What a session says about TLS, measured by a policy of `type`. A session that failed for other reasons before TLS was
/// decided says nothing: `known` is false.
struct tls_outcome {
    bool known = false;
    tls_result result = tls_result::success;
};
MAILQUAY_DECL tls_outcome tls_outcome_of(send_report const& report, tls_policy_type type);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/tls_report.ipp>
#endif
