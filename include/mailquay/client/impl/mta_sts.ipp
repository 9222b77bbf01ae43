#include <mailquay/client/mta_sts.hpp>

#include <mailquay/base/decimal.hpp>

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

namespace mailquay::inline MAILQUAY_ABI {

struct mta_sts::state {
    using fetched = result<std::string, https_failure>;

    /// A policy as the store keeps it: its id, when it was fetched (seconds since 1970), its text.
    struct kept {
        std::string id{};
        std::chrono::seconds fetched_at{0};
        mta_sts_policy policy{};
    };

    static std::optional<kept> read(std::string_view value) {
        kept made;
        auto const line = [&value] {
            std::string_view const found = value.substr(0, value.find('\n'));
            value.remove_prefix(std::min(found.size() + 1, value.size()));
            return found;
        };
        made.id = line();
        auto const seconds = parse_decimal<std::uint64_t>(line());
        auto policy = parse_mta_sts_policy(value);
        if (!seconds || *seconds > 1'000'000'000'000u || !policy) return std::nullopt;
        made.fetched_at = std::chrono::seconds{*seconds};
        made.policy = *std::move(policy);
        return made;
    }

    std::chrono::seconds now() const { return std::chrono::floor<std::chrono::seconds>(time->wall().time_since_epoch()); }

    // The fetcher keeps to its time, or is cancelled.
    static asio::awaitable<fetched> fetch(std::shared_ptr<state const> self, std::string domain) {
        https_request request;
        request.host = "mta-sts." + domain;
        request.path = "/.well-known/mta-sts.txt";
        request.patience = self->settings.patience;
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        timer.expires_after(self->settings.patience);
        std::string why;
        try {
            eventual<fetched> asked = self->fetcher(std::move(request));
            if (asked.ready()) co_return std::move(asked).value();
            using namespace asio::experimental::awaitable_operators;
            auto either = std::move(asked).wait() || timer.async_wait(asio::use_awaitable);
            auto first = co_await std::move(either);
            if (first.index() == 1) co_return fetched{https_failure{"the policy host did not answer in time"}};
            co_return unwrapped(std::get<0>(std::move(first)));
        } catch (std::exception const& thrown) {
            why = thrown.what();
        }
        // Of a look-up that is cancelled as a whole, nothing is noted.
        asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
        co_return fetched{https_failure{"the fetcher failed: " + why}};
    }
    static fetched unwrapped(fetched got) { return got; }
    static fetched unwrapped(std::optional<fetched> got) { return *std::move(got); }

    static asio::awaitable<mta_sts_found> find(std::shared_ptr<state const> self, std::string domain) {
        mta_sts_found found;
        std::string const key = "mta-sts:" + domain;
        auto stored = self->policies->get(key);
        auto const value = co_await std::move(stored).wait();
        std::optional<kept> known;
        if (value && *value) known = read(**value);
        // A store whose clock is another than ours may give what is too old.
        if (known && self->now() - known->fetched_at >= known->policy.max_age) known.reset();
        if (known) {
            found.policy = known->policy;
            found.id = known->id;
            found.kept = true;
        }

        auto asked = self->dns->txt("_mta-sts." + domain);
        auto const records = co_await std::move(asked).wait();
        if (!records) co_return found;
        std::optional<std::string> const id = mta_sts_id(records->records);
        if (!id) co_return found;
        if (known && known->id == *id && self->now() - known->fetched_at < self->settings.refresh) co_return found;

        std::string const retry_key = "mta-sts-retry:" + domain;
        auto failed_before = self->policies->get(retry_key);
        auto const failed_id = co_await std::move(failed_before).wait();
        if (failed_id && *failed_id == id) co_return found;

        fetched text = co_await fetch(self, domain);
        std::optional<mta_sts_policy> fresh;
        if (!text) {
            found.problem = text.error().certificate ? tls_result::sts_webpki_invalid : tls_result::sts_policy_fetch_error;
            found.text = text.error().text;
        } else {
            auto parsed = parse_mta_sts_policy(*text);
            if (parsed) {
                fresh = *std::move(parsed);
            } else {
                found.problem = tls_result::sts_policy_invalid;
                found.text = to_string(parsed.error());
            }
        }
        if (!fresh) {
            auto noted = self->policies->set(retry_key, *id, self->settings.retry);
            auto const ignored = co_await std::move(noted).wait();
            (void)ignored;
            self->tell(domain, found);
            co_return found;
        }
        found.policy = fresh;
        found.id = *id;
        found.kept = false;
        if (fresh->max_age > std::chrono::seconds{0}) {
            auto kept_now = self->policies->set(key, *id + '\n' + std::to_string(self->now().count()) + '\n' + *text, fresh->max_age);
            auto const ignored = co_await std::move(kept_now).wait();
            (void)ignored;  // a store that is away: fetched again the next time
        } else {
            auto removed = self->policies->remove(key);
            auto const ignored = co_await std::move(removed).wait();
            (void)ignored;
        }
        co_return found;
    }

    void tell(std::string const& domain, mta_sts_found const& found) const {
        if (!settings.report) return;
        tls_report fact;
        fact.type = tls_policy_type::sts;
        fact.domain = domain;
        fact.result = found.problem;
        fact.reason = found.text;
        settings.report(fact);
    }

    std::shared_ptr<resolver> dns;
    https_fetcher fetcher;
    std::shared_ptr<store> policies;
    mta_sts_settings settings;
    std::shared_ptr<mailquay::clock> time;
};

MAILQUAY_DECL mta_sts::mta_sts(std::shared_ptr<resolver> dns, https_fetcher fetch, std::shared_ptr<store> policies, mta_sts_settings settings,
                               std::shared_ptr<mailquay::clock> time) {
    if (!dns) throw std::invalid_argument("mta_sts: no resolver to ask");
    if (!fetch) throw std::invalid_argument("mta_sts: no fetcher: policies come by HTTPS");
    if (!policies) throw std::invalid_argument("mta_sts: no store for policies: memory_store will do");
    if (!time) throw std::invalid_argument("mta_sts: no clock: leave it out for machine_clock()");
    if (settings.refresh <= settings.refresh.zero() || settings.retry <= settings.retry.zero() || settings.patience <= settings.patience.zero())
        throw std::invalid_argument("mta_sts_settings: refresh, retry and patience must be above 0; leave them out");
    state_ = std::make_shared<state const>(
        state{std::move(dns), std::move(fetch), std::move(policies), std::move(settings), std::move(time)});
}
MAILQUAY_DECL mta_sts::~mta_sts() = default;
MAILQUAY_DECL mta_sts::mta_sts(mta_sts const&) = default;
MAILQUAY_DECL mta_sts& mta_sts::operator=(mta_sts const&) = default;

MAILQUAY_DECL eventual<mta_sts_found> mta_sts::find(std::string domain) const {
    if (domain.empty() || domain.starts_with('[')) return mta_sts_found{};  // an address literal has no policy
    return state::find(state_, std::move(domain));
}

}  // namespace mailquay::inline MAILQUAY_ABI
