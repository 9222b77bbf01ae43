#pragma once

#include <mailquay/server/proxy_arrival.hpp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/server/connection_log.hpp>
#include <mailquay/server/shard.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// What a PROXY header makes of the peer of a socket.
inline void tell_peer(session_info& peer, proxy_header told) {
    switch (told.subject) {
        case proxy_subject::client:
            peer.set_client(told.source, address_source::proxy);
            peer.set_local(told.destination);
            break;
        // The document has the receiver use the addresses of the socket; nothing is known of the client, though.
        case proxy_subject::unix_client:
        case proxy_subject::unknown: peer.set_client(peer.socket_peer(), address_source::local); break;
        case proxy_subject::itself: peer.set_client(peer.socket_peer(), address_source::health_check); break;
    }
    if (!told.facts.empty()) peer.set_proxy(std::move(told.facts));
}

}  // namespace detail

MAILQUAY_DECL proxy_arrival::proxy_arrival(shard& home, std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                           session_info peer)
    : home_(&home), setup_(std::move(setup)), stream_(std::move(stream)), peer_(std::move(peer)),
      until_(home.now() + setup_->proxy_header_time) {}

MAILQUAY_DECL proxy_arrival::~proxy_arrival() = default;

MAILQUAY_DECL void proxy_arrival::begin() noexcept {
    try {
        if (auto const failure = home_->host().reactor().watch(*this, stream_->native_handle())) return refuse(failure.message());
    } catch (std::exception const&) {
        return leave();
    }
    ready(readiness::readable);
}

MAILQUAY_DECL void proxy_arrival::ready(readiness) noexcept {
    try {
        while (read()) {}
    } catch (std::exception const&) {  // out of memory
        leave();
    }
}

/// Reads what is missing. @return whether more may be there; false when it is not, or this is gone
MAILQUAY_DECL bool proxy_arrival::read() {
    proxy_header told;
    proxy_scan const found = read_proxy_header(octets_, told);
    if (found.what == proxy_scan::kind::bad) return refuse(to_string(found.why)), false;
    if (found.what == proxy_scan::kind::header) return admit(std::move(told)), false;
    std::size_t const have = octets_.size();
    octets_.resize(have + found.missing);
    io_result const got = stream_->read_some({octets_.data() + have, found.missing});
    octets_.resize(have + got.octets);
    switch (got.status) {
        case io_status::ok: return true;
        case io_status::would_block:
            home_->host().reactor().want(*this, readiness::readable);
            return false;
        case io_status::end:
            // A health check that only connects is no fault worth a line.
            if (octets_.empty())
                leave();
            else
                refuse("ended within the header");
            return false;
        case io_status::error: leave(); return false;
    }
    return false;
}

MAILQUAY_DECL void proxy_arrival::tick(std::chrono::steady_clock::time_point now) noexcept {
    if (now >= until_) refuse("no header in time");
}

MAILQUAY_DECL void proxy_arrival::stop() noexcept {
    shard& home = *home_;
    auto const setup = setup_;
    auto stream = let_go();
    home.door().release({});
    home.turn_away(*setup, std::move(stream), replies::service_stopping);
}

MAILQUAY_DECL void proxy_arrival::refuse(std::string_view why) noexcept {
    setup_->log.info([&] { return log_lines::refused_proxy(peer_, why); });
    leave();
}

MAILQUAY_DECL void proxy_arrival::leave() noexcept {
    shard& home = *home_;
    auto const stream = let_go();
    home.door().release({});
    stream->close();
}

/// The header is whole: the client it names is admitted as if it had connected itself.
MAILQUAY_DECL void proxy_arrival::admit(proxy_header told) {
    shard& home = *home_;
    detail::tell_peer(peer_, std::move(told));
    auto const setup = setup_;
    session_info peer = std::move(peer_);
    auto stream = let_go();
    ip_address counted;
    try {
        if (home.door().move({}, counted_address(peer), setup->per_address) == admitted::yes) {
            counted = counted_address(peer);
            return home.adopt(setup, std::move(stream), std::move(peer));
        }
        setup->log.info([&] {
            return log_lines::refused_connect(peer, replies::too_many_connections.wire(), "connections.per_address");
        });
        home.turn_away(*setup, std::move(stream), replies::too_many_connections);
    } catch (std::exception const&) {  // out of memory: it is closed
    }
    home.door().release(counted);
}

/// Leaves reactor and list. Destroys this.
MAILQUAY_DECL std::unique_ptr<transport> proxy_arrival::let_go() noexcept {
    auto stream = std::move(stream_);
    home_->host().reactor().unwatch(*this);
    home_->erase(*this);
    return stream;
}

}  // namespace mailquay::inline MAILQUAY_ABI
