#pragma once

#include <mailquay/server/tls_transport.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL tls_transport::tls_transport(std::unique_ptr<transport> wire, std::unique_ptr<tls_stream> engine,
                                           cipher_rooms& rooms) noexcept
    : wire_(std::move(wire)), engine_(std::move(engine)), rooms_(&rooms) {}

MAILQUAY_DECL tls_transport::~tls_transport() = default;

MAILQUAY_DECL io_result tls_transport::fail(std::error_code why) noexcept {
    failure_ = why;
    layer_ = layer::broken;
    return {0, io_status::error};
}

/// Sends the cipher text that is owed. @return whether nothing is left; false too when the wire is broken
MAILQUAY_DECL bool tls_transport::flush() {
    while (!pending_.empty()) {
        io_result const sent = wire_->write_some(pending_);
        if (sent.status == io_status::error) return fail(std::make_error_code(std::errc::broken_pipe)), false;
        if (sent.octets == 0) return false;
        pending_.erase(0, sent.octets);
    }
    if (pending_.capacity() != std::string{}.capacity()) std::string{}.swap(pending_);  // idle, it holds nothing
    while (engine_->has_output()) {
        std::span<char> const room = rooms_->out();
        std::span<char const> const owed = room.first(engine_->take_output(room));
        if (owed.empty()) return true;
        io_result const sent = wire_->write_some(owed);
        if (sent.status == io_status::error) return fail(std::make_error_code(std::errc::broken_pipe)), false;
        if (sent.octets == owed.size()) continue;
        pending_.assign(owed.data() + sent.octets, owed.size() - sent.octets);
        return false;
    }
    return true;
}

// --- the handshake -------------------------------------------------------------------------------------------------------

MAILQUAY_DECL tls_transport::progress tls_transport::handshake() noexcept {
    layer_ = layer::handshake;
    try {
        return go_on();
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory));
        return progress::failed;
    }
}

MAILQUAY_DECL tls_transport::progress tls_transport::go_on() {
    for (;;) {
        if (!flush()) return layer_ == layer::broken ? progress::peer_gone : progress::waits;
        std::span<char> const room = rooms_->in();
        io_result const got = wire_->read_some(room);
        if (got.status == io_status::would_block) return progress::waits;
        if (got.status != io_status::ok) return fail(std::make_error_code(std::errc::connection_aborted)), progress::peer_gone;
        wire_has_more_ = got.octets == room.size();
        engine_->lend(room.first(got.octets));
        auto const now = engine_->handshake();
        if (!engine_->wants_input()) engine_->keep_rest();
        bool const all_out = flush();  // a failure's alert, too
        if (!now || *now == tls_stream::state::failed) {
            // What the peer still sends is read as it is, to be dropped, so that it reads the alert before the end.
            failure_ = now ? std::make_error_code(std::errc::protocol_error) : now.error();
            layer_ = layer::closed;
            return progress::failed;
        }
        if (layer_ == layer::broken) return progress::peer_gone;
        if (*now == tls_stream::state::established) {
            layer_ = layer::open;
            return progress::established;
        }
        if (!all_out || !wire_has_more_) return progress::waits;
    }
}

// --- reading -------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL io_result tls_transport::read_some(std::span<char> room) noexcept {
    switch (layer_) {
        case layer::clear:
        case layer::closed: return wire_->read_some(room);
        case layer::handshake: return {0, io_status::would_block};
        case layer::broken: return {0, io_status::error};
        case layer::open: break;
    }
    try {
        return decrypt(room);
    } catch (...) {
        return fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

MAILQUAY_DECL io_result tls_transport::decrypt(std::span<char> room) {
    std::size_t filled = 0;
    bool drained = false;  // a short read emptied the socket: new octets raise readiness
    auto const so_far = [&](io_status otherwise, bool more) {
        return filled == 0 ? io_result{0, otherwise} : io_result{filled, io_status::ok, more};
    };
    for (;;) {
        auto const got = engine_->read(room.subspan(filled));
        if (!got) {
            flush();  // the alert
            fail(got.error());
            return so_far(io_status::error, true);
        }
        filled += *got;
        holds_plain_ = filled == room.size();
        if (holds_plain_) {
            if (!engine_->wants_input()) engine_->keep_rest();
            return {filled, io_status::ok, true};
        }
        // Nothing more comes of it, and no readiness would tell: the next call says so.
        if (engine_->current() == tls_stream::state::closed) return so_far(io_status::end, true);
        if (engine_->current() == tls_stream::state::failed) return so_far(io_status::error, true);
        if (engine_->has_output() && !flush() && layer_ == layer::broken) return so_far(io_status::error, true);
        if (drained) return so_far(io_status::would_block, false);

        // All that was lent is used up. Cipher text is longer than the plain text in it, so what is read into as much room
        // as is left fits, but for a record that began before; little room is not worth another read.
        std::size_t const left = room.size() - filled;
        if (filled != 0 && left < room.size() / 2) return {filled, io_status::ok, true};
        std::span<char> const cipher = rooms_->in().first(std::min(left, cipher_rooms::octets));
        io_result const read = wire_->read_some(cipher);
        if (read.status == io_status::end) engine_->input_closed();
        if (read.status != io_status::ok) return so_far(read.status, read.status != io_status::would_block);
        wire_has_more_ = read.octets == cipher.size();
        drained = !wire_has_more_;
        engine_->lend(cipher.first(read.octets));
    }
}

MAILQUAY_DECL io_status tls_transport::probe() noexcept {
    if (layer_ == layer::open && (holds_plain_ || !engine_->wants_input())) return io_status::ok;
    return wire_->probe();
}

// --- writing -------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL io_result tls_transport::write_some(std::span<char const> octets) noexcept {
    if (layer_ == layer::clear) return wire_->write_some(octets);
    if (layer_ == layer::handshake) return {0, io_status::would_block};
    if (layer_ != layer::open || (notified_ && claimed_ == 0)) return {0, io_status::error};
    try {
        return encrypt(octets);
    } catch (...) {
        return fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

MAILQUAY_DECL io_result tls_transport::encrypt(std::span<char const> octets) {
    auto const not_yet = [&] { return io_result{0, layer_ == layer::broken ? io_status::error : io_status::would_block}; };
    if (claimed_ == 0) {
        if (owes() && !flush()) return not_yet();
        auto const taken = engine_->write(octets);
        if (!taken) return fail(taken.error());
        claimed_ = *taken;
        if (notify_ && claimed_ == octets.size()) say_goodbye();
    }
    if (!flush()) return not_yet();
    return {std::exchange(claimed_, 0), io_status::ok};
}

// --- the end -------------------------------------------------------------------------------------------------------------

MAILQUAY_DECL void tls_transport::say_goodbye() noexcept {
    if (layer_ != layer::open || notified_) return;
    notified_ = true;
    engine_->close_notify();
}

MAILQUAY_DECL void tls_transport::close_write() noexcept {
    say_goodbye();
    try {
        flush();
    } catch (...) {  // the peer does without close_notify
        pending_.clear();
    }
    // From here on octets are dropped by whoever reads: they need not be decrypted.
    if (layer_ == layer::open || layer_ == layer::handshake) layer_ = layer::closed;
    wire_->close_write();
}

MAILQUAY_DECL void tls_transport::close() noexcept {
    if (layer_ == layer::open) {
        say_goodbye();
        try {
            flush();
        } catch (...) {
            pending_.clear();
        }
    }
    layer_ = layer::broken;
    wire_->close();
}

}  // namespace mailquay::inline MAILQUAY_ABI
