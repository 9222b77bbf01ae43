#pragma once

#include <mailquay/server/listener.hpp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/server/connection_log.hpp>

#include <algorithm>
#include <cerrno>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::chrono::milliseconds first_accept_pause{100};
inline constexpr std::chrono::milliseconds longest_accept_pause{1000};
/// Then the connections of the shard get their turn.
inline constexpr unsigned accepts_per_turn = 64;

inline bool out_of_resources(std::error_code why) noexcept {
    return why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system ||
           why == std::errc::no_buffer_space || why == std::errc::not_enough_memory;
}

}  // namespace detail

MAILQUAY_DECL listener::listener(shard& home, std::unique_ptr<accept_source> source, std::shared_ptr<listener_setup const> setup)
    : home_(&home), source_(std::move(source)), setup_(std::move(setup)) {}

MAILQUAY_DECL listener::~listener() {
    if (source_ && home_->attached()) home_->host().reactor().unwatch(*this);
}

MAILQUAY_DECL std::error_code listener::start() {
    if (auto const failure = home_->host().reactor().watch(*this, source_->native_handle())) return failure;
    home_->host().reactor().want(*this, readiness::readable);
    return {};
}

MAILQUAY_DECL void listener::ready(readiness) noexcept {
    if (!source_ || paused()) return;
    try {
        accept_all();
    } catch (std::exception const&) {  // out of memory for a connection
        pause(make_error_code(std::errc::not_enough_memory));
    }
}

MAILQUAY_DECL void listener::accept_all() {
    for (unsigned taken = 0; taken < detail::accepts_per_turn; ++taken) {
        accepted_socket const one = source_->accept();
        if (one.descriptor < 0) {
            if (one.failure == std::errc::operation_would_block || one.failure == std::errc::resource_unavailable_try_again)
                return home_->host().reactor().want(*this, readiness::readable);
            return pause(one.failure);
        }
        next_pause_ = detail::first_accept_pause;
        take(one);
    }
    home_->host().reactor().resume(*this, readiness::readable);
}

MAILQUAY_DECL void listener::take(accepted_socket const& taken) {
    auto stream = make_socket_transport(taken.descriptor);
    bool const local_socket = taken.peer.address.is_none();
    bool const behind_proxies = setup_->proxy != proxy_mode::off;
    bool const proxied = behind_proxies && setup_->trusted_proxies.contains(taken.peer.address);
    session_info peer{taken.peer, source_->local(),
                      local_socket     ? address_source::local
                      : behind_proxies ? address_source::direct
                                       : address_source::socket};
    if (setup_->proxy == proxy_mode::required && !proxied) {
        ++refused_;
        setup_->log.info([&] { return log_lines::refused_proxy(peer, "no trusted proxy"); });
        return;
    }
    // Whom a proxy speaks for is not known yet: it counts in all only.
    // A proxy that says nothing of its clients connects for many: it has no limit of its own.
    unsigned const limit = setup_->trusted_proxies.contains(taken.peer.address) ? 0 : setup_->per_address;
    admitted const answer = home_->door().admit(proxied ? ip_address{} : taken.peer.address, limit);
    if (answer == admitted::yes && proxied) return home_->hear_proxy(setup_, std::move(stream), std::move(peer));
    if (answer == admitted::yes) {
        try {
            return home_->adopt(setup_, std::move(stream), std::move(peer));
        } catch (...) {
            home_->door().release(taken.peer.address);
            throw;
        }
    }
    ++refused_;
    bool const in_all = answer == admitted::too_many;
    reply_text const& last = in_all ? replies::overloaded : replies::too_many_connections;
    setup_->log.info([&] { return log_lines::refused_connect(peer, last.wire(), in_all ? "connections.total" : "connections.per_address"); });
    home_->turn_away(*setup_, std::move(stream), last);
}

MAILQUAY_DECL void listener::pause(std::error_code why) {
    // Any other failure of accept() (a network that is down, say) is treated alike: trying again at once would spin.
    pause_ = next_pause_;
    next_pause_ = std::min(next_pause_ * 2, detail::longest_accept_pause);
    home_->log().warning([&] {
        return log_line{"accept-paused"}
            .add("local", source_->local())
            .add("why", std::string_view{detail::out_of_resources(why) ? "resources" : "error"})
            .add("error", why.message())
            .add("for", pause_);
    });
    home_->host().set_alarm(shard_alarm::accept, pause_);
}

MAILQUAY_DECL void listener::accept_again() noexcept {
    if (!source_ || !paused()) return;
    pause_ = {};
    ready(readiness::readable);
}

MAILQUAY_DECL std::size_t listener::stop() noexcept {
    if (!source_) return 0;
    std::size_t turned_away = 0;
    for (;;) {
        accepted_socket const one = source_->accept();
        if (one.descriptor < 0) break;
        ++turned_away;
        try {
            home_->turn_away(*setup_, make_socket_transport(one.descriptor), replies::service_stopping);
        } catch (std::exception const&) {
            break;
        }
    }
    home_->host().reactor().unwatch(*this);
    source_.reset();
    return turned_away;
}

}  // namespace mailquay::inline MAILQUAY_ABI
