#pragma once

#include <mailquay/server/server.hpp>

#include <mailquay/base/log_fields.hpp>
#include <mailquay/handler/header_fixes.hpp>
#include <mailquay/handler/recipient_table.hpp>
#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/asio_loop.hpp>
#include <mailquay/server/impl/running_shard.ipp>
#include <mailquay/server/impl/server_checks.ipp>
#include <mailquay/server/listener.hpp>
#include <mailquay/server/server_workers.hpp>
#include <mailquay/server/shard.hpp>
#include <mailquay/server/spooled_buffer.hpp>
#include <mailquay/session/prepared_replies.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

struct server::impl {
    explicit impl(server_config given, std::optional<asio::any_io_executor> on)
        : config(std::move(given)), host(std::move(on)), door(std::make_shared<admission>(config.connections)),
          own_workers(std::make_shared<server_workers>(worker_pool_config{config.worker_threads, config.worker_queue})),
          auth_workers(std::make_shared<server_workers>(auth_pool(config))),
          ending(std::make_shared<detail::shutdown_state>()) {}
    ~impl();

    struct listening {
        profile kind;
        std::unique_ptr<listen_socket> socket;  // until a shard has it
        listen_endpoint where;
    };

    // A queue that is worked off while a client waits.
    static worker_pool_config auth_pool(server_config const& config) noexcept {
        return {std::max(1u, config.worker_threads / 2), std::min<std::size_t>(128, config.worker_queue)};
    }
    /// Those of the host serve both.
    std::shared_ptr<workers> workers_for_auth(std::shared_ptr<workers> const& given) const {
        if (given == own_workers) return auth_workers;
        return given;
    }
    void check(server_config const& settings, handlers const& plugged, profile const& kind, listen_endpoint const* where) const;
    static handlers merged(handlers servers, profile const& own);
    std::shared_ptr<listener_setup const> make_setup(server_config const& settings, handlers const& of_shard, profile const& kind,
                                                     unsigned shard_number) const;
    handlers const& plugged_of(unsigned shard_number);
    bool make_shards(std::vector<asio::any_io_executor> const& executors);
    void start_listener(listening& added);
    listen_endpoint add(std::unique_ptr<listen_socket> socket, profile kind);
    void freeze();
    void refuse_if_over() const;

    server_config config;
    plugins plugged;
    std::optional<asio::any_io_executor> host;
    std::shared_ptr<admission> door;
    std::shared_ptr<server_workers> own_workers;
    std::shared_ptr<server_workers> auth_workers;
    std::shared_ptr<detail::shutdown_state> ending;
    std::vector<handlers> per_shard;  // with what per_shard() made
    std::vector<std::unique_ptr<asio::io_context>> contexts;
    std::vector<std::unique_ptr<loop_turns>> turns;  // of the contexts
    std::vector<std::shared_ptr<detail::running_shard>> shards;
    std::vector<listening> listeners;
    bool frozen = false;
    bool ran = false;
};

MAILQUAY_DECL server::impl::~impl() {
    for (auto const& one : shards) one->cut();
    shards.clear();
    {
        std::lock_guard const lock{ending->mutex};
        ending->shards.clear();
    }
    listeners.clear();
    // Jobs end before the contexts that their coroutines wait on.
    own_workers->end();
    auth_workers->end_without_waiting();  // those who logged in are gone
    contexts.clear();
}

MAILQUAY_DECL server::server(asio::any_io_executor host, server_config config)
    : impl_(std::make_unique<impl>(std::move(config), std::move(host))) {}

MAILQUAY_DECL server::server(server_config config) : impl_(std::make_unique<impl>(std::move(config), std::nullopt)) {}

MAILQUAY_DECL server::~server() = default;

MAILQUAY_DECL plugins& server::changeable() {
    if (impl_->frozen)
        throw std::logic_error("mailquay: the server listens already; set plug-ins before listen(), or use reconfigure()");
    return impl_->plugged;
}

MAILQUAY_DECL server_config server::current_config() const { return impl_->config; }
MAILQUAY_DECL plugins server::current_plugins() const { return impl_->plugged; }

// --- settings ------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL handlers server::impl::merged(handlers servers, profile const& own) {
    if (own.recipients) servers.recipients = *own.recipients;
    if (own.policies) servers.policies = *own.policies;
    if (own.filters) servers.filters = *own.filters;
    if (own.sink) servers.sink = own.sink;
    if (own.authentication) servers.authenticator = own.authentication;
    if (own.policies_for == policy_scope::nobody && !own.policies) servers.policies.clear();
    servers.spare_users = own.policies_for == policy_scope::unauthenticated;
    return servers;
}

MAILQUAY_DECL void server::impl::check(server_config const& settings, handlers const& plugged_in, profile const& kind,
                                       listen_endpoint const* where) const {
    std::vector<std::string> found = problems(settings);
    handlers const all = merged(plugged_in, kind);
    if (!all.sink)
        found.push_back("no sink is set, so mail has nowhere to go; call sink(...) before listen(), for example "
                        "sink(mailquay::sinks::maildir{\"mail\"})");
    profile_surroundings around;
    around.has_tls = plugged_in.tls != nullptr;
    around.has_authenticator = plugged_in.authenticator != nullptr;
    around.has_trusted_proxies = !settings.trusted_proxies.empty();
    if (where != nullptr && !where->is_unix()) around.port = where->port();
    for (std::string& one : problems(kind, around)) found.push_back(std::move(one));
    if (found.empty()) {
        // What the profile changes is checked once the server's own settings are well, or each fault would come twice.
        for (std::string& one : problems(make_session_config(settings, kind, promises{})))
            found.push_back("profile " + kind.name + ": " + one);
    }
    if (detail::made_already(all))
        for (std::string& one : detail::broken_promises(settings, kind, detail::promised_by(all))) found.push_back(std::move(one));
    extension_registry with_hosts = settings.extensions;
    detail::add_host_extensions(with_hosts, all);
    for (auto const& one : all.recipients)
        if (auto const* const table = dynamic_cast<recipient_table const*>(one.get()))
            for (std::string& fault : table->problems()) found.push_back(std::move(fault));
    for (std::string& fault : detail::relay_problems(all, settings)) found.push_back(std::move(fault));
    if (!found.empty()) detail::refuse_settings(found);
}

MAILQUAY_DECL handlers const& server::impl::plugged_of(unsigned shard_number) {
    while (per_shard.size() <= shard_number) {
        handlers made = handlers_for_shard(plugged.all(), static_cast<unsigned>(per_shard.size()));
        if (!made.workers) made.workers = own_workers;
        detail::lend_workers(made, made.workers, workers_for_auth(made.workers));
        per_shard.push_back(std::move(made));
    }
    return per_shard[shard_number];
}

MAILQUAY_DECL std::shared_ptr<listener_setup const> server::impl::make_setup(server_config const& settings, handlers const& of_shard,
                                                                             profile const& kind, unsigned shard_number) const {
    handlers all = handlers_for_shard(merged(of_shard, kind), shard_number);
    // Before the others, which may sign what they see.
    if (kind.fix_header)
        all.filters.insert(all.filters.begin(), std::make_shared<header_fixes>(kind.hostname.value_or(settings.hostname)));
    // What is made for each shard could not be looked at before.
    if (auto const open = detail::relay_problems(all, settings); !open.empty()) detail::refuse_settings(open);
    detail::lend_workers(all, all.workers, workers_for_auth(all.workers));
    if (!all.buffers) {
        spooled_buffer_config buffers;
        buffers.memory_octets = all.buffer_memory;
        all.buffers = std::make_shared<spooled_buffers>(all.workers, std::move(buffers));
    }
    auto made = std::make_shared<listener_setup>();
    promises const kept = detail::promised_by(all);
    if (auto const broken = detail::broken_promises(settings, kind, kept); !broken.empty()) detail::refuse_settings(broken);
    made->session = make_session_config(settings, kind, kept, all.authenticator, all.tls != nullptr);
    made->tls = all.tls;
    detail::add_host_extensions(made->session.extensions, all);
    made->session.answer_verify = static_cast<bool>(all.verify);
    made->session.answer_expand = static_cast<bool>(all.expand);
    if (shard_number == 0 && announces_all(settings)) {
        std::string not_kept;
        for (std::string const& keyword : unkept_extensions(settings, kept))
            not_kept.append(not_kept.empty() ? "" : ",").append(keyword);
        if (!not_kept.empty())
            settings.log.warning([&] { return log_line{"not-honoured"}.add("profile", kind.name).add("extensions", not_kept); });
    }
    made->log = settings.log;
    made->per_address = kind.limits.connections_per_address.value_or(settings.connections.per_address);
    made->proxy = kind.proxy.value_or(proxy_mode::off);
    made->trusted_proxies = settings.trusted_proxies;
    made->proxy_header_time = settings.proxy_header_time;
    auto asks = std::make_shared<pipeline>(all, settings.log);
    made->session.hold_headers = asks->needs() >= message_needs::headers;
    prepare_replies(made->session);
    made->asks = std::move(asks);
    return made;
}

MAILQUAY_DECL void server::apply(server_config config, plugins plugged) {
    impl& all = *impl_;
    for (auto const& one : all.listeners) all.check(config, plugged.all(), one.kind, &one.where);
    std::vector<std::vector<std::shared_ptr<listener_setup const>>> setups;
    std::vector<handlers> per_shard;
    for (unsigned i = 0; i < all.shards.size(); ++i) {
        handlers made = handlers_for_shard(plugged.all(), i);
        if (!made.workers) made.workers = all.own_workers;
        detail::lend_workers(made, made.workers, all.workers_for_auth(made.workers));
        auto& of_shard = setups.emplace_back();
        for (auto const& one : all.listeners) of_shard.push_back(all.make_setup(config, made, one.kind, i));
        per_shard.push_back(std::move(made));
    }
    all.config = std::move(config);
    all.plugged = std::move(plugged);
    all.per_shard = std::move(per_shard);
    all.door->limit(all.config.connections);
    for (std::size_t i = 0; i < all.shards.size(); ++i) all.shards[i]->use(std::move(setups[i]));
}

// --- listening -----------------------------------------------------------------------------------------------------------

/// @return false if a shutdown came first
MAILQUAY_DECL bool server::impl::make_shards(std::vector<asio::any_io_executor> const& executors) {
    shard_limits const limits{config.parked_octets, config.hook_frames};
    std::lock_guard const lock{ending->mutex};
    if (ending->done) return false;
    for (std::size_t i = 0; i < executors.size(); ++i) {
        loop_turns const* const own = host ? nullptr : turns[i].get();
        shards.push_back(std::make_shared<detail::running_shard>(executors[i], config.waits_by, own, limits, door, config.log));
    }
    ending->shards = shards;
    ending->shards_left = shards.size();
    return true;
}

MAILQUAY_DECL void server::impl::freeze() {
    if (std::exchange(frozen, true) || !host) return;
    std::vector<asio::any_io_executor> executors;
    for (unsigned i = 0; i < config.shards; ++i) executors.push_back(asio_compat::make_strand(*host));
    if (!make_shards(executors)) refuse_if_over();
}

MAILQUAY_DECL void server::impl::refuse_if_over() const {
    std::lock_guard const lock{ending->mutex};
    if (ending->done) throw std::logic_error("mailquay: the server was shut down; make another one");
}

MAILQUAY_DECL void server::impl::start_listener(listening& added) {
    std::vector<std::unique_ptr<listen_socket>> sockets(shards.size());
    std::vector<std::shared_ptr<listener_setup const>> setups;
    for (unsigned i = 0; i < shards.size(); ++i) {
        setups.push_back(make_setup(config, plugged_of(i), added.kind, i));
        if (i == 0) continue;
        auto sibling = added.socket->sibling();
        if (!sibling) throw std::system_error(sibling.error(), "mailquay: cannot listen on " + added.where.to_string() + " for each shard");
        sockets[i] = std::move(*sibling);
    }
    sockets[0] = std::move(added.socket);
    for (std::size_t i = 0; i < shards.size(); ++i) shards[i]->begin_listener(std::move(sockets[i]), setups[i]);
}

MAILQUAY_DECL listen_endpoint server::impl::add(std::unique_ptr<listen_socket> socket, profile kind) {
    freeze();
    listen_endpoint where = socket->where();
    listening added{std::move(kind), std::move(socket), where};
    if (host) start_listener(added);
    listeners.push_back(std::move(added));
    return where;
}

MAILQUAY_DECL listen_endpoint server::listen(std::string_view where, profile kind) {
    std::error_code failure;
    listen_endpoint const bound = listen(where, failure, std::move(kind));
    if (failure)
        throw std::system_error(failure, fmt::format("mailquay: cannot listen on {}: {}", where, detail::listen_cure(failure)));
    return bound;
}

MAILQUAY_DECL listen_endpoint server::listen(std::string_view where, std::error_code& failure, profile kind) {
    failure.clear();
    if (impl_->ran) throw std::logic_error("mailquay: listen() comes before run()");
    if (impl_->host) impl_->refuse_if_over();
    auto const asked = listen_endpoint::parse(where);
    if (!asked)
        throw std::invalid_argument(fmt::format("mailquay: cannot listen on \"{}\": {}; use ADDR:PORT, [IPv6]:PORT or unix:PATH",
                                                where, asked.error().message()));
    impl_->check(impl_->config, impl_->plugged.all(), kind, &*asked);
    auto opened = listen_socket::open(*asked, impl_->config.listening);
    if (!opened) {
        failure = opened.error();
        return {};
    }
    return impl_->add(std::move(*opened), std::move(kind));
}

MAILQUAY_DECL listen_endpoint server::listen_inherited(int descriptor, profile kind) {
    if (impl_->ran) throw std::logic_error("mailquay: listen_inherited() comes before run()");
    if (impl_->host) impl_->refuse_if_over();
    auto adopted = listen_socket::adopt(descriptor);
    if (!adopted)
        throw std::system_error(adopted.error(), fmt::format("mailquay: descriptor {} is no listening stream socket", descriptor));
    listen_endpoint const where = (*adopted)->where();
    try {
        impl_->check(impl_->config, impl_->plugged.all(), kind, &where);
    } catch (...) {
        (*adopted)->release();  // it stays the caller's
        throw;
    }
    return impl_->add(std::move(*adopted), std::move(kind));
}

// --- running and ending --------------------------------------------------------------------------------------------------

MAILQUAY_DECL void server::run(unsigned threads) {
    impl& all = *impl_;
    if (all.host) throw std::logic_error("mailquay: this server runs in the host's context; run that instead");
    if (all.listeners.empty()) throw std::logic_error("mailquay: run() without listen(); call listen(\"ADDR:PORT\") first");
    if (threads == 0 || threads > 1024) throw std::invalid_argument(fmt::format("mailquay: run({}); use 1 to 1024 threads", threads));
    if (std::exchange(all.ran, true)) throw std::logic_error("mailquay: run() was called before; make another server");

    std::vector<asio::any_io_executor> executors;
    for (unsigned i = 0; i < threads; ++i) {
        all.contexts.push_back(std::make_unique<asio::io_context>(1));
        all.turns.push_back(std::make_unique<loop_turns>());
        executors.emplace_back(all.contexts.back()->get_executor());
    }
    // The last shard to end stops all: what is left then are hooks that ignore their cancellation.
    auto const end_all = [&all] {
        for (auto const& one : all.contexts) one->stop();
    };
    all.ending->then = end_all;
    if (!all.make_shards(executors)) return;
    for (auto& one : all.listeners) all.start_listener(one);

    auto const work = [&all](std::size_t i) {
        auto const busy = asio::require(all.contexts[i]->get_executor(), asio::execution::outstanding_work.tracked);
        while (all.contexts[i]->run_one() != 0) ++all.turns[i]->count;
    };
    std::vector<std::thread> others;
    try {
        for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work, i);
        work(0);
    } catch (...) {
        end_all();
        for (auto& one : others) one.join();
        throw;
    }
    for (auto& one : others) one.join();
}

MAILQUAY_DECL void server::shutdown(std::chrono::milliseconds grace, unique_function<void(shutdown_report const&)> done) {
    auto const deadline = std::chrono::steady_clock::now() + grace;
    auto const ending = impl_->ending;
    std::unique_lock lock{ending->mutex};
    if (!ending->done && ending->shards_left == 0) ending->done = true;
    if (ending->done) {
        lock.unlock();
        if (done) done(ending->report);
        return;
    }
    ending->told.push_back(std::move(done));
    auto const shards = ending->shards;
    lock.unlock();
    for (auto const& one : shards)
        one->shutdown(deadline, [ending](shutdown_report const& of_one) { ending->one_ended(of_one); });
}

MAILQUAY_DECL std::size_t server::connections() const noexcept { return impl_->door->total(); }

}  // namespace mailquay::inline MAILQUAY_ABI
