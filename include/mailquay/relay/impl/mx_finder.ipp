#include <mailquay/relay/mx_finder.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

/// What each look-up needs.
struct mx_finder_state {
    mx_hosts hosts;
    hop_settings how;
    std::uint16_t port;
    std::optional<tls_demands> tls;
};

/// For reports: which host and demand each hop stands for.
struct judged_hops {
    judged_hops(tls_demands by, mx_route asked) : tls(std::move(by)), route(std::move(asked)) {}

    tls_demands tls;
    mx_route route;
    std::vector<std::pair<mx_host, tls_demand>> hops{};

    static std::function<void(std::size_t, send_report const&)> listener(std::shared_ptr<judged_hops const> all) {
        return [all = std::move(all)](std::size_t hop, send_report const& report) {
            if (hop < all->hops.size()) all->tls.came_out(all->route, all->hops[hop].first, all->hops[hop].second, report);
        };
    }
};

// What is longer is shared with none: nobody's DNS fills our memory.
constexpr std::size_t longest_hops_key = 1000;

inline asio::awaitable<std::string> key_of(std::shared_ptr<mx_finder_state const> state, mx_route route) {
    std::string policy;
    if (state->tls) {
        auto asked = state->tls->policy_of(route.domain);
        policy = co_await std::move(asked).wait();
    }
    std::string key = fmt::format("mx:{}{}{}{}", route.key, route.secure ? " secure" : "", policy.empty() ? "" : " ", policy);
    if (key.size() > longest_hops_key) key.clear();
    co_return key;
}

// A certificate of DANE-TA may bear the name of the domain in place of the host's (RFC 7672 §3.2.2).
inline bool goes_by_domain(next_hop const& hop) {
    return std::any_of(hop.settings.tlsa.begin(), hop.settings.tlsa.end(), [](tlsa_record const& one) { return one.usage == 2; });
}

inline asio::awaitable<found_hops> ask_for_hops(std::shared_ptr<mx_finder_state const> state, std::string domain) {
    found_hops found;
    auto asked = state->hosts.find(std::move(domain));
    auto const route = co_await std::move(asked).wait();
    if (!route) {
        found.failure = fmt::format("{} {}", route.error().status(), route.error().text());
        co_return found;
    }
    bool demands = false;
    std::shared_ptr<judged_hops> judged_all;
    if (state->tls) judged_all = std::make_shared<judged_hops>(*state->tls, *route);
    for (mx_host const& host : route->hosts) {
        next_hop hop = hop_to(*route, host, state->port);
        hop_settings chosen = state->how;
        chosen.name_is_secure = hop.settings.name_is_secure;
        if (state->tls) {
            hop.settings = chosen;
            found.without_demands.push_back(hop);
            auto judged = state->tls->of(*route, host, state->port);
            auto const demand = co_await std::move(judged).wait();
            // Cancelled, a look-up fails like any other; the next one would begin anew.
            asio::cancellation_state const ends = co_await asio::this_coro::cancellation_state;
            if (ends.cancelled() != asio::cancellation_type::none) co_return found_hops{};
            if (!demand) {
                demands = true;
                if (found.failure.empty()) found.failure = fmt::format("{} {}", demand.error().status(), demand.error().text());
                continue;
            }
            bool const binds = demand->type != tls_policy_type::no_policy_found && !demand->testing;
            if (binds) demand->apply_to(chosen);
            demands = demands || binds;
            judged_all->hops.emplace_back(host, *demand);
        }
        hop.settings = std::move(chosen);
        found.hops.push_back(std::move(hop));
    }
    if (!found.hops.empty()) found.failure.clear();
    bool const alone = std::any_of(found.hops.begin(), found.hops.end(), goes_by_domain);
    if (!alone) {
        // Also where no host may be used now: the place as a whole is left alone then.
        auto key = key_of(state, *route);
        found.key = co_await std::move(key);
    }
    if (!demands) found.without_demands.clear();
    if (judged_all) found.came_out = judged_hops::listener(std::move(judged_all));
    co_return found;
}

// The same look-ups as an attempt makes, or its mail would be told of another place than it waits in.
inline asio::awaitable<std::string> ask_for_place(std::shared_ptr<mx_finder_state const> state, std::string domain) {
    auto finding = ask_for_hops(std::move(state), std::move(domain));
    found_hops found = co_await std::move(finding);
    co_return std::move(found.key);
}

}  // namespace detail

MAILQUAY_DECL hop_finder find_by_mx(mx_hosts hosts, hop_settings how, std::uint16_t port, std::optional<tls_demands> tls) {
    if (std::string const fault = fault_of(how); !fault.empty()) throw std::invalid_argument("find_by_mx: " + fault);
    how.refuse_own_name = true;
    auto const state = std::make_shared<detail::mx_finder_state const>(detail::mx_finder_state{std::move(hosts), std::move(how), port, std::move(tls)});
    auto for_places = std::make_shared<detail::mx_finder_state>(*state);
    if (for_places->tls) for_places->tls = for_places->tls->without_report();
    hop_finder made{[state](std::string domain) { return detail::ask_for_hops(state, std::move(domain)); }};
    made.find_place = [silent = std::shared_ptr<detail::mx_finder_state const>{std::move(for_places)}](std::string domain) {
        return detail::ask_for_place(silent, std::move(domain));
    };
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI
