#pragma once

#include <mailquay/server/impl/connection.ipp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

// What the shard tells a connection, and how one ends.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The peer may go on sending for a while before it reads our last words; a close before that could destroy them.
inline constexpr std::size_t linger_octets = 256 * 1024;
inline constexpr std::chrono::seconds linger_time{2};
/// How long a hook may ignore its cancellation before its connection ends.
inline constexpr std::chrono::seconds cancelled_hook_time{10};

}  // namespace detail

// --- what the shard tells --------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::tick() noexcept {
    ref<connection> const self{this};
    auto const now = home_->now();
    for (hook_frame* one = frames_; one != nullptr; one = one->next_) {
        if (!one->cancelled_ && one->withdrawn_ && now - one->began_ >= setup_->session.timeouts.finish) {
            one->cancelled_ = true;
            one->cancelled_at_ = now;
            one->cancel();
            break;  // the list may have changed
        }
    }
    switch (phase_) {
        case phase::closed: return;
        case phase::lingering:
            if (now >= linger_until_) close();
            return;
        case phase::talking: break;
    }
    if (parked() && readable_) look_at_peer();
    if (frames_ != nullptr && frames_->cancelled_ && now - frames_->cancelled_at_ >= detail::cancelled_hook_time) return stop_now();
    session_.hurry(home_->hurried() || (shaking_ && home_->handshakes_hurried()));
    auto const due = session_.wake_at();
    if (lost_ || eof_ || (due && *due <= now)) pump();
}

MAILQUAY_DECL void connection::flush() noexcept {
    ref<connection> const self{this};
    unflushed_ = false;
    if (phase_ != phase::talking) return;
    session_.clock_is(home_->now());
    write();
    if (lost_) pump();
}

MAILQUAY_DECL void connection::read_again() noexcept {
    hungry_ = false;
    if (phase_ == phase::talking) home_->host().reactor().resume(*this, readiness::readable);
}

MAILQUAY_DECL void connection::stop() noexcept {
    ref<connection> const self{this};
    if (phase_ != phase::talking) return;
    session_.clock_is(home_->now());
    session_.stop();
    pump();
}

MAILQUAY_DECL void connection::stop_now() noexcept {
    ref<connection> const self{this};
    stop_now_ = true;
    if (phase_ == phase::talking) {
        session_.clock_is(home_->now());
        session_.stop_now();
        pump();
    }
    withdraw();  // a finish() that outlived its connection
}

MAILQUAY_DECL void connection::cut() noexcept {
    ref<connection> const self{this};
    detached_ = true;
    stop_now_ = true;
    if (phase_ != phase::closed) {
        tell_unsent();
        handshake_over();
        home_->host().reactor().unwatch(*this);
        stream_->close();
    }
    phase_ = phase::closed;
    withdraw();
    let_go_ = true;
    if (parked()) return;
    hooks_ended();
    return_buffer();
}

// --- the end ---------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::linger() {
    // After QUIT a client sends nothing more, so there is nothing that a close could answer with a reset.
    if (lost_ || eof_ || (close_reason_ == close_reason::quit && !readable_)) return close();
    phase_ = phase::lingering;
    linger_until_ = home_->now() + detail::linger_time;
    linger_octets_ = 0;
    read_into_ = nullptr;
    stream_->close_write();
    drain();
}

MAILQUAY_DECL void connection::drain() noexcept {
    if (home_->at_work_ != nullptr && home_->at_work_ != this) {  // its octets are in the shared buffer
        await_read_ = true;
        return home_->host().reactor().resume(*this, readiness::readable);
    }
    while (linger_octets_ < detail::linger_octets) {
        std::span<char> const room = home_->buffers_.shared();
        io_result const got = stream_->read_some(room);
        if (got.status == io_status::end || got.status == io_status::error) return close();
        linger_octets_ += static_cast<std::uint32_t>(got.octets);
        if (got.status == io_status::ok && got.octets == room.size()) continue;
        readable_ = false;
        return await_readiness();
    }
    close();
}

MAILQUAY_DECL void connection::close() noexcept {
    if (phase_ == phase::closed) return;
    phase_ = phase::closed;
    handshake_over();
    home_->host().reactor().unwatch(*this);
    stream_->close();
    leave_if_over();
}

/// Once it is closed and no hook needs it, the shard lets go of it.
MAILQUAY_DECL void connection::leave_if_over() noexcept {
    if (phase_ != phase::closed || parked() || pumping_) return;
    return_buffer();
    if (listed_) home_->unlink(*this);
}

}  // namespace mailquay::inline MAILQUAY_ABI
