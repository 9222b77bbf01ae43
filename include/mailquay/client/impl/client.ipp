#pragma once

#include <mailquay/client/client.hpp>

#include <mailquay/base/log_fields.hpp>
#include <mailquay/client/connection_pool.hpp>
#include <mailquay/client/impl/client_link.ipp>
#include <mailquay/client/impl/priority_field.ipp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// So many hosts that take one domain in a transaction are remembered.
inline constexpr std::size_t most_one_domain_hosts = 1000;
inline constexpr std::chrono::hours one_domain_time{1};

/// At most so many addresses are tried in one attempt.
inline constexpr std::size_t most_addresses = 5;

inline std::string own_host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
    return name.data();
}

/// Ends what runs on `executor`; made for each send. Its signal is touched there alone, whoever cancels where.
struct crossing_stop {
    explicit crossing_stop(asio::any_io_executor on) : executor(std::move(on)) {}
    asio::any_io_executor executor;
    asio::cancellation_signal signal{};
};

/// Sits in the slot of who waits, on his executor.
struct stop_over_there {
    std::shared_ptr<crossing_stop> what;
    void operator()(asio::cancellation_type type) const {
        asio::dispatch(what->executor, [over = what, type] { over->signal.emit(type); });
    }
};

/// Why nothing can be sent.
inline std::string fault_of_sending(next_hop const& to, outgoing_message const& message) {
    if (message.recipients.empty()) return "the message has no recipients";
    return fault_of(to.settings);
}

}  // namespace detail

struct client::impl : std::enable_shared_from_this<client::impl> {
    using link = detail::client_link;
    using pool_type = connection_pool<link>;

    impl(asio::any_io_executor on, client_config given)
        : strand(std::move(on)), config(std::move(given)), pool(config.pool), sweep(strand) {}

    /// One place in line for a connection.
    struct place {
        std::shared_ptr<link> got{};
        bool granted = false;
    };

    asio::awaitable<send_report> run(next_hop to, outgoing_message message, settled_listener listener) {
        co_await asio::this_coro::throw_if_cancelled(false);
        send_report whole;
        whole.host = to.host.empty() ? to.to_string() : to.host;
        whole.recipients.resize(message.recipients.size());
        if (std::string fault = detail::fault_of_sending(to, message); !fault.empty()) {
            whole.problem = hop_problem::content_unreadable;
            whole.text = std::move(fault);
            co_return whole;
        }
        std::string const key = to.key();
        std::shared_ptr<message_content> const as_given = message.content;
        std::vector<std::size_t> left(message.recipients.size());
        for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
        bool fresh = false;
        while (!left.empty()) {
            auto used = co_await acquire(key, fresh, to.settings.timeouts.attempt, &whole);
            bool const opens = used == nullptr && whole.problem == hop_problem::none;
            if (opens) used = co_await open(to, message, key, &whole);
            if (!used) break;
            whole.reused = !opens;
            used->add_facts(whole);
            message.content = as_given;
            used->give_up_at = message.give_up_at;
            if (takes_one_domain(to.to_string())) used->engine->keep_to_one_domain();
            bool const readable = co_await prepare(used, &message);
            if (!readable) {
                whole.problem = hop_problem::content_unreadable;
                whole.stage = send_stage::content;
                whole.advice = hop_advice::done;
                release(key, used);
                break;
            }
            co_await used->send(&message, left, &whole, &listener);
            send_report const& found = used->engine->report();
            bool const went_stale = whole.reused && found.problem != hop_problem::none && !used->engine->mail_answered() && !used->cancelled();
            take_problem(whole, found);
            if (used->engine->keeps_to_one_domain() && !takes_one_domain(to.to_string())) remember_one_domain(to.to_string());
            release(key, used);
            if (went_stale) {
                // The server had closed it while it was idle: that is no attempt. Once, for the next one is new.
                whole.problem = hop_problem::none;
                fresh = true;
                continue;
            }
            std::size_t const before = left.size();
            std::erase_if(left, [&whole](std::size_t which) { return whole.recipients[which].state != recipient_state::untried; });
            if (whole.problem != hop_problem::none) break;
            fresh = true;
            if (left.size() == before && opens) {
                whole.problem = hop_problem::refused;
                whole.text = "the server takes no message on a connection (LIMITS)";
                whole.advice = hop_advice::try_another;
            }
            if (whole.problem != hop_problem::none) break;
        }
        log_outcome(to, message, whole);
        co_return whole;
    }

    bool takes_one_domain(std::string const& host) const {
        auto const found = one_domain_hosts.find(host);
        return found != one_domain_hosts.end() && std::chrono::steady_clock::now() < found->second;
    }
    // For a while only: what a host refused beside another domain may have been refused for a passing reason.
    void remember_one_domain(std::string host) {
        if (one_domain_hosts.size() >= detail::most_one_domain_hosts && !one_domain_hosts.contains(host)) one_domain_hosts.clear();
        one_domain_hosts.insert_or_assign(std::move(host), std::chrono::steady_clock::now() + detail::one_domain_time);
    }

    static void take_problem(send_report& whole, send_report const& found) {
        whole.problem = found.problem;
        whole.stage = found.stage;
        whole.reply = found.reply;
        whole.text = found.text;
        whole.advice = found.advice;
    }

    /// @return an idle connection; null: one may be opened, or `whole->problem` says why not
    asio::awaitable<std::shared_ptr<link>> acquire(std::string key, bool fresh, std::chrono::milliseconds patience, send_report* whole) {
        auto const until = std::chrono::steady_clock::now() + patience;
        auto mine = std::make_shared<place>();
        auto timer = std::make_shared<asio_compat::timer>(strand);
        auto granted = pool.acquire(key, fresh, [mine, timer](std::shared_ptr<link> got) {
            mine->got = std::move(got);
            mine->granted = true;
            timer->cancel();
        });
        if (granted.evicted) part(std::move(granted.evicted));
        if (granted.what == pool_type::outcome::reuse) granted.link->idle = false;
        if (granted.what == pool_type::outcome::reuse || granted.what == pool_type::outcome::open) co_return granted.link;
        if (granted.what == pool_type::outcome::refused) {
            whole->problem = hop_problem::no_connection_free;
            whole->text = "too many messages wait for a connection; see pool_limits::waiting";
            whole->advice = hop_advice::done;
            co_return nullptr;
        }
        while (!mine->granted) {
            auto const state = co_await asio::this_coro::cancellation_state;
            bool const cancelled = state.cancelled() != asio::cancellation_type::none;
            bool const late = std::chrono::steady_clock::now() >= until;
            bool const gives_up = (cancelled || late) && pool.cancel(key, granted.waits_as);
            if (gives_up) {
                whole->problem = cancelled ? hop_problem::cancelled : hop_problem::no_connection_free;
                if (!cancelled) whole->text = "no connection became free in time; see pool_limits::total and per_destination";
                whole->advice = hop_advice::done;
                co_return nullptr;
            }
            timer->expires_at(until);
            std::error_code ignored;
            auto token = asio::redirect_error(asio::use_awaitable, ignored);
            co_await timer->async_wait(token);
        }
        co_return mine->got;
    }

    /// @return a connection that is ready for a message; null: `whole` says why there is none, and it no longer counts
    asio::awaitable<std::shared_ptr<link>> open(next_hop to, outgoing_message const& message, std::string key, send_report* whole) {
        auto made = make_link(to, key, message.give_up_at);
        auto addresses = co_await made->resolve(whole);
        if (addresses.empty() && to.unix_path.empty()) {
            whole->stage = send_stage::connect;
            whole->advice = whole->problem == hop_problem::cancelled ? hop_advice::done : hop_advice::try_another;
            pool.closed(key);
            co_return nullptr;
        }
        if (!to.unix_path.empty()) addresses.assign(1, ip_endpoint{});
        if (addresses.size() > detail::most_addresses) addresses.resize(detail::most_addresses);
        bool const may_go_clear = to.settings.tls == tls_use::opportunistic && to.settings.verify == tls_verification::none &&
                                  !message.requests.requiretls;
        bool all_refuse = true;
        for (ip_endpoint const address : addresses) {
            auto const failure = co_await made->connect(address);
            if (failure) {
                note_unreachable(*whole, address, failure);
            } else {
                co_await made->open();
                whole->problem = hop_problem::none;
                if (made->healthy()) co_return made;
                take_problem(*whole, made->engine->report());
                made->add_facts(*whole);
            }
            bool const shake_failed = whole->problem == hop_problem::tls_failed ||
                                      (whole->problem == hop_problem::timed_out && whole->stage == send_stage::tls);
            bool const try_clear = shake_failed && may_go_clear;
            made->close();
            if (try_clear) {
                next_hop clear = to;
                clear.settings.tls = tls_use::off;
                made = make_link(clear, key, message.give_up_at);
                whole->tls_given_up = true;
                auto const again = co_await made->connect(address);
                if (again) {
                    note_unreachable(*whole, address, again);
                } else {
                    co_await made->open();
                    whole->problem = hop_problem::none;
                    if (made->healthy()) {
                        // In clear for this message only: the next one tries TLS again.
                        made->messages = config.pool.messages_per_connection;
                        co_return made;
                    }
                    take_problem(*whole, made->engine->report());
                }
                made->close();
            }
            all_refuse = all_refuse && (whole->reply.code == 521 || whole->reply.code == 556);
            bool const same_everywhere = whole->problem == hop_problem::cancelled || whole->problem == hop_problem::authentication_failed ||
                                         whole->problem == hop_problem::no_mechanism;
            if (same_everywhere) break;
            made = make_link(to, key, message.give_up_at);
        }
        // RFC 7504: this host never takes mail. Where another of its addresses gave no such answer, that is not sure.
        if (all_refuse) refuse_for_good(*whole);
        if (whole->problem == hop_problem::cancelled) whole->advice = hop_advice::done;
        pool.closed(key);
        co_return nullptr;
    }

    static void note_unreachable(send_report& whole, ip_endpoint const& address, std::error_code failure) {
        whole.problem = hop_problem::unreachable;
        if (failure == std::errc::timed_out) whole.problem = hop_problem::timed_out;
        if (failure == std::errc::operation_canceled) whole.problem = hop_problem::cancelled;
        whole.stage = send_stage::connect;
        whole.address = address;
        whole.reply = {};
        whole.text = failure.message();
        whole.advice = hop_advice::try_another;
    }

    static void refuse_for_good(send_report& whole) {
        for (recipient_result& one : whole.recipients) {
            if (one.state != recipient_state::untried) continue;
            one.state = recipient_state::permanent;
            one.stage = whole.stage;
            one.reply = whole.reply;
            one.status = whole.reply.enhanced.empty() ? "5.3.2" : whole.reply.enhanced;
        }
    }

    /// Reads the content through where it decides what can be sent, and puts the priority into it.
    /// @return false if it cannot be read
    asio::awaitable<bool> prepare(std::shared_ptr<link> over, outgoing_message* message) {
        bool readable = true;
        if (over->engine->wants_facts(*message)) readable = co_await over->scan(message);
        if (!readable || !over->engine->wants_priority_field(*message)) co_return readable;
        try {
            auto edited = co_await detail::with_priority_field(message->content, message->requests.priority->value);
            readable = edited != nullptr;
            message->content = std::move(edited);
        } catch (std::exception const&) {  // a host's code
            readable = false;
        }
        co_return readable;
    }

    std::shared_ptr<link> make_link(next_hop const& to, std::string const& key, std::optional<std::chrono::steady_clock::time_point> give_up_at) {
        auto made = std::make_shared<link>(strand, to, config.hello_name, config.tls);
        made->give_up_at = give_up_at;
        made->idle_broke = [weak = weak_from_this(), key, raw = made.get()] {
            if (auto const self = weak.lock()) self->lost_idle(key, raw);
        };
        return made;
    }

    void lost_idle(std::string const& key, link* broken) {
        auto const keep = broken->shared_from_this();
        if (pool.remove_idle(key, broken)) broken->close();
    }

    void release(std::string const& key, std::shared_ptr<link> const& used) {
        used->give_up_at.reset();
        bool const good = used->healthy() && used->messages < config.pool.messages_per_connection && used->engine->messages_left() != 0;
        if (good) {
            auto const what = pool.give_back(key, used, std::chrono::steady_clock::now());
            if (what == pool_type::returned::idle) {
                used->watch_idle();
                arm_sweep();
            }
            if (what != pool_type::returned::unwanted) return;
        }
        pool.closed(key);
        part(used);
    }

    /// Ends a connection that no longer counts, with QUIT if it is in order.
    void part(std::shared_ptr<link> used) {
        used->idle = false;
        used->idle_broke = {};
        if (!used->healthy() || leaving >= config.pool.leaving) return used->close();
        ++leaving;
        auto ending = used->goodbye();
        asio::co_spawn(strand, std::move(ending), [self = shared_from_this(), used](std::exception_ptr) { --self->leaving; });
    }

    void arm_sweep() {
        auto const next = pool.next_expiry();
        if (!next || sweep_armed) return;
        sweep_armed = true;
        sweep.expires_at(*next);
        sweep.async_wait([weak = weak_from_this()](std::error_code) {
            auto const self = weak.lock();
            if (!self) return;
            self->sweep_armed = false;
            for (auto& one : self->pool.take_expired(std::chrono::steady_clock::now())) self->part(std::move(one));
            self->arm_sweep();
        });
    }

    void close() {
        for (auto& one : pool.close()) part(std::move(one));
        sweep.cancel();
    }

    void log_outcome(next_hop const& to, outgoing_message const& message, send_report const& whole) const {
        config.log.debug([&] { return log_line{"sent"}.add("id", message.id).add("to", to.to_string()).add("outcome", whole.summary()); });
    }

    asio::any_io_executor strand;
    client_config config;
    pool_type pool;
    asio_compat::timer sweep;
    bool sweep_armed = false;
    std::size_t leaving = 0;  // connections that say QUIT
    std::map<std::string, std::chrono::steady_clock::time_point> one_domain_hosts{};  // until when
};

MAILQUAY_DECL client::client(asio::any_io_executor host, client_config config) {
    if (config.hello_name.empty()) config.hello_name = detail::own_host_name();
    if (config.hello_name.size() > 255 || std::any_of(config.hello_name.begin(), config.hello_name.end(), [](char c) { return c <= ' ' || c == '\x7f'; }))
        throw std::invalid_argument("mailquay: client_config::hello_name \"" + config.hello_name +
                                    "\" is no name of a host; give one word of at most 255 octets");
    if (config.pool.per_destination == 0 || config.pool.total == 0 || config.pool.messages_per_connection == 0)
        throw std::invalid_argument("mailquay: client_config::pool allows no connection; set per_destination, total and "
                                    "messages_per_connection to 1 or more");
    impl_ = std::make_shared<impl>(asio_compat::make_strand(std::move(host)), std::move(config));
}

MAILQUAY_DECL client::~client() {
    if (impl_) asio::dispatch(impl_->strand, [all = impl_] { all->close(); });
}

MAILQUAY_DECL asio::awaitable<send_report> client::send(next_hop to, outgoing_message message, settled_listener listener) {
    auto const all = impl_;
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
    send_report report;
    std::exception_ptr failure;
    if (state.cancelled() != asio::cancellation_type::none) {
        report.host = to.host.empty() ? to.to_string() : to.host;
        report.recipients.resize(message.recipients.size());
        report.problem = hop_problem::cancelled;
    } else {
        auto const stop = std::make_shared<detail::crossing_stop>(all->strand);
        auto slot = state.slot();
        if (slot.is_connected()) slot.assign(detail::stop_over_there{stop});
        try {
            auto running = all->run(std::move(to), std::move(message), std::move(listener));
            auto token = asio::bind_cancellation_slot(stop->signal.slot(), asio::use_awaitable);
            report = co_await asio::co_spawn(all->strand, std::move(running), token);
        } catch (...) {
            failure = std::current_exception();
        }
        slot.clear();
        // The last steps over there may still look at the signal.
        asio::post(all->strand, [stop] {});
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (failure) std::rethrow_exception(failure);
    co_return report;
}

MAILQUAY_DECL void client::send(next_hop to, outgoing_message message, unique_function<void(send_report)> done) {
    auto running = impl_->run(std::move(to), std::move(message), {});
    asio::co_spawn(impl_->strand, std::move(running),
                   [all = impl_, done = std::move(done)](std::exception_ptr failure, send_report report) mutable {
                       if (failure) {
                           report.problem = hop_problem::cancelled;
                           report.text = "the attempt ended by an exception";
                       }
                       done(std::move(report));
                   });
}

MAILQUAY_DECL void client::close() {
    asio::dispatch(impl_->strand, [all = impl_] { all->close(); });
}
MAILQUAY_DECL std::size_t client::idle_connections() const { return impl_->pool.idle(); }
MAILQUAY_DECL std::size_t client::open_connections() const { return impl_->pool.open(); }

}  // namespace mailquay::inline MAILQUAY_ABI
