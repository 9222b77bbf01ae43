#include <mailquay/client/tls_demand.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void tls_demand::apply_to(hop_settings& settings) const {
    settings.tls = use;
    settings.verify = verify;
    settings.tls_name = name;
    settings.tls_names = names;
    settings.tlsa = records;
    settings.name_is_secure = name_is_secure;
}

struct tls_demands::state {
    static asio::awaitable<result<tls_demand, mx_failure>> of(std::shared_ptr<state const> self, mx_route route, mx_host host, std::uint16_t port) {
        using answer = result<tls_demand, mx_failure>;
        tls_demand demand;
        demand.name_is_secure = route.secure && host.secure;
        if (self->settings.dane) {
            auto asked = find_dane(self->dns, route, host, port);
            dane_found dane = co_await std::move(asked).wait();
            if (dane.state == dane_state::failed) {
                self->tell(route, host, tls_policy_type::tlsa, tls_result::dnssec_invalid, "the look-up of TLSA records failed");
                co_return answer{mx_failure{451, "4.7.5", "the look-up of TLSA records of " + host.name + " failed"}};
            }
            if (dane.state == dane_state::usable || dane.state == dane_state::unusable) {
                demand.type = tls_policy_type::tlsa;
                demand.use = tls_use::required;
                demand.name = dane.base;
                if (dane.state == dane_state::usable) {
                    demand.verify = tls_verification::dane;
                    demand.names = std::move(dane.names);
                    demand.records = std::move(dane.records);
                } else {
                    self->tell(route, host, tls_policy_type::tlsa, tls_result::tlsa_invalid, "no TLSA record can be used");
                }
                co_return answer{std::move(demand)};
            }
        }
        if (!self->settings.sts) co_return answer{std::move(demand)};
        auto asked = self->settings.sts->find(route.domain);
        mta_sts_found const sts = co_await std::move(asked).wait();
        if (!sts.policy || sts.policy->mode == mta_sts_mode::none) co_return answer{std::move(demand)};
        demand.type = tls_policy_type::sts;
        demand.testing = sts.policy->mode == mta_sts_mode::testing;
        bool const named = sts.policy->matches(host.name);
        if (!named) self->tell(route, host, tls_policy_type::sts, tls_result::validation_failure, "the policy does not name this host");
        if (!named && !demand.testing)
            co_return answer{mx_failure{451, "4.7.5", "the MTA-STS policy of " + route.domain + " does not name its host " + host.name}};
        if (!demand.testing) {
            demand.use = tls_use::required;
            demand.verify = tls_verification::certificate;
            demand.name = host.name;
            demand.name_is_secure = true;
        }
        co_return answer{std::move(demand)};
    }

    static asio::awaitable<std::string> policy_of(std::shared_ptr<state const> self, std::string domain) {
        auto asked = self->settings.sts->find(domain);
        mta_sts_found const sts = co_await std::move(asked).wait();
        std::string text;
        if (!sts.policy || sts.policy->mode == mta_sts_mode::none) co_return text;
        std::vector<std::string> patterns = sts.policy->mx;
        std::sort(patterns.begin(), patterns.end());
        text = to_string(sts.policy->mode);
        for (std::string const& one : patterns) text.append(",").append(one);
        co_return text;
    }

    void tell(mx_route const& route, mx_host const& host, tls_policy_type type, tls_result what, std::string_view why) const {
        if (!settings.report) return;
        tls_report fact;
        fact.type = type;
        fact.domain = route.domain;
        fact.mx_host = host.name;
        fact.result = what;
        fact.reason = why;
        settings.report(fact);
    }

    std::shared_ptr<resolver> dns;
    tls_demand_settings settings;
};

MAILQUAY_DECL tls_demands::tls_demands(std::shared_ptr<resolver> dns, tls_demand_settings settings) {
    if (!dns) throw std::invalid_argument("tls_demands: no resolver to ask");
    state_ = std::make_shared<state const>(state{std::move(dns), std::move(settings)});
}
MAILQUAY_DECL tls_demands::~tls_demands() = default;
MAILQUAY_DECL tls_demands::tls_demands(tls_demands const&) = default;
MAILQUAY_DECL tls_demands& tls_demands::operator=(tls_demands const&) = default;

MAILQUAY_DECL eventual<result<tls_demand, mx_failure>> tls_demands::of(mx_route route, mx_host host, std::uint16_t port) const {
    return state::of(state_, std::move(route), std::move(host), port);
}

MAILQUAY_DECL tls_demands tls_demands::without_report() const {
    tls_demand_settings silent = state_->settings;
    silent.report = {};
    return tls_demands{state_->dns, std::move(silent)};
}

MAILQUAY_DECL eventual<std::string> tls_demands::policy_of(std::string domain) const {
    if (!state_->settings.sts) return std::string{};
    return state::policy_of(state_, std::move(domain));
}

MAILQUAY_DECL void tls_demands::came_out(mx_route const& route, mx_host const& host, tls_demand const& demand, send_report const& report) const {
    if (!state_->settings.report) return;
    tls_outcome const outcome = tls_outcome_of(report, demand.type);
    if (!outcome.known) return;
    tls_report fact;
    fact.type = demand.type;
    fact.domain = route.domain;
    fact.mx_host = host.name;
    fact.result = outcome.result;
    fact.address = report.address.address;
    if (outcome.result != tls_result::success) fact.reason = report.server.problem.empty() ? report.text : report.server.problem;
    state_->settings.report(fact);
}

}  // namespace mailquay::inline MAILQUAY_ABI
