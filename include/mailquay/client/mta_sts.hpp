#pragma once

#include <mailquay/client/mta_sts_policy.hpp>
#include <mailquay/client/tls_report.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/resolver.hpp>
#include <mailquay/handler/store.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// What an `https_fetcher` is asked for.
struct https_request {
    std::string host{};  ///< to connect to, port 443, and to be named by the certificate
    std::string path{};
    std::size_t octets = max_mta_sts_octets;          ///< the most to read of a body
    std::chrono::milliseconds patience{60'000};       ///< RFC 8461 §3.3; who asked waits no longer either
};

/// Why nothing was fetched.
struct https_failure {
    explicit https_failure(std::string why, bool for_certificate = false) : text(std::move(why)), certificate(for_certificate) {}
    std::string text;
    bool certificate;  ///< the server's certificate did not verify
};

/// Fetches by HTTPS: GET, no redirects followed (RFC 8461 §3.3), no cache, the certificate verified by the system's
/// authorities. Gives the body of a 200 reply of type text/plain; anything else is a failure. Called by all executors at once.
using https_fetcher = std::function<eventual<result<std::string, https_failure>>(https_request)>;

/// When policies are looked at again.
struct mta_sts_settings {
    /// A policy that is kept is fetched anew after this time, though its id has not changed (RFC 8461 §3.3 suggests a day).
    std::chrono::seconds refresh{24 * 3600};
    /// After a failed fetch, the same id is tried again no sooner (RFC 8461 §3.3 suggests five minutes).
    std::chrono::seconds retry{300};
    /// For one fetch.
    std::chrono::milliseconds patience{60'000};
    /// Told of policies that could not be had (RFC 8460).
    tls_reporter report{};
};

/// What is known of a domain's policy.
struct mta_sts_found {
    std::optional<mta_sts_policy> policy{};  ///< absent: the domain has none, or none can be had
    std::string id{};                        ///< of `policy`
    bool kept = false;                       ///< it was fetched earlier
    tls_result problem = tls_result::success;  ///< of an attempt to fetch it now
    std::string text{};                      ///< of `problem`
};

/// Finds the MTA-STS policy of a domain (RFC 8461): the TXT record says whether it changed, HTTPS gives it, the store keeps it
/// for its `max_age`.
///
/// A policy that is kept holds until then, whatever becomes of DNS and HTTPS: an attacker who can suppress both must not undo
/// it. Without one, a domain whose policy cannot be had is as good as one without (§3.3). With a store that outlives the
/// process policies do, too.
///
/// Thread safety: safe.
class MAILQUAY_API mta_sts {
public:
    /// Throws `std::invalid_argument` naming what is missing or wrong.
    mta_sts(std::shared_ptr<resolver> dns, https_fetcher fetch, std::shared_ptr<store> policies, mta_sts_settings settings = {},
            std::shared_ptr<mailquay::clock> time = machine_clock());
    ~mta_sts();
    mta_sts(mta_sts const&);
    mta_sts& operator=(mta_sts const&);

    /// @param domain  of the recipients (not of their hosts), lower case, A-labels: `mx_route::domain`
    eventual<mta_sts_found> find(std::string domain) const;

private:
    struct state;
    std::shared_ptr<state const> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/mta_sts.ipp>
#endif
