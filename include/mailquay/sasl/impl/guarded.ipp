#include <mailquay/sasl/guarded.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/base/unique_function.hpp>
#include <mailquay/sasl/detail/attempts.hpp>
#include <mailquay/sasl/detail/delayed_answers.hpp>
#include <mailquay/sasl/detail/hashing.hpp>
#include <mailquay/sasl/detail/known_keys.hpp>
#include <mailquay/sasl/messages.hpp>
#include <mailquay/sasl/saslprep.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {

/// What a response gives away: the user, and the secret if it is the same at each try.
struct seen_in_response {
    std::string user{};
    secret tried{};
};

// Which response of an exchange holds what, by mechanism. `number` counts those with octets, from 0.
inline seen_in_response look_at_response(std::string_view mechanism, unsigned number, std::string_view octets) {
    seen_in_response seen;
    if (mechanism == "LOGIN") {
        if (number == 0) seen.user = octets;
        if (number == 1) seen.tried = secret{octets};
    } else if (number != 0) {
        return seen;
    } else if (mechanism == "PLAIN") {
        if (auto const message = parse_plain(octets)) seen.user = message->user, seen.tried = secret{message->password};
    } else if (mechanism == "CRAM-MD5") {
        if (auto const message = parse_cram_md5(octets)) seen.user = message->user;
    } else if (mechanism == "OAUTHBEARER" || mechanism == "XOAUTH2") {
        auto const message = mechanism == "XOAUTH2" ? parse_xoauth2(octets) : parse_oauthbearer(octets);
        if (message) seen.user = message->user, seen.tried = secret{message->token};
    } else if (mechanism.starts_with("SCRAM-")) {
        if (auto const message = parse_scram_client_first(octets)) seen.user = message->user;
    }
    return seen;
}

}  // namespace detail

struct guarded::state {
    std::shared_ptr<authenticator> inner;
    std::shared_ptr<store> counters;
    guard_limits limits;
    std::shared_ptr<detail::attempts> under_way = std::make_shared<detail::attempts>();
    std::shared_ptr<detail::delayed_answers> delayed = std::make_shared<detail::delayed_answers>(limits.delayed_at_once);
    std::shared_ptr<detail::known_keys> known = std::make_shared<detail::known_keys>(limits.known_networks);

    void remember(std::string key, std::chrono::milliseconds delay) const {
        auto const from = limits.time->steady() + delay;
        auto const most = std::chrono::duration_cast<std::chrono::seconds>(detail::known_keys::time_point::max() - from);
        known->put(std::move(key), from, from + std::min(limits.known_for, most));
    }
    /// In the time of day, which servers that share a store have in common.
    std::string second_after(std::chrono::milliseconds delay) const {
        auto const then = limits.time->wall() + delay;
        return std::to_string(std::chrono::ceil<std::chrono::seconds>(then.time_since_epoch()).count());
    }
    /// What the store holds of a network: since when it is known. One that cannot be asked knows it.
    bool is_known(result<std::optional<std::string>> const& since) const {
        if (!since) return true;
        if (!since->has_value()) return false;
        auto const now = std::chrono::floor<std::chrono::seconds>(limits.time->wall().time_since_epoch()).count();
        return parse_decimal<std::uint32_t>(**since).value_or(0) <= std::max<std::int64_t>(1, now);  // "1": since always
    }

    /// @param excess  failures above `per_user`
    std::chrono::milliseconds delay(std::int64_t excess) const {
        using std::chrono::milliseconds;
        auto const steps = std::min(excess + 1, limits.per_user);
        auto const shortest = std::min(limits.longest_delay, milliseconds{1000});
        return std::max(shortest, milliseconds{limits.longest_delay.count() * steps / limits.per_user});
    }

    std::string keyed(std::string_view text) const {
        secret const digest = detail::hmac(scram_hash::sha256, limits.key, text);
        return std::string{digest.reveal().substr(0, 16)};
    }
};

/// One exchange, counted.
class guarded::exchange final : public auth_exchange {
public:
    exchange(std::shared_ptr<state> all, std::unique_ptr<auth_exchange> inner, std::string mechanism, ip_address client)
        : all_(std::move(all)), inner_(std::move(inner)), mechanism_(std::move(mechanism)) {
        client = client.unmapped();
        counted_ = !client.is_none() && !client.is_loopback();
        narrow_ = client.masked(client.is_v4() ? 32 : 64).to_string();
        wide_ = client.masked(client.is_v4() ? 24 : 48).to_string();
    }

    eventual<auth_step> next(secret_view response) override {
        if (!counted_) return inner_->next(response);
        return guard(response);
    }

private:
    asio::awaitable<auth_step> guard(secret_view response) {
        // To the end, though the client hangs up: his guess would be free.
        asio::disable_cancellation const not_at_all{};
        co_await asio::this_coro::reset_cancellation_state(not_at_all);
        co_await asio::this_coro::throw_if_cancelled(false);
        note(response.reveal());
        auto const here = begin_attempt();  // until the verdict is counted
        bool const over = co_await is_over(here->before);
        if (over) co_return too_many();
        std::unique_ptr<detail::delayed_answers::one> waits;
        if (delay_.count() > 0) {
            waits = take_place();
            if (!waits) co_return too_many();
        }
        eventual<auth_step> asked = inner_->next(response);
        auth_step step = co_await std::move(asked).wait();
        if (std::holds_alternative<auth_success>(step)) co_await succeeded();
        bool const guess = is_wrong(step) && !std::exchange(refused_, true);
        if (guess) co_await count(here);
        if (!waits) co_return step;
        if (is_question(step)) co_return waits->forget(), step;
        co_return put_off(std::move(step), delay_);
    }

    std::unique_ptr<detail::delayed_answers::one> take_place() const {
        detail::delayed_answers::attempt what{user_, wide_};
        if (!tried_.empty()) what.same = secret_key();
        return all_->delayed->begin(std::move(what), delay_, all_->limits.time);
    }

    std::shared_ptr<detail::attempts::one const> begin_attempt() {
        detail::attempts::keys under{client_key()};
        if (!user_.empty()) under[1] = network_key(), under[2] = user_key();
        return all_->under_way->begin(tried_.empty() ? std::string{} : secret_key(), std::move(under));
    }

    static bool is_question(auth_step const& step) noexcept {
        auto const* const more = std::get_if<auth_continue>(&step);
        return more != nullptr && !more->refused;
    }
    static bool is_wrong(auth_step const& step) noexcept {
        if (auto const* const more = std::get_if<auth_continue>(&step)) return more->refused;
        auto const* const failed = std::get_if<auth_failure>(&step);
        return failed != nullptr && !failed->temporary && failed->why == auth_problem::credentials;
    }

    static auth_step too_many() {
        auth_failure why;
        why.temporary = true;
        return why;
    }

    void note(std::string_view octets) {
        if (octets.data() == nullptr) return;  // no initial response
        detail::seen_in_response seen = detail::look_at_response(mechanism_, responses_++, octets);
        // As users are looked up: SASLprep makes one name of many spellings, and each would have a counter of its own.
        if (!seen.user.empty()) user_ = all_->keyed(to_lower_copy(saslprep(seen.user).value_or(seen.user)));
        if (!seen.tried.empty()) tried_ = std::move(seen.tried);
    }

    std::string client_key() const { return "auth/c/" + narrow_; }
    std::string user_key() const { return "auth/u/" + user_; }
    std::string network_key() const { return "auth/n/" + user_ + wide_; }
    std::string known_key() const { return "auth/k/" + user_ + wide_; }
    std::string secret_key() const {
        std::string text = narrow_;
        text += '\0';
        text += tried_.reveal();
        std::string key = "auth/s/" + user_ + all_->keyed(text);
        wipe(text);
        return key;
    }

    // A store that throws, for its workers are busy or whatever else, could not be asked.
    template <class T>
    static asio::awaitable<result<T>> answer_of(unique_function<eventual<result<T>>()> ask) {
        try {
            eventual<result<T>> asked = ask();
            result<T> answer = co_await std::move(asked).wait();
            co_return answer;
        } catch (...) {
        }
        result<T> away{std::make_error_code(std::errc::resource_unavailable_try_again)};
        co_return away;
    }

    asio::awaitable<result<std::optional<std::string>>> look_up(std::string key) {
        auto const look = [in = all_->counters, key = std::move(key)] { return in->get(key); };
        unique_function<eventual<result<std::optional<std::string>>>()> ask{look};
        co_return co_await answer_of<std::optional<std::string>>(std::move(ask));
    }
    asio::awaitable<void> keep(std::string key, std::chrono::seconds for_so_long) {
        auto const set = [in = all_->counters, key = std::move(key), for_so_long] { return in->set(key, "1", for_so_long); };
        unique_function<eventual<result<void>>()> ask{set};
        result<void> ignored = co_await answer_of<void>(std::move(ask));
        static_cast<void>(ignored);
    }
    asio::awaitable<void> keep_first(std::string key, std::string value, std::chrono::seconds for_so_long) {
        auto const set = [in = all_->counters, key = std::move(key), value = std::move(value), for_so_long] {
            return in->compare_and_set(key, std::nullopt, value, for_so_long);
        };
        unique_function<eventual<result<bool>>()> ask{set};
        result<bool> ignored = co_await answer_of<bool>(std::move(ask));
        static_cast<void>(ignored);
    }
    asio::awaitable<bool> add_one(std::string key) {
        auto const add = [in = all_->counters, key = std::move(key), window = all_->limits.window] { return in->add(key, 1, window); };
        unique_function<eventual<result<std::int64_t>>()> ask{add};
        result<std::int64_t> const sum = co_await answer_of<std::int64_t>(std::move(ask));
        co_return bool(sum);
    }

    // A counter that is absent or cannot be asked for is 0.
    asio::awaitable<std::int64_t> value_of(std::string key) {
        result<std::optional<std::string>> digits = co_await look_up(std::move(key));
        std::uint32_t count = 0;
        if (digits && digits->has_value()) count = parse_decimal<std::uint32_t>(**digits).value_or(0);
        co_return count;
    }

    // Whoever began earlier and is not judged yet counts as failed. Says how long the answer waits, too.
    asio::awaitable<bool> is_over(std::array<std::int64_t, 3> before) {
        delay_ = {};
        std::int64_t const of_client = co_await value_of(client_key());
        if (of_client + before[0] >= all_->limits.per_client) co_return true;
        if (user_.empty()) co_return false;
        std::int64_t const of_network = co_await value_of(network_key());
        if (of_network + before[1] >= all_->limits.per_user_and_network) co_return true;
        std::int64_t const of_user = co_await value_of(user_key());
        if (of_user + before[2] < all_->limits.per_user) co_return false;
        if (all_->known->has(known_key(), all_->limits.time->steady())) co_return false;
        result<std::optional<std::string>> known = co_await look_up(known_key());
        if (!all_->is_known(known)) delay_ = all_->delay(of_user + before[2] - all_->limits.per_user);
        co_return false;
    }

    // The secret is marked last: where it could not be counted it counts when it is tried again.
    asio::awaitable<void> count(std::shared_ptr<detail::attempts::one const> here) {
        if (here->failed.exchange(true)) co_return;
        bool fresh = true;
        if (!tried_.empty()) {
            result<std::optional<std::string>> mark = co_await look_up(secret_key());
            fresh = !mark || !mark->has_value();
        }
        if (!fresh) co_return;
        bool counted = co_await add_one(client_key());
        if (!user_.empty()) {
            bool const in_network = co_await add_one(network_key());
            bool const in_all = co_await add_one(user_key());
            counted = counted && in_network && in_all;
        }
        if (!counted) here->failed = false;
        if (counted && !tried_.empty()) co_await keep(secret_key(), all_->limits.same_secret);
    }

    // Known from when the answer is due: who hangs up before must not learn it from how the next one is treated.
    asio::awaitable<void> succeeded() {
        if (user_.empty()) co_return;
        all_->remember(known_key(), delay_);
        if (delay_.count() == 0) {
            co_await keep(known_key(), all_->limits.known_for);
        } else {
            std::string since = all_->second_after(delay_);
            co_await keep_first(known_key(), std::move(since), all_->limits.known_for);
        }
    }

    std::shared_ptr<state> all_;
    std::unique_ptr<auth_exchange> inner_;
    std::string mechanism_;
    std::string narrow_, wide_;
    std::string user_;  // as a keyed digest
    secret tried_;
    std::chrono::milliseconds delay_{0};
    unsigned responses_ = 0;
    bool counted_ = false;
    bool refused_ = false;  // and counted
};

MAILQUAY_DECL guarded::guarded(std::shared_ptr<authenticator> inner, std::shared_ptr<store> counters, guard_limits limits, int) {
    if (!counters) throw std::invalid_argument("sasl::guarded: no store to count in: give a memory_store");
    if (limits.per_client <= 0 || limits.per_user_and_network <= 0 || limits.per_user <= 0)
        throw std::invalid_argument("sasl::guard_limits: a limit of 0 or less lets nobody in; leave sasl::guarded out for no limit");
    if (limits.window.count() <= 0 || limits.known_for.count() <= 0 || limits.same_secret.count() <= 0)
        throw std::invalid_argument("sasl::guard_limits: a time of 0 or less would count without end");
    if (limits.known_networks == 0) throw std::invalid_argument("sasl::guard_limits::known_networks is 0: strangers could lock a user out");
    if (limits.longest_delay.count() <= 0 || limits.longest_delay > std::chrono::seconds{60})
        throw std::invalid_argument("sasl::guard_limits::longest_delay is no more than 0 or above 60 s: clients would not wait; the usual is 10 s");
    if (limits.delayed_at_once == 0) throw std::invalid_argument("sasl::guard_limits::delayed_at_once is 0: strangers could lock a user out");
    if (!limits.time) limits.time = machine_clock();
    if (limits.key.empty()) {
        limits.key.resize(32);
        random_bytes(std::as_writable_bytes(std::span{limits.key}));
    }
    state_ = std::make_shared<state>(state{std::move(inner), std::move(counters), std::move(limits)});
}
MAILQUAY_DECL guarded::~guarded() = default;

MAILQUAY_DECL void guarded::lend(std::shared_ptr<workers> pool) {
    if (auto* const asks = dynamic_cast<uses_workers*>(state_->counters.get())) asks->lend(pool);
    if (auto* const asks = dynamic_cast<uses_workers*>(state_->inner.get())) asks->lend(std::move(pool));
}

MAILQUAY_DECL mailquay::mechanisms guarded::offered(session_info const& client) const { return state_->inner->offered(client); }
MAILQUAY_DECL mailquay::mechanisms guarded::too_weak(session_info const& client) const { return state_->inner->too_weak(client); }

MAILQUAY_DECL std::unique_ptr<auth_exchange> guarded::begin(std::string_view mechanism, session_info const& client) {
    auto inner = state_->inner->begin(mechanism, client);
    if (!inner) return nullptr;
    std::string name{mechanism};
    for (char& c : name) c = to_upper(c);
    return std::make_unique<exchange>(state_, std::move(inner), std::move(name), client.client().address);
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
