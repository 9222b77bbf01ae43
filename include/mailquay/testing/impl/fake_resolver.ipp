#include <mailquay/testing/fake_resolver.hpp>

#include <mailquay/base/ascii.hpp>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <variant>

namespace mailquay::inline MAILQUAY_ABI::testing {

struct fake_resolver::state {
    template <class Record>
    using of = result<dns_records<Record>, dns_failure>;
    using any_records = std::variant<dns_failure, dns_records<ip_address>, dns_records<mx_record>, dns_records<std::string>, dns_records<tlsa_record>>;
    using key = std::pair<std::string, std::string>;  // kind, name

    static std::string plain(std::string_view name) {
        if (name.ends_with('.')) name.remove_suffix(1);
        return to_lower_copy(name);
    }

    template <class Record>
    void say(std::string_view kind, std::string_view name, std::vector<Record> records) {
        std::lock_guard const lock{mutex};
        dns_records<Record> said;
        said.records = std::move(records);
        said.ttl = keep;
        said.authenticated = secure;
        names.insert(plain(name));
        any_records answer{dns_failure{dns_errc::no_data, keep, secure}};
        if (!said.records.empty()) answer = std::move(said);
        answers.insert_or_assign(key{kind, plain(name)}, std::move(answer));
    }

    template <class Record>
    of<Record> find(std::string const& kind, std::string_view asked_name) {
        std::lock_guard const lock{mutex};
        std::string name = plain(asked_name);
        asked.push_back(kind + ' ' + name);
        bool validated = true;
        for (unsigned followed = 0;; ++followed) {
            auto const alias = aliases.find(name);
            if (alias == aliases.end()) break;
            if (followed == 16) return dns_failure{dns_errc::temporary};
            validated = validated && alias->second.second;
            name = alias->second.first;
        }
        auto const found = answers.find(key{kind, name});
        if (found == answers.end())
            return dns_failure{names.contains(name) ? dns_errc::no_data : dns_errc::no_such_name, keep, secure && validated};
        if (auto const* const failed = std::get_if<dns_failure>(&found->second)) return *failed;
        auto records = std::get<dns_records<Record>>(found->second);
        records.authenticated = records.authenticated && validated;
        if (name != plain(asked_name)) records.name = name;
        return records;
    }

    std::mutex mutable mutex{};
    std::map<key, any_records> answers{};
    std::map<std::string, std::pair<std::string, bool>> aliases{};
    std::set<std::string> names{};
    std::vector<std::string> asked{};
    bool secure = false;
    std::chrono::seconds keep{3600};
    std::chrono::milliseconds delay{0};
};

namespace detail {

inline std::vector<ip_address> fake_addresses(std::initializer_list<std::string_view> texts, bool v4) {
    std::vector<ip_address> read;
    for (std::string_view text : texts) {
        auto const address = ip_address::parse(text);
        if (!address || address->is_v4() != v4)
            throw std::invalid_argument("fake_resolver: '" + std::string{text} + "' is no IPv" + (v4 ? "4" : "6") + " address");
        read.push_back(*address);
    }
    return read;
}

template <class Answer>
asio::awaitable<Answer> give_later(Answer found, std::chrono::milliseconds delay) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    timer.expires_after(delay);
    co_await timer.async_wait(asio::use_awaitable);
    co_return found;
}

template <class Record, class State>
resolver::answer<Record> fake_look_up(State& all, std::string const& kind, std::string_view name) {
    auto found = all.template find<Record>(kind, name);
    std::chrono::milliseconds delay{};
    {
        std::lock_guard const lock{all.mutex};
        delay = all.delay;
    }
    if (delay <= delay.zero()) return found;
    return give_later(std::move(found), delay);
}

}  // namespace detail

MAILQUAY_DECL fake_resolver::fake_resolver() : state_(std::make_shared<state>()) {}
MAILQUAY_DECL fake_resolver::~fake_resolver() = default;

MAILQUAY_DECL void fake_resolver::a_is(std::string_view name, std::initializer_list<std::string_view> addresses) {
    state_->say("a", name, detail::fake_addresses(addresses, true));
}
MAILQUAY_DECL void fake_resolver::aaaa_is(std::string_view name, std::initializer_list<std::string_view> addresses) {
    state_->say("aaaa", name, detail::fake_addresses(addresses, false));
}
MAILQUAY_DECL void fake_resolver::mx_is(std::string_view name, std::vector<mx_record> records) { state_->say("mx", name, std::move(records)); }
MAILQUAY_DECL void fake_resolver::txt_is(std::string_view name, std::vector<std::string> records) { state_->say("txt", name, std::move(records)); }
MAILQUAY_DECL void fake_resolver::tlsa_is(std::string_view name, std::vector<tlsa_record> records) {
    state_->say("tlsa", name, std::move(records));
}
MAILQUAY_DECL void fake_resolver::ptr_is(std::string_view address, std::vector<std::string> names) {
    auto const read = ip_address::parse(address);
    if (!read) throw std::invalid_argument("fake_resolver: '" + std::string{address} + "' is no address");
    state_->say("ptr", read->to_string(), std::move(names));
}

MAILQUAY_DECL void fake_resolver::alias_is(std::string_view alias, std::string_view name) {
    std::lock_guard const lock{state_->mutex};
    state_->aliases.insert_or_assign(state::plain(alias), std::pair{state::plain(name), state_->secure});
}
MAILQUAY_DECL void fake_resolver::fails(std::string_view kind, std::string_view name, dns_failure why) {
    static std::set<std::string_view> const kinds{"a", "aaaa", "mx", "txt", "ptr", "tlsa"};
    if (!kinds.contains(kind)) throw std::invalid_argument("fake_resolver: nobody asks for '" + std::string{kind} + "'");
    std::lock_guard const lock{state_->mutex};
    state_->names.insert(state::plain(name));
    state_->answers.insert_or_assign(state::key{kind, state::plain(name)}, state::any_records{why});
}
MAILQUAY_DECL void fake_resolver::authenticated(bool secure) {
    std::lock_guard const lock{state_->mutex};
    state_->secure = secure;
}
MAILQUAY_DECL void fake_resolver::ttl(std::chrono::seconds keep) {
    std::lock_guard const lock{state_->mutex};
    state_->keep = keep;
}
MAILQUAY_DECL void fake_resolver::takes(std::chrono::milliseconds delay) {
    std::lock_guard const lock{state_->mutex};
    state_->delay = delay;
}

MAILQUAY_DECL std::vector<std::string> fake_resolver::asked() const {
    std::lock_guard const lock{state_->mutex};
    return state_->asked;
}
MAILQUAY_DECL void fake_resolver::forget_asked() {
    std::lock_guard const lock{state_->mutex};
    state_->asked.clear();
}

MAILQUAY_DECL resolver::answer<ip_address> fake_resolver::a(std::string name) { return detail::fake_look_up<ip_address>(*state_, "a", name); }
MAILQUAY_DECL resolver::answer<ip_address> fake_resolver::aaaa(std::string name) { return detail::fake_look_up<ip_address>(*state_, "aaaa", name); }
MAILQUAY_DECL resolver::answer<mx_record> fake_resolver::mx(std::string name) { return detail::fake_look_up<mx_record>(*state_, "mx", name); }
MAILQUAY_DECL resolver::answer<std::string> fake_resolver::txt(std::string name) { return detail::fake_look_up<std::string>(*state_, "txt", name); }
MAILQUAY_DECL resolver::answer<std::string> fake_resolver::ptr(ip_address address) {
    return detail::fake_look_up<std::string>(*state_, "ptr", address.to_string());
}
MAILQUAY_DECL resolver::answer<tlsa_record> fake_resolver::tlsa(std::string name) { return detail::fake_look_up<tlsa_record>(*state_, "tlsa", name); }

}  // namespace mailquay::inline MAILQUAY_ABI::testing
