#include <mailquay/relay/smtp_carrier.hpp>

#include <mailquay/handler/offload.hpp>
#include <mailquay/relay/impl/carrying.ipp>
#include <mailquay/server/worker_pool.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <map>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
struct smtp_carrier::impl {
    impl(asio::any_io_executor host, smtp_carrier_settings chosen) : settings(without_line(std::move(chosen))), mail(std::move(host), settings.client) {
        for (auto const& [name, how] : {std::pair{"smarthost", &settings.smarthost}, std::pair{"lmtp", &settings.lmtp}})
            if (std::string const fault = fault_of(*how); !fault.empty())
                throw std::invalid_argument(fmt::format("smtp_carrier_settings::{}: {}", name, fault));
        settings.lmtp.protocol = dialect::lmtp;
        if (!settings.workers) {
            worker_pool_config two;
            two.threads = 2;
            settings.workers = std::make_shared<worker_pool>(two);
        }
    }
    // The runner has a line for each destination; one within the client would keep its attempts from all others.
    static smtp_carrier_settings without_line(smtp_carrier_settings given) {
        given.client.pool.waiting = 0;
        return given;
    }
    smtp_carrier_settings settings;
    client mail;

    asio::awaitable<found_hops> hops_of(destination to);
    asio::awaitable<std::vector<detail::share>> shares_of(std::shared_ptr<consignment const> what);
    asio::awaitable<std::vector<detail::share>> shares_in_time(std::shared_ptr<consignment const> what);
    asio::awaitable<carry_report> carry(std::shared_ptr<impl> self, std::shared_ptr<consignment const> what, outcomes_known told);
    asio::awaitable<carry_report> carry_share(std::shared_ptr<detail::carrying> state, detail::share* of, outgoing_message* message);
};

MAILQUAY_DECL smtp_carrier::smtp_carrier(asio::any_io_executor host, smtp_carrier_settings settings)
    : impl_(std::make_shared<impl>(std::move(host), std::move(settings))) {}
MAILQUAY_DECL smtp_carrier::~smtp_carrier() = default;
MAILQUAY_DECL void smtp_carrier::close() { impl_->mail.close(); }
MAILQUAY_DECL asio::awaitable<carry_report> smtp_carrier::carry(std::shared_ptr<consignment const> what, outcomes_known told) {
    return impl_->carry(impl_, std::move(what), std::move(told));
}

MAILQUAY_DECL eventual<destination> smtp_carrier::place_of(destination to) {
    if (to.way != delivery_way::mx || !impl_->settings.find_hops.find_place) return to;
    auto asked = impl_->settings.find_hops.find_place(to.name);
    return detail::ask_for_place_of(std::move(asked), std::move(to));
}

inline asio::awaitable<found_hops> smtp_carrier::impl::hops_of(destination to) {
    found_hops found;
    if (to.way == delivery_way::mx) {
        if (!settings.find_hops) {
            found.failure = "4.4.3 no resolver is set";
            co_return found;
        }
        auto finding = settings.find_hops(to.name);
        auto answer = co_await std::move(finding);
        co_return answer;
    }
    auto hop = next_hop::parse(to.name);
    if (!hop) {
        found.failure = fmt::format("4.3.5 \"{}\" is no host and port", to.name);
        co_return found;
    }
    hop->settings = to.way == delivery_way::lmtp ? settings.lmtp : settings.smarthost;
    found.hops.push_back(*std::move(hop));
    co_return found;
}

// Domains of a place share their hosts; what the DNS says otherwise by now goes by itself.
inline asio::awaitable<std::vector<detail::share>> smtp_carrier::impl::shares_of(std::shared_ptr<consignment const> what) {
    std::vector<detail::share> shares;
    std::map<std::string, std::size_t> where;
    auto const give_up_at = std::chrono::steady_clock::now() + detail::look_ups_patience;
    for (consigned_recipient const& one : what->recipients) {
        std::string const domain = one.domain.empty() ? what->to.name : one.domain;
        auto known = where.find(domain);
        if (known == where.end()) {
            // Each look-up ends by itself; of many that take long the rest waits for another attempt.
            found_hops found;
            found.failure = "4.4.3 the look-ups of other domains took too long";
            bool const late = !where.empty() && std::chrono::steady_clock::now() >= give_up_at;
            if (!late) {
                auto finding = hops_of(destination{what->to.way, domain});
                auto got = co_await std::move(finding);
                found = std::move(got);
            }
            asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none) co_return std::vector<detail::share>{};
            std::size_t at = 0;
            while (at < shares.size() && (found.key.empty() || shares[at].found.key != found.key)) ++at;
            if (at == shares.size()) {
                shares.emplace_back(std::move(found));
            } else {
                if (shares[at].found.hops.empty()) std::swap(shares[at].found, found);
                shares[at].others.push_back(std::move(found));
            }
            known = where.emplace(domain, at).first;
        }
        shares[known->second].recipients.push_back(one);
    }
    // What the destination as a whole is judged by comes first.
    auto const judging = std::find_if(shares.begin(), shares.end(), [&](detail::share const& one) { return one.found.key == what->to.name; });
    if (judging != shares.end()) std::iter_swap(shares.begin(), judging);
    co_return shares;
}

// Of a message that is given up meanwhile there are none, as of one that is cancelled.
inline asio::awaitable<std::vector<detail::share>> smtp_carrier::impl::shares_in_time(std::shared_ptr<consignment const> what) {
    auto asked = shares_of(what);
    if (!what->give_up_after) co_return co_await std::move(asked);
    asio::any_io_executor const executor = co_await asio::this_coro::executor;
    auto const stop = std::make_shared<detail::stop_in_time>(executor);
    asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
    auto slot = state.slot();
    if (slot.is_connected()) slot.assign(detail::stop_now{stop});
    stop->begin(stop, *what->give_up_after);
    std::vector<detail::share> shares;
    std::exception_ptr failure;
    try {
        auto asking = detail::shares_or_none(std::move(asked));
        auto token = asio::bind_cancellation_slot(stop->signal.slot(), asio::use_awaitable);
        shares = co_await asio::co_spawn(executor, std::move(asking), token);
    } catch (...) {
        failure = std::current_exception();
    }
    slot.clear();
    stop->end();
    // The look-up's last steps may still look at the signal.
    asio::post(executor, [stop] {});
    if (failure) std::rethrow_exception(failure);
    co_return shares;
}

inline asio::awaitable<carry_report> smtp_carrier::impl::carry(std::shared_ptr<impl> self, std::shared_ptr<consignment const> what, outcomes_known told) {
    auto const executor = co_await asio::this_coro::executor;
    auto const begun = std::chrono::steady_clock::now();
    auto finding = self->shares_in_time(what);
    std::vector<detail::share> shares = co_await std::move(finding);
    if (shares.empty()) {
        carry_report cancelled;
        cancelled.end = carry_end::cancelled;
        co_return cancelled;
    }
    bool const may_lift = std::any_of(shares.begin(), shares.end(), [](detail::share const& one) { return !one.found.without_demands.empty(); });
    if (may_lift && !what->message->stored.envelope.requests.requiretls) {
        auto looking = offload(*settings.workers, [message_looked_at = what->message] { return detail::lifts_tls(*message_looked_at); });
        bool const lifts = co_await std::move(looking).wait();
        for (detail::share& one : shares)
            if (lifts) one.lift_demands();
    }
    outgoing_message message{what->message->stored.envelope, nullptr};
    message.requests.hold.reset();  // it was held here
    if (what->give_up_after) message.give_up_at = begun + *what->give_up_after;
    if (message.requests.by && what->deliver_within) {
        // With R there is no such time as 0 (RFC 2852 §3); it is sent with no time left only while the clock is not trusted.
        std::int64_t const least = message.requests.by->mode == by_mode::return_to_sender ? 1 : -999'999'999;
        message.requests.by->seconds = static_cast<std::int32_t>(std::clamp<std::int64_t>(what->deliver_within->count(), least, 999'999'999));
    }

    carry_report report;
    carry_report met_full;
    std::vector<std::shared_ptr<detail::carrying>> waiting;  // for a connection
    std::shared_ptr<detail::carrying> judged;
    for (std::size_t at = 0; at < shares.size(); ++at) {
        auto const state = std::make_shared<detail::carrying>();
        state->told = told;
        state->where = executor;
        state->message = what->message;
        for (auto const& one : shares[at].recipients) state->open.push_back(one.number);
        carry_report of_share;
        if (shares[at].found.hops.empty()) {
            of_share.reply = shares[at].found.failure.empty() ? "4.4.4 no host" : shares[at].found.failure;
            if (of_share.reply.starts_with('5')) {
                auto telling = detail::tell_of_all(state, carried_state::permanent, of_share);
                co_await std::move(telling);
            } else {
                of_share.end = carry_end::unreachable;
            }
        } else {
            if (!message.content) {
                auto reading = detail::content_of_message(what->message, settings.workers);
                auto content = co_await std::move(reading);
                if (!content) {
                    if (at == 0) report.reply = "4.3.0 the message cannot be read: " + content.error().message();
                    co_return report;
                }
                message.content = *std::move(content);
            }
            auto carrying = self->carry_share(state, &shares[at], &message);
            of_share = co_await std::move(carrying);
        }
        bool const ours = shares[at].found.key == what->to.name || shares[at].recipients.front().domain.empty();
        bool const full = of_share.end == carry_end::full;
        bool const ends_all = of_share.end == carry_end::cancelled || (at == 0 && full);
        if ((at == 0 && ours) || ends_all) {
            report = of_share;
            judged = state;
        } else if (full) {
            met_full = of_share;
            waiting.push_back(state);
        } else {
            // What befell a domain that has left the place is no word about it.
            if (at == 0) report.end = carry_end::message_alone;
            auto telling = detail::tell_of_all(state, carried_state::temporary, of_share);
            co_await std::move(telling);
        }
        if (ends_all) break;
    }
    if (waiting.empty() || report.end == carry_end::cancelled) co_return report;
    // That the place is to be slowed or left alone is said first: its mail waits longer than for a connection.
    bool const may_wait = report.end == carry_end::done || report.end == carry_end::message_alone;
    if (may_wait) waiting.assign(1, judged);
    carry_report const& why = may_wait ? report : met_full;
    for (std::shared_ptr<detail::carrying> const& one : waiting) {
        if (!one) continue;
        auto telling = detail::tell_of_all(one, carried_state::temporary, why);
        co_await std::move(telling);
    }
    co_return may_wait ? met_full : report;
}

inline asio::awaitable<carry_report> smtp_carrier::impl::carry_share(std::shared_ptr<detail::carrying> state, detail::share* of, outgoing_message* message) {
    carry_report report;
    detail::findings found_so_far;
    report.end = carry_end::unreachable;
    std::size_t asked = 0;
    for (next_hop& hop : of->found.hops) {
        message->recipients.clear();
        state->numbers.clear();
        for (auto const& one : of->recipients) {
            if (!state->is_open(one.number) || (asked != 0 && !found_so_far.is_next(one.number))) continue;
            message->recipients.push_back({one.address, state->requests_of(one.number)});
            state->numbers.push_back(one.number);
        }
        ++asked;
        state->hop = hop;
        settled_listener listener = [state](std::vector<std::size_t> places, send_report const& so_far) { return detail::tell_sure(state, places, so_far); };
        auto sending = mail.send(hop, *message, std::move(listener));
        send_report const sent = co_await std::move(sending);
        of->tell_came_out(asked - 1, sent);
        bool const more = found_so_far.add(state, sent);
        bool const for_good = std::any_of(sent.recipients.begin(), sent.recipients.end(), [&](auto const& one) { return detail::is_of_this_host(one, sent); });
        report = detail::joined(std::move(report), detail::report_of(sent, hop, message->requests.requiretls), for_good);
        bool const ended = !more || report.end == carry_end::cancelled || report.end == carry_end::full;
        if (ended) break;
    }
    std::vector<carried> rest = found_so_far.outcomes(state, asked == of->found.hops.size());
    // Hosts that never take mail (521) are none that may do so later.
    bool const all_permanent = rest.size() == state->open.size() && !rest.empty() &&
                               std::all_of(rest.begin(), rest.end(), [](carried const& one) { return one.state == carried_state::permanent; });
    if (all_permanent && report.end == carry_end::unreachable) report.end = carry_end::done;
    if (!rest.empty()) {
        for (carried const& one : rest) std::erase(state->open, one.number);
        auto telling = state->told(std::move(rest));
        co_await std::move(telling);
    }
    co_return report;
}

}  // namespace mailquay::inline MAILQUAY_ABI
