#pragma once

#include <mailquay/client/mta_sts.hpp>
#include <mailquay/server/memory_store.hpp>
#include <mailquay/testing/fake_resolver.hpp>

#include "support/run_eventual.hpp"

#include <asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// A domain with an MTA-STS policy, and a clock that is moved by hand.
namespace mailquay_test {

struct sts_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point steady() const noexcept override { return std::chrono::steady_clock::time_point{passed}; }
    std::chrono::system_clock::time_point wall() const noexcept override { return std::chrono::system_clock::time_point{std::chrono::hours{24 * 20'000} + passed}; }
    std::chrono::seconds passed{1};
};

struct sts_domain {
    using fetched = mailquay::result<std::string, mailquay::https_failure>;

    sts_domain() { dns->txt_is("_mta-sts.example.org", {"v=STSv1; id=1;"}); }

    static asio::awaitable<fetched> never() {
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        timer.expires_after(std::chrono::hours{1});
        co_await timer.async_wait(asio::use_awaitable);
        co_return fetched{std::string{}};
    }

    mailquay::mta_sts make() {
        auto const get = [this](mailquay::https_request request) -> mailquay::eventual<fetched> {
            requests.push_back("https://" + request.host + request.path);
            if (throws) throw std::runtime_error("no sockets left");
            if (hangs) return never();
            if (failure) return fetched{*failure};
            return later(fetched{policy});
        };
        settings.report = [this](mailquay::tls_report const& fact) { facts.push_back(fact); };
        return mailquay::mta_sts{dns, get, store, settings, time};
    }
    mailquay::mta_sts_found find() { return run(io, make().find("example.org")); }

    std::shared_ptr<sts_clock> time = std::make_shared<sts_clock>();
    std::shared_ptr<mailquay::testing::fake_resolver> dns = std::make_shared<mailquay::testing::fake_resolver>();
    std::shared_ptr<mailquay::memory_store> store = std::make_shared<mailquay::memory_store>(mailquay::memory_store_config{}, time);
    mailquay::mta_sts_settings settings{};
    std::string policy{"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n"};
    std::optional<mailquay::https_failure> failure{};
    bool hangs = false;
    bool throws = false;
    std::vector<std::string> requests{};
    std::vector<mailquay::tls_report> facts{};
    asio::io_context io{};
};

}  // namespace mailquay_test
