#include <mailquay/dns/caching_resolver.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/unique_function.hpp>
#include <mailquay/dns/detail/dns_waiter.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

// Goal: every operation in constant time: one list by use, one index by key.
struct caching_resolver::state {
    template <class Record>
    using of = result<dns_records<Record>, dns_failure>;
    using any_answer = std::variant<of<ip_address>, of<mx_record>, of<std::string>, of<tlsa_record>>;
    using time_point = std::chrono::steady_clock::time_point;
    /// Told the answer, or nothing: ask again.
    using told = unique_function<void(any_answer const*)>;

    struct entry {
        std::string key;
        any_answer answer;
        time_point kept_at;
        time_point expiry;
        std::size_t octets;
    };
    struct waiter {
        std::uint64_t number;
        told tell;
    };
    /// What a look-up finds: an answer, or that it leads, or that it waits for who leads, or that too many wait.
    enum class place : std::uint8_t { leads, waits, full };

    state(std::shared_ptr<resolver> whom, cache_settings bounds, std::shared_ptr<mailquay::clock> clock)
        : inner(std::move(whom)), settings(bounds), time(std::move(clock)) {}

    template <class Record>
    std::optional<of<Record>> find(std::string_view key) {
        auto const now = time->steady();
        std::lock_guard const lock{mutex};
        return find_locked<Record>(key, now);
    }

    template <class Record>
    std::optional<of<Record>> find_locked(std::string_view key, time_point now) {
        auto const found = by_key.find(key);
        if (found == by_key.end()) return std::nullopt;
        auto const here = found->second;
        if (here->expiry <= now) {
            drop(here);
            return std::nullopt;
        }
        by_use.splice(by_use.end(), by_use, here);
        auto answer = std::get<of<Record>>(here->answer);
        auto const age = std::chrono::floor<std::chrono::seconds>(now - here->kept_at);
        if (answer)
            answer->ttl = std::max(answer->ttl - age, std::chrono::seconds{0});
        else
            answer = dns_failure{answer.error().why, std::max(answer.error().ttl - age, std::chrono::seconds{0}), answer.error().authenticated};
        return answer;
    }

    template <class Record>
    std::optional<of<Record>> find_or_join(std::string_view key, place& where) {
        auto const now = time->steady();
        std::lock_guard const lock{mutex};
        auto found = find_locked<Record>(key, now);
        if (found) return found;
        bool const first = asking.find(std::string{key}) == asking.end();
        if (first) asking.emplace(key, std::vector<waiter>{});
        where = first ? place::leads : waiting < settings.waiting ? place::waits : place::full;
        return std::nullopt;
    }

    void wait(std::string const& key, std::uint64_t number, told tell) {
        {
            std::lock_guard const lock{mutex};
            auto const crowd = asking.find(key);
            if (crowd != asking.end()) {
                crowd->second.push_back({number, std::move(tell)});
                ++waiting;
                return;
            }
        }
        tell(nullptr);  // who led has ended meanwhile
    }

    void give_up(std::string const& key, std::uint64_t number, any_answer const& with) {
        told tell;
        {
            std::lock_guard const lock{mutex};
            auto const crowd = asking.find(key);
            if (crowd == asking.end()) return;
            auto const one = std::find_if(crowd->second.begin(), crowd->second.end(), [&](waiter const& w) { return w.number == number; });
            if (one == crowd->second.end()) return;
            tell = std::move(one->tell);
            crowd->second.erase(one);
            --waiting;
        }
        tell(&with);
    }

    /// Who led has an answer, or none.
    void end(std::string const& key, any_answer const* answer) {
        std::vector<waiter> crowd;
        {
            auto const now = time->steady();
            std::lock_guard const lock{mutex};
            try {
                if (answer != nullptr) keep(key, *answer, now);
            } catch (std::bad_alloc const&) {  // it is asked for again; those who wait must be told
            }
            auto const found = asking.find(key);
            crowd = std::move(found->second);
            asking.erase(found);
            waiting -= crowd.size();
        }
        for (waiter& one : crowd) one.tell(answer);
    }

    void keep(std::string const& key, any_answer const& answer, time_point now) {
        auto const ttl = std::visit([&](auto const& one) { return time_to_keep(one); }, answer);
        if (ttl <= std::chrono::seconds{0}) return;
        std::size_t const size = key.size() + std::visit([](auto const& one) { return octets_of(one); }, answer);
        if (size > settings.octets) return;
        if (auto const old = by_key.find(key); old != by_key.end()) drop(old->second);
        while (!by_use.empty() && (by_use.size() >= settings.entries || octets + size > settings.octets)) drop(by_use.begin());
        by_use.push_back({key, answer, now, now + ttl, size});
        by_key.emplace(by_use.back().key, std::prev(by_use.end()));
        octets += size;
    }

    void drop(std::list<entry>::iterator gone) {
        octets -= gone->octets;
        by_key.erase(gone->key);
        by_use.erase(gone);
    }

    template <class Record>
    std::chrono::seconds time_to_keep(of<Record> const& answer) const {
        if (answer) return std::min(answer->ttl, settings.longest);
        dns_failure const& failed = answer.error();
        switch (failed.why) {
            case dns_errc::no_such_name:
            case dns_errc::no_data: return std::min(failed.ttl, settings.longest_negative);
            case dns_errc::temporary:
            case dns_errc::timed_out: return settings.failures;
            case dns_errc::bad_name:
            case dns_errc::cancelled: break;
        }
        return std::chrono::seconds{0};
    }

    static std::size_t octets_of(ip_address const&) { return 0; }
    static std::size_t octets_of(mx_record const& record) { return record.exchange.size(); }
    static std::size_t octets_of(std::string const& record) { return record.size(); }
    static std::size_t octets_of(tlsa_record const& record) { return record.data.size(); }
    template <class Record>
    static std::size_t octets_of(of<Record> const& answer) {
        std::size_t sum = sizeof(entry);
        if (!answer) return sum;
        sum += answer->name.size();
        for (auto const& record : answer->records) sum += sizeof record + octets_of(record);
        return sum;
    }

    std::shared_ptr<resolver> inner;
    cache_settings settings;
    std::shared_ptr<mailquay::clock> time;
    std::mutex mutable mutex{};
    std::list<entry> by_use{};  // used longest ago first
    std::unordered_map<std::string_view, std::list<entry>::iterator> by_key{};
    std::size_t octets = 0;
    std::unordered_map<std::string, std::vector<waiter>> asking{};
    std::size_t waiting = 0;
    std::uint64_t next_number = 0;
};

namespace detail {

/// The look-up of one who leads. However it ends, those who wait are told.
template <class State>
class dns_lead {
public:
    dns_lead(State& all, std::string const& key) noexcept : all_(&all), key_(&key) {}
    dns_lead(dns_lead const&) = delete;
    dns_lead& operator=(dns_lead const&) = delete;
    ~dns_lead() {
        if (all_ != nullptr) all_->end(*key_, nullptr);
    }
    void answered(typename State::any_answer const& answer) { std::exchange(all_, nullptr)->end(*key_, &answer); }

private:
    State* all_;
    std::string const* key_;
};

template <class Record, class State>
asio::awaitable<result<dns_records<Record>, dns_failure>> look_up_once(std::shared_ptr<State> all, std::string key,
                                                                      unique_function<resolver::answer<Record>()> ask) {
    using answer = result<dns_records<Record>, dns_failure>;
    using any_answer = typename State::any_answer;
    for (;;) {
        typename State::place where{};
        std::optional<answer> found = all->template find_or_join<Record>(key, where);
        if (found) co_return *std::move(found);
        if (where == State::place::full) co_return answer{dns_failure{dns_errc::temporary}};
        if (where == State::place::leads) {
            dns_lead<State> lead{*all, key};
            resolver::answer<Record> asked = ask();
            answer got = co_await std::move(asked).wait();
            bool const ended = got || got.error() != dns_errc::cancelled;
            if (ended) lead.answered(any_answer{got});
            co_return got;
        }
        std::uint64_t number = 0;
        {
            std::lock_guard const lock{all->mutex};
            number = ++all->next_number;
        }
        dns_wait how;
        how.begin = [&all, &key, &found, number](unique_function<void()> go_on) {
            typename State::told tell{[into = &found, go_on = std::move(go_on)](any_answer const* given) mutable {
                if (given != nullptr) into->emplace(std::get<answer>(*given));
                go_on();
            }};
            // Not by reference: once told, the coroutine may end.
            std::shared_ptr<State> const with = all;
            std::string const what = key;
            with->wait(what, number, std::move(tell));
        };
        how.cancelled = [with = all, what = key, number] {
            any_answer const cancelled{answer{dns_failure{dns_errc::cancelled}}};
            with->give_up(what, number, cancelled);
        };
        co_await wait_for_dns(&how);
        if (found) co_return *std::move(found);
    }
}

template <class Record, class State>
resolver::answer<Record> look_up_cached(std::shared_ptr<State> const& all, std::string_view kind, std::string name,
                                        resolver::answer<Record> (resolver::*member)(std::string)) {
    std::string_view bare = name;
    if (bare.ends_with('.')) bare.remove_suffix(1);
    std::string key{kind};
    for (char c : bare) key += to_lower(c);
    auto found = all->template find<Record>(key);
    if (found) return *std::move(found);
    unique_function<resolver::answer<Record>()> ask{[whom = all->inner, name = std::move(name), member] { return (*whom.*member)(name); }};
    return look_up_once<Record>(all, std::move(key), std::move(ask));
}

}  // namespace detail

MAILQUAY_DECL caching_resolver::caching_resolver(std::shared_ptr<resolver> inner, cache_settings settings, std::shared_ptr<mailquay::clock> time) {
    if (!inner) throw std::invalid_argument("caching_resolver: no resolver to ask");
    if (!time) throw std::invalid_argument("caching_resolver: no clock: leave it out for machine_clock()");
    if (settings.entries == 0) throw std::invalid_argument("cache_settings::entries is 0: nothing could be kept; leave out the cache");
    if (settings.octets == 0) throw std::invalid_argument("cache_settings::octets is 0: nothing could be kept; leave out the cache");
    if (settings.failures > std::chrono::minutes{5})
        throw std::invalid_argument("cache_settings::failures is above 300 s, which RFC 2308 §7 forbids; leave it at 5 s");
    state_ = std::make_shared<state>(std::move(inner), settings, std::move(time));
}
MAILQUAY_DECL caching_resolver::~caching_resolver() = default;

MAILQUAY_DECL resolver::answer<ip_address> caching_resolver::a(std::string name) {
    return detail::look_up_cached<ip_address>(state_, "a ", std::move(name), &resolver::a);
}
MAILQUAY_DECL resolver::answer<ip_address> caching_resolver::aaaa(std::string name) {
    return detail::look_up_cached<ip_address>(state_, "aaaa ", std::move(name), &resolver::aaaa);
}
MAILQUAY_DECL resolver::answer<mx_record> caching_resolver::mx(std::string name) {
    return detail::look_up_cached<mx_record>(state_, "mx ", std::move(name), &resolver::mx);
}
MAILQUAY_DECL resolver::answer<std::string> caching_resolver::txt(std::string name) {
    return detail::look_up_cached<std::string>(state_, "txt ", std::move(name), &resolver::txt);
}
MAILQUAY_DECL resolver::answer<tlsa_record> caching_resolver::tlsa(std::string name) {
    return detail::look_up_cached<tlsa_record>(state_, "tlsa ", std::move(name), &resolver::tlsa);
}
MAILQUAY_DECL resolver::answer<std::string> caching_resolver::ptr(ip_address address) {
    std::string key = "ptr " + address.unmapped().to_string();
    auto found = state_->find<std::string>(key);
    if (found) return *std::move(found);
    unique_function<resolver::answer<std::string>()> ask{[whom = state_->inner, address] { return whom->ptr(address); }};
    return detail::look_up_once<std::string>(state_, std::move(key), std::move(ask));
}

MAILQUAY_DECL std::size_t caching_resolver::size() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->by_use.size();
}
MAILQUAY_DECL void caching_resolver::clear() noexcept {
    std::lock_guard const lock{state_->mutex};
    state_->by_key.clear();
    state_->by_use.clear();
    state_->octets = 0;
}

}  // namespace mailquay::inline MAILQUAY_ABI
