#pragma once

#include <mailquay/server/connection.hpp>

#include <mailquay/server/connection_log.hpp>
#include <mailquay/server/hook_runner.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/server/shard.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// After so many full reads in a row the other connections of the shard get their turn: 1 MiB.
inline constexpr unsigned reads_per_turn = 16;

}  // namespace detail

MAILQUAY_DECL connection::connection(shard& home, std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                     session_info&& peer, session_memory& memory)
    : home_(&home), setup_(std::move(setup)), stream_(std::move(stream)), session_(setup_->session, std::move(peer), memory) {}

MAILQUAY_DECL connection::~connection() = default;

MAILQUAY_DECL void connection::begin() noexcept {
    auto const not_watched = [this](std::string_view why) {
        home_->log().error([&] { return log_line{"error"}.add("id", id()).add("what", why); });
        lost_ = true;
        close();
    };
    try {
        if (auto const failure = home_->host().reactor().watch(*this, stream_->native_handle())) return not_watched(failure.message());
    } catch (std::exception const& failure) {
        return not_watched(failure.what());
    }
    tell(about(observation_kind::opened));
    pump();
}

// --- the byte loop -------------------------------------------------------------------------------------------------------

MAILQUAY_DECL void connection::ready(readiness what) noexcept {
    ref<connection> const self{this};
    if (has(what, readiness::writable)) await_write_ = false;
    if (has(what, readiness::readable | readiness::gone)) {
        await_read_ = false;
        readable_ = true;
    }
    hungry_ = false;
    switch (phase_) {
        case phase::talking:
            if (readable_ && (parked() || has(what, readiness::gone)))
                look_at_peer();
            else
                unexplained_ = readable_;
            return pump();
        case phase::lingering: return drain();
        case phase::closed: return;
    }
}

/// Works until nothing more can be done now. Entered anew from within (a hook that answers at once, after all) it only notes that.
MAILQUAY_DECL void connection::pump() noexcept {
    again_ = true;
    if (pumping_ || phase_ != phase::talking) return;
    pumping_ = true;
    // What brings an answer here may be a hook of another connection, whose octets are still in the shared buffer.
    bool const alone = home_->at_work_ == nullptr;
    if (alone) home_->at_work_ = this;
    try {
        bool const owes = any_unsent() && !session_.output().empty();
        session_.time_is(home_->now());
        if (owes && session_.output().empty()) tell_unsent();  // the peer took nothing for so long that it is given up
        unsigned reads = alone ? 0 : detail::reads_per_turn;
        while (phase_ == phase::talking && again_) {
            again_ = false;
            if (turn(reads)) again_ = true;
        }
    } catch (std::exception const& failure) {
        failed(failure.what());
    } catch (...) {
        failed("unknown exception");
    }
    if (alone) home_->at_work_ = nullptr;
    pumping_ = false;
    leave_if_over();
}

/// One round: questions, one write, one read. @return whether another round may get further
MAILQUAY_DECL bool connection::turn(unsigned& reads) {
    // Mostly octets have come for a session that has said all it had to say: then the read comes first.
    if (reads == 0 && readable_ && frames_ == nullptr && !lent_ && read_into_ == nullptr && session_.at_rest()) {
        ++reads;
        unexplained_ = false;
        if (!read()) return false;
    } else if (unexplained_) {
        unexplained_ = false;
        if (!(session_.wants_input() || session_.securing())) look_at_peer();
    }
    for (;;) {
        take_events();
        if (!session_.asks_what_follows()) break;
        session_.octets_follow(stream_->probe() == io_status::ok);
    }
    if (phase_ != phase::talking) return false;
    if (closing_told_) {
        stream_->last_words();
        write();
        if (session_.ended() || lost_)
            linger();
        else
            await_readiness();
        return false;
    }
    if (session_.securing()) return shake_hands();
    if (parked()) {
        park_buffer();
        if (eof_) lose_if_nothing_left();
        if (at_bound()) write();
        if (lost_ && !closing_told_) return true;
        if (!session_.output().empty() && !await_write_) home_->flush_soon(*this);
        await_readiness();
        return false;
    }
    bool const was_lost = lost_;
    bool const was_full = at_bound();
    write();
    if (lost_ != was_lost || (was_full && !at_bound())) return true;
    if (session_.unconsumed() > 0)
        park_buffer();
    else
        return_buffer();
    if (readable_ && session_.wants_input()) {
        if (reads++ < detail::reads_per_turn) return read();
        // Others have their turn: here, before a read, because they read into the same buffer.
        await_read_ = true;
        home_->host().reactor().resume(*this, readiness::readable);
        return false;
    }
    await_readiness();
    return false;
}

MAILQUAY_DECL bool connection::read() {
    read_buffers& buffers = home_->buffers_;
    if (session_.receiving() && buffers.full()) {
        // Whatever it sends may stay with a slow writer: first another connection must give a buffer back.
        if (!hungry_) home_->hungry_.emplace_back(this);
        hungry_ = true;
        session_.input_paused();
        return false;
    }
    std::span<char> const room = buffers.shared();
    io_result const got = stream_->read_some(room);
    switch (got.status) {
        case io_status::ok:
            // A short read emptied the socket; new octets raise a new edge.
            readable_ = got.octets == room.size() || got.more;
            read_into_ = room.data();
            rest_kept_ = false;
            session_.feed(room.first(got.octets));
            return true;
        case io_status::would_block:
            readable_ = false;
            await_readiness();
            return false;
        case io_status::end:
            readable_ = false;
            eof_ = true;
            session_.input_closed();
            return true;
        case io_status::error: lost(); return true;
    }
    return false;
}

MAILQUAY_DECL bool connection::at_bound() const noexcept {
    return session_.output().size() > setup_->session.limits.output_octets;
}

/// Tries to get rid of all output.
MAILQUAY_DECL void connection::write() {
    while (!await_write_ && !lost_) {
        std::string_view const owed = session_.output();
        if (owed.empty()) {
            if (any_unsent() && !session_.delivery_waits()) unsent_->clear();
            return;
        }
        io_result const sent = stream_->write_some({owed.data(), owed.size()});
        if (sent.status == io_status::error || sent.status == io_status::end) return lost();
        if (sent.status == io_status::ok && sent.octets > 0) session_.output_sent(sent.octets);
        if (sent.octets == owed.size()) continue;
        await_write_ = true;
        home_->host().reactor().want(*this, readiness::writable);
    }
}

MAILQUAY_DECL void connection::await_readiness() {
    if (await_read_ || readable_ || eof_ || lost_) return;
    await_read_ = true;
    home_->host().reactor().want(*this, readiness::readable);
}

/// Octets came, or the end, while nothing can be read: finds out whether the peer is still there.
MAILQUAY_DECL void connection::look_at_peer() {
    switch (stream_->probe()) {
        case io_status::ok: return;  // unread octets: they will be read in time
        case io_status::would_block: readable_ = false; return;
        case io_status::end:
            if (eof_) return;
            readable_ = false;
            eof_ = true;
            session_.input_closed();
            return;
        case io_status::error: return lost();
    }
}

/// The peer sends no more, and a hook works for a command behind which nothing waits: nobody needs its answer. A message that
/// came whole is another matter: its client has said all it had to say, and may wait for the reply.
MAILQUAY_DECL void connection::lose_if_nothing_left() {
    if (lost_ || old_hooks() || finishing() || session_.message_came_whole() || rest_kept_ || session_.unconsumed() > 0) return;
    write();
    lost();
}

/// The session still looks at the buffer it was lent, but the shard needs one to read into: a short rest is copied, else the
/// buffer itself stays here.
MAILQUAY_DECL void connection::park_buffer() {
    if (read_into_ == nullptr) return;
    if (session_.views_buffer() || session_.unconsumed() > read_buffers::small_octets) {
        lent_ = home_->buffers_.take({read_into_, 1});
    } else {
        rest_kept_ = session_.unconsumed() > 0;
        session_.keep_rest();
    }
    read_into_ = nullptr;
}

MAILQUAY_DECL void connection::return_buffer() noexcept {
    read_into_ = nullptr;
    if (lent_) home_->buffer_back(std::move(lent_));
}

MAILQUAY_DECL void connection::lost() {
    if (lost_) return;
    lost_ = true;
    readable_ = false;
    tell_unsent();
    session_.connection_lost();
}

MAILQUAY_DECL void connection::note_unsent(std::string_view id) {
    if (unsent_) unsent_->append(id);
}

/// What was accepted, but the client does not get to know of.
MAILQUAY_DECL void connection::tell_unsent() noexcept {
    if (!any_unsent()) return;
    std::string_view ids = *unsent_;
    for (; !ids.empty(); ids.remove_prefix(std::min(ids.size(), transaction_id::octets)))
        setup_->log.info([&] { return log_lines::accepted_unsent(session_.info(), ids.substr(0, transaction_id::octets)); });
    unsent_->clear();
}

/// Something threw where nothing may: this connection ends, the others go on.
MAILQUAY_DECL void connection::failed(std::string_view what) noexcept {
    home_->log().error([&] { return log_line{"error"}.add("id", id()).add("what", what); });
    if (phase_ == phase::closed) return;
    tell_unsent();
    lost_ = true;
    try {
        session_.clock_is(home_->now());
        session_.fail();
        take_events();
    } catch (...) {  // out of memory for saying so
    }
    if (!closing_told_) over(close_reason::failed);
    withdraw();
    let_go_ = true;
    if (!parked()) hooks_ended();
    close();
}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/hook_runner.ipp>
#endif

#include <mailquay/server/impl/connection_life.ipp>
#include <mailquay/server/impl/connection_questions.ipp>
#include <mailquay/server/impl/connection_tls.ipp>
