#pragma once

#include <mailquay/relay/carrier.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mailquay_test {

/// A carrier that does what a test says, and remembers what it was asked.
struct scripted_carrier final : mailquay::carrier {
    struct seen {
        std::string id;
        std::string to;         ///< name of the destination
        std::vector<std::string> recipients;
        std::optional<std::chrono::seconds> deliver_within;
        std::optional<std::chrono::milliseconds> give_up_after{};
        std::vector<std::string> domains{};  ///< of the recipients, where they share a place
    };
    struct answer {
        std::vector<mailquay::carried> outcomes{};
        mailquay::carry_report report{};
    };

    /// What becomes of a consignment; absent: all is delivered.
    std::function<answer(mailquay::consignment const&)> script{};
    /// Attempts wait until this is false, or they are cancelled.
    std::function<bool(mailquay::consignment const&)> held{};
    /// Called when outcomes are on record, before the attempt ends.
    std::function<void(mailquay::consignment const&)> recorded{};

    /// The place of a domain, once the test says it; absent: itself.
    std::function<std::optional<mailquay::destination>(mailquay::destination const&)> place{};
    std::size_t places_asked = 0;

    std::vector<seen> attempts{};
    std::map<std::string, std::size_t> under_way{};
    std::map<std::string, std::size_t> most_under_way{};

    static answer all(mailquay::consignment const& what, mailquay::carried_state state, std::string reply) {
        answer given;
        for (auto const& to : what.recipients) given.outcomes.push_back({to.number, state, reply, "mx.example.com"});
        return given;
    }
    static answer unreachable(std::string reply = "4.4.1 connection refused") {
        answer given;
        given.report.end = mailquay::carry_end::unreachable;
        given.report.reply = std::move(reply);
        return given;
    }
    std::size_t attempts_for(std::string const& destination) const {
        return static_cast<std::size_t>(std::count_if(attempts.begin(), attempts.end(), [&](seen const& one) { return one.to == destination; }));
    }

    asio::awaitable<mailquay::carry_report> carry(std::shared_ptr<mailquay::consignment const> what, mailquay::outcomes_known told) override {
        seen now{std::string(what->message->id.view()), what->to.name, {}, what->deliver_within, what->give_up_after};
        for (auto const& one : what->recipients) {
            now.recipients.push_back(one.address);
            now.domains.push_back(one.domain);
        }
        attempts.push_back(std::move(now));
        auto& here = under_way[what->to.name];
        ++here;
        most_under_way[what->to.name] = std::max(most_under_way[what->to.name], here);

        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        bool cancelled = false;
        while (held && held(*what) && !cancelled) {
            timer.expires_after(std::chrono::milliseconds{1});
            std::error_code failed;
            auto token = asio::redirect_error(asio::use_awaitable, failed);
            co_await timer.async_wait(token);
            asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
            cancelled = failed || state.cancelled() != asio::cancellation_type::none;
        }
        if (cancelled) {
            --here;
            mailquay::carry_report ended;
            ended.end = mailquay::carry_end::cancelled;
            co_return ended;
        }
        answer given = script ? script(*what) : all(*what, mailquay::carried_state::delivered, "250 2.0.0 Ok");
        if (!given.outcomes.empty()) {
            auto telling = told(std::move(given.outcomes));
            co_await std::move(telling);
        }
        if (recorded) recorded(*what);
        --here;
        co_return given.report;
    }

    mailquay::eventual<mailquay::destination> place_of(mailquay::destination to) override {
        if (!place) return to;
        ++places_asked;
        return wait_for_place(std::move(to));
    }
    asio::awaitable<mailquay::destination> wait_for_place(mailquay::destination to) {
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        std::optional<mailquay::destination> found = place(to);
        bool cancelled = false;
        while (!found && !cancelled) {
            timer.expires_after(std::chrono::milliseconds{1});
            std::error_code failed;
            auto token = asio::redirect_error(asio::use_awaitable, failed);
            co_await timer.async_wait(token);
            asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
            cancelled = failed || state.cancelled() != asio::cancellation_type::none;
            found = place(to);
        }
        co_return found.value_or(to);
    }
};

}  // namespace mailquay_test
