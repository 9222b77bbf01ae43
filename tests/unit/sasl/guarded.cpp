#include <mailquay/sasl/guarded.hpp>

#include "support/catch.hpp"
#include "support/sasl_client.hpp"

#include <mailquay/sasl/detail/delayed_answers.hpp>
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/saslprep.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/server/memory_store.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test_guarded {
using namespace mailquay;
using namespace mailquay_test;
using std::chrono::seconds;

struct hand_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point now{seconds{1000}};
    std::chrono::steady_clock::time_point steady() const noexcept override { return now; }
    std::chrono::system_clock::time_point wall() const noexcept override {
        return std::chrono::system_clock::time_point{std::chrono::duration_cast<std::chrono::system_clock::duration>(now.time_since_epoch())};
    }
};

/// Counts how often a credential was looked at.
struct counted_users final : sasl::credential_store {
    sasl::user_table kept{{"alice", "wonderland"}, {"bob", "builder"}};
    unsigned asked = 0;
    bool away = false;
    bool slow = false;
    eventual<result<std::shared_ptr<sasl::credentials const>>> find(std::string user) override {
        ++asked;
        if (slow) return later(std::move(user));
        if (away) return result<std::shared_ptr<sasl::credentials const>>{std::make_error_code(std::errc::timed_out)};
        return kept.find(std::move(user));
    }
    asio::awaitable<result<std::shared_ptr<sasl::credentials const>>> later(std::string user) {
        auto const here = co_await asio::this_coro::executor;
        asio::steady_timer timer{here, std::chrono::milliseconds{20}};
        co_await timer.async_wait(asio::use_awaitable);
        auto asked_for = kept.find(std::move(user));
        co_return co_await std::move(asked_for).wait();
    }
    sasl::credential_forms forms() const override { return kept.forms(); }
};

asio::awaitable<void> try_once(auth_exchange& at, std::string message, std::vector<auth_step>* steps) {
    eventual<auth_step> asked = at.next(secret_view{message});
    auth_step step = co_await std::move(asked).wait();
    steps->push_back(std::move(step));
}

struct bench {
    std::shared_ptr<hand_clock> time = std::make_shared<hand_clock>();
    std::shared_ptr<memory_store> counters;
    std::shared_ptr<counted_users> users = std::make_shared<counted_users>();
    sasl::guarded all;

    explicit bench(sasl::guard_limits limits = {}, memory_store_config bounds = {})
        : counters(std::make_shared<memory_store>(bounds, time)), all(made(users), counters, timed(std::move(limits))) {}
    sasl::guard_limits timed(sasl::guard_limits limits) const {
        limits.time = time;
        return limits;
    }
    static sasl::mechanisms made(std::shared_ptr<counted_users> users) {
        sasl::mechanism_settings quick;
        quick.scram_iterations = 4096;
        return sasl::mechanisms(users, quick);
    }
    answer attempt(std::string_view from, std::string_view user, std::string_view password) {
        auto const client = tls_client({}, from);
        return say(*all.begin("PLAIN", client), plain(user, password));
    }
    /// What came, and how long it waits.
    std::pair<answer, std::chrono::milliseconds> timed_attempt(std::string_view from, std::string_view user, std::string_view password) {
        auto const message = plain(user, password);
        auth_step const step = waited(all.begin("PLAIN", tls_client({}, from))->next(secret_view{message}));
        return {told(step), delay_of(step)};
    }
    std::chrono::milliseconds delay_for(std::string_view from, std::string_view user, std::string_view password) {
        return timed_attempt(from, user, password).second;
    }
    // Each with another password.
    unsigned failures_until_over(std::string_view from, std::string_view user, unsigned most = 200) {
        for (unsigned i = 0; i < most; ++i)
            if (attempt(from, user, "wrong" + std::to_string(++tries)) == temporary) return i;
        return most;
    }
    // All at once; how many were judged.
    unsigned judged_of(std::vector<std::string> const& messages) {
        users->slow = true;
        unsigned const before = users->asked;
        auto const client = tls_client({}, "192.0.2.7");
        asio::io_context io;
        std::vector<std::unique_ptr<auth_exchange>> exchanges;
        steps.clear();
        for (std::string const& one : messages) {
            exchanges.push_back(all.begin("PLAIN", client));
            asio::co_spawn(io, try_once(*exchanges.back(), one, &steps), asio::detached);
        }
        io.run();
        users->slow = false;
        return users->asked - before;
    }
    std::vector<auth_step> steps{};
    unsigned tries = 0;
};


TEST_CASE("a client that failed too often is told to come later, before a credential is looked at", "[sasl][guard]") {
    bench b;
    for (unsigned i = 0; i < 20; ++i) CHECK(b.attempt("192.0.2.7", "user" + std::to_string(i), "x") == denied);
    unsigned const asked = b.users->asked;

    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == temporary);
    CHECK(b.attempt("192.0.2.7", "alice", "wrong") == temporary);
    CHECK(b.users->asked == asked);
    CHECK(b.attempt("192.0.2.8", "alice", "wonderland") == success("alice"));

    b.time->now += seconds{601};
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == success("alice"));
}

TEST_CASE("an IPv6 client is its /64", "[sasl][guard]") {
    bench b;
    for (unsigned i = 0; i < 20; ++i) b.attempt("2001:db8::" + std::to_string(i + 1), "user" + std::to_string(i), "x");
    CHECK(b.attempt("2001:db8::ffff", "alice", "wonderland") == temporary);
    CHECK(b.attempt("2001:db8:0:1::1", "alice", "wonderland") == success("alice"));
}

TEST_CASE("a user and the network he is tried from are counted, wherever in it", "[sasl][guard]") {
    bench b;
    for (unsigned i = 0; i < 10; ++i) CHECK(b.attempt("192.0.2." + std::to_string(i + 1), "alice", std::to_string(i)) == denied);
    CHECK(b.attempt("192.0.2.99", "alice", "wonderland") == temporary);
    CHECK(b.attempt("192.0.2.99", "ALICE", "wonderland") == temporary);
    CHECK(b.attempt("192.0.2.99", "bob", "builder") == success("bob"));
    CHECK(b.attempt("198.51.100.1", "alice", "wonderland") == success("alice"));
}

TEST_CASE("another spelling of a name is no other name", "[sasl][guard]") {
    if (!sasl::saslprep_built()) return;
    bench b;
    // SASLprep drops soft hyphens, and makes one letter of the wide and the plain.
    std::string const spellings[] = {"alice", "al\u00ADice", "ali\u00ADce", "a\u00ADl\u00ADice", "Alice", "\uFF41lice"};
    for (unsigned i = 0; i < 10; ++i)
        CHECK(b.attempt("192.0.2." + std::to_string(i + 1), spellings[i % std::size(spellings)], std::to_string(i)) == denied);
    for (std::string const& one : spellings) CHECK(b.attempt("192.0.2.99", one, "wonderland") == temporary);
    CHECK(b.attempt("192.0.2.99", "bob", "builder") == success("bob"));
}

TEST_CASE("a refused token counts when the reason is told, whatever the client makes of it", "[sasl][guard][oauth]") {
    auto const counters = std::make_shared<memory_store>();
    sasl::mechanisms inner;
    inner.bearer_tokens([](sasl::token_request asked) -> eventual<result<std::optional<std::string>>> {
        using answer = result<std::optional<std::string>>;
        return asked.token.reveal() == "good" ? answer{std::optional<std::string>{"alice"}} : answer{std::optional<std::string>{}};
    });
    sasl::guarded all{std::move(inner), counters};
    auto const client = tls_client();
    auto const attempt = [&](auth_exchange& to, std::string const& token) { return say(to, "n,,\1auth=Bearer " + token + "\1\1"); };
    for (int i = 0; i < 19; ++i) {
        auto const cancelled = all.begin("OAUTHBEARER", client);
        CHECK(attempt(*cancelled, "guess" + std::to_string(i)).kind == answer::challenge);
    }
    auto const answered = all.begin("OAUTHBEARER", client);
    CHECK(attempt(*answered, "guess").kind == answer::challenge);
    CHECK(attempt(*all.begin("OAUTHBEARER", client), "good") == temporary);
}

TEST_CASE("strangers cannot lock a user out of where he usually is", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 15;
    bench b{limits};
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == success("alice"));
    b.time->now += seconds{29 * 24 * 3600};
    CHECK(b.failures_until_over("198.51.100.1", "alice") == 10);
    CHECK(b.failures_until_over("198.51.101.1", "alice", 5) == 5);

    CHECK(b.delay_for("192.0.2.200", "alice", "wonderland").count() == 0);
    CHECK(b.delay_for("203.0.113.1", "bob", "builder").count() == 0);
    CHECK(b.timed_attempt("203.0.113.1", "alice", "wonderland") == std::pair{success("alice"), std::chrono::milliseconds{1000}});  // not known
    b.time->now += seconds{1};
    CHECK(b.delay_for("203.0.113.2", "alice", "wonderland").count() == 0);  // from now on it is

    b.time->now += seconds{601};
    CHECK(b.delay_for("233.252.0.1", "alice", "wonderland").count() == 0);
}

TEST_CASE("above a user's limit each failure makes the wait longer, right and wrong alike, up to a bound", "[sasl][guard]") {
    using std::chrono::milliseconds;
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.delayed_at_once = 1000;
    bench b{limits};
    for (unsigned i = 0; i < 5; ++i) CHECK(b.timed_attempt("192.0.2.7", "alice", std::to_string(i)) == std::pair{denied, milliseconds{0}});

    for (unsigned i = 0; i < 8; ++i) {
        std::string const from = "198.51." + std::to_string(i) + ".1";
        CHECK(b.timed_attempt(from, "alice", "guess" + std::to_string(i)) == std::pair{denied, milliseconds{std::min(2000 * (i + 1), 10'000u)}});
    }
    CHECK(b.timed_attempt("203.0.113.1", "alice", "wonderland") == std::pair{success("alice"), milliseconds{10'000}});
}

TEST_CASE("so many answers for a user wait at once, whether or not their clients do", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.longest_delay = seconds{5};
    limits.delayed_at_once = 2;
    bench b{limits};
    CHECK(b.failures_until_over("192.0.2.7", "alice", 5) == 5);
    CHECK(b.attempt("198.51.100.1", "alice", "guess") == denied);
    CHECK(b.attempt("198.51.101.1", "alice", "another guess") == denied);
    unsigned const asked = b.users->asked;

    CHECK(b.attempt("203.0.113.1", "alice", "wonderland") == temporary);
    CHECK(b.users->asked == asked);
    CHECK(b.attempt("203.0.113.1", "bob", "builder") == success("bob"));

    b.time->now += seconds{2};
    CHECK(b.attempt("203.0.113.1", "alice", "wonderland") == success("alice"));
}

TEST_CASE("one secret tried often takes one place of those that wait, and a network takes one", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.longest_delay = seconds{5};
    limits.delayed_at_once = 2;
    bench b{limits};
    CHECK(b.failures_until_over("192.0.2.7", "alice", 5) == 5);
    for (unsigned i = 0; i < 4; ++i) CHECK(b.attempt("198.51.100.1", "alice", "guess") == denied);
    CHECK(b.attempt("198.51.100.1", "alice", "another guess") == temporary);
    CHECK(b.attempt("198.51.100.2", "alice", "guess") == temporary);
    CHECK(b.attempt("203.0.113.1", "alice", "wonderland") == success("alice"));
    CHECK(b.attempt("203.0.114.1", "alice", "wonderland") == temporary);

    b.time->now += seconds{3};  // later than the first, but not than the last of them
    CHECK(b.attempt("198.51.100.1", "alice", "another guess") == denied);
}

TEST_CASE("however many answers may wait, room is made for those that do", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 1;
    limits.delayed_at_once = ~std::size_t{0};
    bench b{limits};
    CHECK(b.attempt("192.0.2.7", "alice", "guess") == denied);
    CHECK(b.attempt("198.51.100.1", "alice", "guess") == denied);
}

TEST_CASE("users who are not tried any more are forgotten", "[sasl][guard]") {
    auto const time = std::make_shared<hand_clock>();
    auto const all = std::make_shared<sasl::detail::delayed_answers>(4);
    for (unsigned i = 0; i < 10'000; ++i) {
        time->now += seconds{1};
        CHECK(all->begin({"user" + std::to_string(i), "192.0.2.0"}, seconds{10}, time) != nullptr);
    }
    CHECK(all->users() <= 64);
}

TEST_CASE("a challenge neither waits nor takes a place", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.delayed_at_once = 1;
    bench b{limits};
    CHECK(b.failures_until_over("192.0.2.7", "alice", 5) == 5);
    auto const client = tls_client({}, "203.0.113.1");
    for (unsigned i = 0; i < 4; ++i) CHECK(say(*b.all.begin("SCRAM-SHA-256", client), "n,,n=alice,r=abc").kind == answer::challenge);

    scram_client alice{sasl::scram_hash::sha256, "alice", "wonderland"};
    auto const server = b.all.begin("SCRAM-SHA-256", client);
    auth_step const asked = waited(server->next(secret_view{alice.first()}));
    CHECK(delay_of(asked).count() == 0);
    auto const proof = alice.final(told(asked).text);
    auth_step const done = waited(server->next(secret_view{proof}));
    CHECK(told(done) == success("alice", alice.expected_last()));
    CHECK(delay_of(done) == seconds{2});
}

TEST_CASE("a network is known once the answer is due, not before", "[sasl][guard]") {
    using std::chrono::milliseconds;
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.longest_delay = seconds{5};
    limits.key = "0123456789abcdef0123456789abcdef";
    bench b{limits};
    sasl::guarded other{b.made(b.users), b.counters, b.timed(limits)};
    auto const delay_at_other = [&](std::string_view from) {
        auto const message = plain("alice", "wonderland");
        return delay_of(waited(other.begin("PLAIN", tls_client({}, from))->next(secret_view{message})));
    };
    CHECK(b.failures_until_over("192.0.2.7", "alice", 5) == 5);
    CHECK(b.delay_for("203.0.113.1", "alice", "wonderland") == seconds{1});
    CHECK(b.delay_for("203.0.113.1", "alice", "wonderland") == seconds{1});
    CHECK(b.attempt("203.0.113.2", "alice", "guess") == temporary);  // as if the first had been wrong
    b.time->now += milliseconds{999};
    CHECK(b.delay_for("203.0.113.1", "alice", "wonderland") == seconds{1});
    CHECK(delay_at_other("203.0.113.1") == seconds{1});

    b.time->now += milliseconds{1};
    CHECK(b.delay_for("203.0.113.2", "alice", "wonderland").count() == 0);
    CHECK(delay_at_other("203.0.113.2").count() == 0);
}

TEST_CASE("invented users do not make a guard forget where a user comes from", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    memory_store_config small;
    small.entries = 100;
    bench b{limits, small};
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == success("alice"));
    for (unsigned i = 0; i < 200; ++i) b.attempt("2001:db8:0:" + std::to_string(i) + "::1", "user" + std::to_string(i), "x");
    CHECK(b.failures_until_over("198.51.100.1", "alice", 5) == 5);
    CHECK(b.delay_for("203.0.113.1", "alice", "wonderland").count() > 0);
    CHECK(b.delay_for("192.0.2.7", "alice", "wonderland").count() == 0);
}

TEST_CASE("as many networks are known as the limit says, and those of a shared store as well", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    limits.known_networks = 1;
    limits.key = "0123456789abcdef0123456789abcdef";
    bench b{limits};
    sasl::guarded other{b.made(b.users), b.counters, b.timed(limits)};
    CHECK(say(*other.begin("PLAIN", tls_client({}, "203.0.113.1")), plain("alice", "wonderland")) == success("alice"));
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == success("alice"));
    CHECK(b.attempt("192.0.2.7", "bob", "builder") == success("bob"));  // alice's is in the store only
    CHECK(b.failures_until_over("198.51.100.1", "alice", 5) == 5);
    CHECK(b.delay_for("192.0.2.7", "alice", "wonderland").count() == 0);
    CHECK(b.delay_for("203.0.113.1", "alice", "wonderland").count() == 0);
    limits.known_networks = 0;
    CHECK_THROWS_AS(bench{limits}, std::invalid_argument);
}

TEST_CASE("a network is known for 30 days", "[sasl][guard]") {
    sasl::guard_limits limits;
    limits.per_user = 5;
    bench b{limits};
    b.attempt("192.0.2.7", "alice", "wonderland");
    b.time->now += seconds{30 * 24 * 3600 + 1};
    CHECK(b.failures_until_over("198.51.100.1", "alice", 5) == 5);
    CHECK(b.delay_for("192.0.2.7", "alice", "wonderland").count() > 0);
}

TEST_CASE("the same wrong secret counts once an hour", "[sasl][guard]") {
    bench b;
    for (unsigned i = 0; i < 100; ++i) CHECK(b.attempt("192.0.2.7", "alice", "old password") == denied);
    CHECK(b.failures_until_over("192.0.2.7", "alice") == 9);
}

TEST_CASE("guesses made at once are counted before the first is judged", "[sasl][guard]") {
    bench b;
    std::vector<std::string> guesses;
    for (unsigned i = 0; i < 50; ++i) guesses.push_back(plain("alice", "at once " + std::to_string(i)));
    CHECK(b.judged_of(guesses) == 10);
    CHECK(b.steps.size() == 50);
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == temporary);

    bench other;
    for (unsigned i = 0; i < 50; ++i) guesses[i] = plain("user" + std::to_string(i), "guess");
    CHECK(other.judged_of(guesses) == 20);
}

TEST_CASE("one secret tried at once is one guess, and what succeeds or cannot be judged leaves no trace", "[sasl][guard]") {
    bench b;
    CHECK(b.judged_of(std::vector<std::string>(50, plain("alice", "wonderland"))) == 50);
    for (auth_step const& one : b.steps) CHECK(std::holds_alternative<auth_success>(one));
    CHECK(b.judged_of(std::vector<std::string>(50, plain("alice", "old password"))) == 50);
    CHECK(b.failures_until_over("192.0.2.7", "alice") == 9);
}

TEST_CASE("a client that hangs up while its secret is judged is counted all the same", "[sasl][guard]") {
    bench b;
    b.users->slow = true;
    auto const client = tls_client({}, "192.0.2.7");
    for (unsigned i = 0; i < 20; ++i) {
        asio::io_context io;
        asio::cancellation_signal hangs_up;
        auto const server = b.all.begin("PLAIN", client);
        asio::co_spawn(io, try_once(*server, plain("user" + std::to_string(i), "guess"), &b.steps),
                       asio::bind_cancellation_slot(hangs_up.slot(), asio::detached));
        io.poll();
        hangs_up.emit(asio::cancellation_type::terminal);
        io.run();
    }
    b.users->slow = false;
    CHECK(b.users->asked == 20);
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == temporary);
}

TEST_CASE("SCRAM counts each failure, once the user is known", "[sasl][guard]") {
    bench b;
    auto const client = tls_client();
    for (unsigned i = 0; i < 10; ++i) {
        auto const server = b.all.begin("scram-sha-256", client);
        CHECK(scram_client{sasl::scram_hash::sha256, "alice", "x"}.log_in(*server) == denied);
    }
    auto const server = b.all.begin("SCRAM-SHA-256", client);
    CHECK(say(*server, "n,,n=alice,r=abc") == temporary);
}

TEST_CASE("LOGIN is read over its two responses", "[sasl][guard]") {
    bench b;
    auto const client = tls_client();
    for (unsigned i = 0; i < 10; ++i) {
        auto const server = b.all.begin("LOGIN", client);
        say_nothing(*server);
        say(*server, "alice");
        CHECK(say(*server, std::to_string(i)) == denied);
    }
    auto const server = b.all.begin("LOGIN", client);
    CHECK(say_nothing(*server) == challenge("Username:"));
    CHECK(say(*server, "alice") == temporary);
}

TEST_CASE("what is no failure of a credential does not count", "[sasl][guard]") {
    bench b;
    auto const client = tls_client();
    b.users->away = true;
    for (unsigned i = 0; i < 30; ++i) CHECK(b.attempt("192.0.2.7", "alice", std::to_string(i)) == temporary);
    b.users->away = false;
    for (unsigned i = 0; i < 30; ++i) {
        CHECK_FALSE(b.all.begin("NONESUCH", client));
        static_cast<void>(say_nothing(*b.all.begin("LOGIN", client)));  // cancelled
    }
    CHECK(b.attempt("192.0.2.7", "alice", "wonderland") == success("alice"));
}

TEST_CASE("clients of this machine are not counted", "[sasl][guard]") {
    bench b;
    for (std::string const from : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "none"}) {
        CHECK(b.failures_until_over(from, "alice", 40) == 40);
        CHECK(b.attempt(from, "alice", "wonderland") == success("alice"));
    }
    CHECK(b.counters->size() == 0);
}

TEST_CASE("the store holds neither names nor secrets", "[sasl][guard]") {
    struct spy final : store {
        std::string all{};
        eventual<result<std::optional<std::string>>> get(std::string key) override {
            all += key;
            return result<std::optional<std::string>>{std::optional<std::string>{}};
        }
        eventual<result<void>> set(std::string key, std::string value, seconds) override {
            all += key + value;
            return result<void>{};
        }
        eventual<result<std::int64_t>> add(std::string key, std::int64_t, seconds) override {
            all += key;
            return result<std::int64_t>{1};
        }
        eventual<result<bool>> compare_and_set(std::string key, std::optional<std::string>, std::string value, seconds) override {
            all += key + value;
            return result<bool>{true};
        }
        eventual<result<bool>> remove(std::string) override { return result<bool>{false}; }
    };
    auto const seen = std::make_shared<spy>();
    sasl::guarded all{sasl::mechanisms{sasl::user_table{{"alice", "wonderland"}}}, seen};
    auto const client = tls_client();
    say(*all.begin("PLAIN", client), plain("alice", "guess"));
    say(*all.begin("PLAIN", client), plain("alice", "wonderland"));
    CHECK(seen->all.find("192.0.2.7") != std::string::npos);
    for (char const* word : {"alice", "guess", "wonderland"}) CHECK(seen->all.find(word) == std::string::npos);
}

TEST_CASE("a store that cannot be asked lets pass", "[sasl][guard]") {
    struct gone final : store {
        static std::error_code why() { return std::make_error_code(std::errc::not_connected); }
        eventual<result<std::optional<std::string>>> get(std::string) override { return result<std::optional<std::string>>{why()}; }
        eventual<result<void>> set(std::string, std::string, seconds) override { return result<void>{why()}; }
        eventual<result<std::int64_t>> add(std::string, std::int64_t, seconds) override { return result<std::int64_t>{why()}; }
        eventual<result<bool>> compare_and_set(std::string, std::optional<std::string>, std::string, seconds) override {
            return result<bool>{why()};
        }
        eventual<result<bool>> remove(std::string) override { return result<bool>{why()}; }
    };
    sasl::guarded all{sasl::mechanisms{sasl::user_table{{"alice", "wonderland"}}}, std::make_shared<gone>()};
    auto const client = tls_client();
    CHECK(say(*all.begin("PLAIN", client), plain("alice", "guess")) == denied);
    CHECK(say(*all.begin("PLAIN", client), plain("alice", "wonderland")) == success("alice"));
}

TEST_CASE("a store whose workers are busy changes no verdict, and hides no guess that is tried again", "[sasl][guard]") {
    struct at_times_busy final : store {
        memory_store kept{};
        bool busy = false;
        void work() const {
            if (busy) throw workers_busy{};
        }
        eventual<result<std::optional<std::string>>> get(std::string key) override { return work(), kept.get(std::move(key)); }
        eventual<result<void>> set(std::string key, std::string value, seconds ttl) override {
            return work(), kept.set(std::move(key), std::move(value), ttl);
        }
        eventual<result<std::int64_t>> add(std::string key, std::int64_t delta, seconds ttl) override {
            if (!busy) return kept.add(std::move(key), delta, ttl);
            return never();  // thrown once somebody waits
        }
        asio::awaitable<result<std::int64_t>> never() {
            throw workers_busy{};
            co_return result<std::int64_t>{0};
        }
        eventual<result<bool>> compare_and_set(std::string key, std::optional<std::string> expected, std::string value, seconds ttl) override {
            return kept.compare_and_set(std::move(key), std::move(expected), std::move(value), ttl);
        }
        eventual<result<bool>> remove(std::string key) override { return work(), kept.remove(std::move(key)); }
    };
    auto const counters = std::make_shared<at_times_busy>();
    sasl::guarded all{sasl::mechanisms{sasl::user_table{{"alice", "wonderland"}}}, counters};
    auto const attempt = [&](std::string_view password) { return say(*all.begin("PLAIN", tls_client()), plain("alice", password)); };
    for (int i = 0; i < 9; ++i) {
        counters->busy = true;
        CHECK(attempt(std::to_string(i)) == denied);
        CHECK(attempt("wonderland") == success("alice"));
        counters->busy = false;
        CHECK(attempt(std::to_string(i)) == denied);
        CHECK(attempt(std::to_string(i)) == denied);
    }
    CHECK(attempt("the tenth") == denied);
    CHECK(attempt("wonderland") == temporary);
}

TEST_CASE("a guard lends its store the workers it is lent", "[sasl][guard]") {
    struct lent_to final : store, uses_workers {
        std::shared_ptr<workers> pool{};
        void lend(std::shared_ptr<workers> given) override { pool = std::move(given); }
        eventual<result<std::optional<std::string>>> get(std::string) override { return result<std::optional<std::string>>{std::optional<std::string>{}}; }
        eventual<result<void>> set(std::string, std::string, seconds) override { return result<void>{}; }
        eventual<result<std::int64_t>> add(std::string, std::int64_t, seconds) override { return result<std::int64_t>{1}; }
        eventual<result<bool>> compare_and_set(std::string, std::optional<std::string>, std::string, seconds) override { return result<bool>{true}; }
        eventual<result<bool>> remove(std::string) override { return result<bool>{false}; }
    };
    auto const counters = std::make_shared<lent_to>();
    sasl::guarded all{sasl::mechanisms{}, counters};
    auto const pool = std::make_shared<inline_workers>();
    all.lend(pool);
    CHECK(counters->pool == pool);
}

TEST_CASE("a guard passes on what its mechanisms offer, and refuses limits that cannot be", "[sasl][guard]") {
    bench b;
    CHECK(b.all.offered(tls_client()) == b.made(b.users).offered(tls_client()));
    sasl::guard_limits none;
    none.per_client = 0;
    CHECK_THROWS_AS(bench{none}, std::invalid_argument);
    sasl::guard_limits timeless;
    timeless.window = seconds{0};
    CHECK_THROWS_AS(bench{timeless}, std::invalid_argument);
    sasl::guard_limits locked;
    locked.delayed_at_once = 0;
    CHECK_THROWS_AS(bench{locked}, std::invalid_argument);
    for (auto const delay : {seconds{0}, seconds{61}}) {
        sasl::guard_limits waits;
        waits.longest_delay = delay;
        CHECK_THROWS_AS(bench{waits}, std::invalid_argument);
    }
    CHECK_THROWS_AS(sasl::guarded(sasl::mechanisms{}, nullptr), std::invalid_argument);
}

}  // namespace test_guarded
