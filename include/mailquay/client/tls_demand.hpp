#pragma once

#include <mailquay/client/dane.hpp>
#include <mailquay/client/hop_settings.hpp>
#include <mailquay/client/mta_sts.hpp>
#include <mailquay/client/mx_hosts.hpp>
#include <mailquay/client/tls_report.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/resolver.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What a host must show before it gets mail.
struct tls_demand {
    tls_policy_type type = tls_policy_type::no_policy_found;  ///< what says so
    tls_use use = tls_use::opportunistic;
    tls_verification verify = tls_verification::none;
    std::string name{};                  ///< for SNI, and what the certificate must bear
    std::vector<std::string> names{};    ///< further names that will do
    std::vector<tlsa_record> records{};  ///< of DANE
    /// The host's name is known to be right, by DNSSEC or by MTA-STS: one of the conditions of REQUIRETLS.
    bool name_is_secure = false;
    /// MTA-STS in testing: nothing is demanded, failures are reported.
    bool testing = false;

    MAILQUAY_DECL void apply_to(hop_settings& settings) const;
};

/// Whom to ask for policies, and whom to tell.
struct tls_demand_settings {
    bool dane = true;
    std::optional<mta_sts> sts{};
    tls_reporter report{};
};

/// What DANE and MTA-STS demand of the hosts of a domain. DANE goes first (RFC 8461 §2): a host with TLSA records is judged by
/// them alone. Without either TLS is opportunistic.
///
/// Thread safety: safe.
///
/// @code
/// auto asked = demands.of(route, host, 25);
/// auto const demand = co_await std::move(asked).wait();
/// if (!demand) continue;  // the next host of the route; it is told to the reporter
/// demand->apply_to(hop.settings);
/// @endcode
class MAILQUAY_API tls_demands {
public:
    /// Throws `std::invalid_argument` without a resolver.
    explicit tls_demands(std::shared_ptr<resolver> dns, tls_demand_settings settings = {});
    ~tls_demands();
    tls_demands(tls_demands const&);
    tls_demands& operator=(tls_demands const&);

    /// @return what is demanded; or why the host may not be used now, which is temporary: 451 4.7.5, for a host that an enforced
    ///         MTA-STS policy does not name, and for one whose TLSA look-up failed
    eventual<result<tls_demand, mx_failure>> of(mx_route route, mx_host host, std::uint16_t port = 25) const;
    /// What the policy of a domain says, of which `of()` demands something: equal for domains that demand the same of a host. Empty
    /// without one. DANE is of the host.
    eventual<std::string> policy_of(std::string domain) const;
    /// Tells the reporter what came of a session with `host`.
    void came_out(mx_route const& route, mx_host const& host, tls_demand const& demand, send_report const& report) const;
    /// The same, for who only looks: tells no reporter.
    tls_demands without_report() const;

private:
    struct state;
    std::shared_ptr<state const> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/tls_demand.ipp>
#endif
