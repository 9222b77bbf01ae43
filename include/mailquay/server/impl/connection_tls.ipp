#pragma once

#include <mailquay/server/impl/connection.ipp>

#include <mailquay/server/tls_transport.hpp>

// STARTTLS, and TLS that comes first: the session says when, the transport does it.

namespace mailquay::inline MAILQUAY_ABI {

/// May this client have TLS now?
MAILQUAY_DECL verdict connection::offer_tls() {
    if (prepare_tls()) return accept();
    return defer(replies::tls_unavailable);
}

/// Makes what the handshake needs. The transport speaks in clear until it begins: the 220 is still to leave.
MAILQUAY_DECL bool connection::prepare_tls() {
    session_info const& client = session_.info();
    if (!setup_->tls) return false;
    if (!home_->door().begin_handshake(counted_address(client))) {
        setup_->log.info([&] { return log_lines::not_secured(client, "too-many-handshakes"); });
        return false;
    }
    shaking_ = true;
    std::unique_ptr<tls_stream> engine;
    try {
        engine = setup_->tls->accept(client);
    } catch (std::exception const& failure) {
        home_->log().error([&] { return log_line{"error"}.add("id", id()).add("what", std::string_view{failure.what()}); });
    }
    if (!engine) {
        handshake_over();
        return false;
    }
    stream_ = std::make_unique<tls_transport>(std::move(stream_), std::move(engine), home_->cipher_);
    return true;
}

MAILQUAY_DECL void connection::handshake_begins(handshake_due const& told) {
    if (told.plaintext_dropped != 0)
        setup_->log.info([&] { return log_lines::plaintext_dropped(session_.info(), told.plaintext_dropped); });
}

/// Where TLS comes first nobody asked for it. The handshake begins, and counts as one, with the client's first octet: one that
/// says nothing takes no more than any other idle connection.
/// @return whether there is a handshake to go on with
MAILQUAY_DECL bool connection::first_octet_came() {
    switch (stream_->probe()) {
        case io_status::ok:
            if (prepare_tls()) return true;
            break;
        case io_status::would_block:
            readable_ = false;
            await_readiness();
            return false;
        default:
            setup_->log.info([&] { return log_lines::not_secured(session_.info(), "peer-gone"); });
            eof_ = true;
            break;
    }
    readable_ = false;
    session_.tls_failed();
    return false;
}

/// @return whether another round may get further
MAILQUAY_DECL bool connection::shake_hands() {
    write();  // the 220 leaves in clear
    if (lost_) return true;
    return_buffer();
    if (!session_.output().empty()) return false;
    if (!shaking_ && !first_octet_came()) return !session_.securing();
    auto& secure = static_cast<tls_transport&>(*stream_);
    switch (secure.handshake()) {
        case tls_transport::progress::waits:
            readable_ = false;
            await_readiness();
            if (!secure.owes() || await_write_) return false;
            await_write_ = true;
            home_->host().reactor().want(*this, readiness::writable);
            return false;
        case tls_transport::progress::established: {
            handshake_over();
            session_.tls_established(secure.info());
            setup_->log.info([&] { return log_lines::secured(session_.info()); });
            tell(about(observation_kind::secured));
            readable_ = secure.may_hold_input();
            return true;
        }
        case tls_transport::progress::peer_gone:
            setup_->log.info([&] { return log_lines::not_secured(session_.info(), "peer-gone"); });
            eof_ = true;
            break;
        case tls_transport::progress::failed:
            setup_->log.info([&] { return log_lines::not_secured(session_.info(), secure.failure().message()); });
            break;
    }
    handshake_over();
    readable_ = false;
    session_.tls_failed();
    return true;
}

MAILQUAY_DECL void connection::handshake_over() noexcept {
    if (!shaking_) return;
    shaking_ = false;
    home_->door().end_handshake(counted_address(session_.info()));
}

}  // namespace mailquay::inline MAILQUAY_ABI
