#pragma once

#include <mailquay/server/shard.hpp>

#include <mailquay/server/connection.hpp>
#include <mailquay/server/proxy_arrival.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::chrono::milliseconds tick_interval{1000};
/// A hook that answers within this does not split the replies of a group; one that takes longer does not hide them.
inline constexpr std::chrono::milliseconds flush_delay{5};
/// Connections turned away that wait for their close. More are closed at once: a flood must not keep descriptors.
inline constexpr std::size_t most_turned_away = 256;
inline constexpr std::chrono::seconds turned_away_time{1};

}  // namespace detail

MAILQUAY_DECL shard::shard(loop& host, shard_limits limits, std::shared_ptr<admission> door, logger log)
    : host_(&host), limits_(limits), door_(std::move(door)), log_(std::move(log)), memory_(host.wall()),
      buffers_(limits.parked_octets), now_(host.now()) {}

MAILQUAY_DECL shard::~shard() = default;

MAILQUAY_DECL void shard::adopt(std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream, session_info&& peer) {
    keep_ticking();
    peer.set_id(memory_.next_id().view());
    ref<connection> const made{new connection(*this, std::move(setup), std::move(stream), std::move(peer), memory_)};
    link(*made);
    ++counts_.connections;
    made->begin();
    if (stopping_) made->stop();
}

MAILQUAY_DECL void shard::hear_proxy(std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                     session_info peer) noexcept {
    try {
        keep_ticking();
        arrivals_.push_back(std::make_unique<proxy_arrival>(*this, std::move(setup), std::move(stream), std::move(peer)));
        arrivals_.back()->place_ = arrivals_.size() - 1;
        arrivals_.back()->begin();
    } catch (std::exception const&) {  // out of memory: it is gone, and counts no more
        door_->release({});
    }
}

/// The last one takes its place.
MAILQUAY_DECL void shard::erase(proxy_arrival& gone) noexcept {
    std::size_t const place = gone.place_;
    std::swap(arrivals_[place], arrivals_.back());
    arrivals_[place]->place_ = place;
    arrivals_.pop_back();
}

/// Calls `visit` for each arrival; it may end that one.
template <class Visit>
void shard::each_arrival(Visit visit) noexcept {
    // From the back: the one that takes the place of another was visited.
    for (std::size_t i = arrivals_.size(); i-- > 0;) visit(*arrivals_[i]);
}

MAILQUAY_DECL void shard::turn_away(listener_setup const& setup, std::unique_ptr<transport> stream,
                                    reply_text const& last) noexcept {
    if (setup.session.tls_first) return stream->close();
    stream->write_some({last.line().data(), last.line().size()});
    stream->close_write();
    if (turned_away_.size() >= detail::most_turned_away) return;
    try {
        turned_away_.push_back({std::move(stream), now_ + detail::turned_away_time});
    } catch (...) {
        return;  // closed a little early
    }
    keep_ticking();
}

MAILQUAY_DECL void shard::keep_ticking() {
    if (std::exchange(ticking_, true)) return;
    memory_.wall_is(host_->wall());  // no tick has told it while the shard was empty
    host_->set_alarm(shard_alarm::tick, detail::tick_interval);
}

MAILQUAY_DECL void shard::link(connection& added) noexcept {
    added.retain();
    added.listed_ = true;
    added.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &added;
    last_ = &added;
    ++connections_;
}

MAILQUAY_DECL void shard::unlink(connection& gone) noexcept {
    gone.listed_ = false;
    for (iteration* walk = walks_; walk != nullptr; walk = walk->outer)
        if (walk->next == &gone) walk->next = gone.next_;
    (gone.previous_ != nullptr ? gone.previous_->next_ : first_) = gone.next_;
    (gone.next_ != nullptr ? gone.next_->previous_ : last_) = gone.previous_;
    --connections_;
    door_->release(counted_address(gone.session_.info()));
    gone.release();
    if (connections_ == 0 && on_empty_) on_empty_();
}

MAILQUAY_DECL void shard::flush_soon(connection& waiting) {
    if (waiting.unflushed_) return;
    waiting.unflushed_ = true;
    unflushed_.emplace_back(&waiting);
    if (!std::exchange(flushing_, true)) host_->set_alarm(shard_alarm::flush, detail::flush_delay);
}

MAILQUAY_DECL void shard::buffer_back(read_buffers::buffer back) noexcept {
    buffers_.give_back(std::move(back));
    if (hungry_.empty() || buffers_.full() || !attached()) return;
    for (auto const& one : std::exchange(hungry_, {})) one->read_again();
}

MAILQUAY_DECL void shard::rang(shard_alarm which) noexcept {
    if (!attached()) return;
    ref<shard> const self{this};
    batch_begins();
    switch (which) {
        case shard_alarm::tick: return tick();
        case shard_alarm::flush:
            flushing_ = false;
            for (auto const& one : std::exchange(unflushed_, {})) one->flush();
            return;
        case shard_alarm::accept:
            if (accept_again_) accept_again_();
            return;
    }
}

/// Calls `visit` for each connection; it may close that one, or any other.
template <class Visit>
void shard::each_connection(Visit visit) noexcept {
    iteration walk{first_, walks_};
    walks_ = &walk;
    while (walk.next != nullptr) {
        connection& one = *walk.next;
        walk.next = one.next_;
        visit(one);
    }
    walks_ = walk.outer;
}

MAILQUAY_DECL void shard::tick() noexcept {
    memory_.wall_is(host_->wall());
    hurried_ = door_->nearly_full();
    handshakes_hurried_ = door_->handshakes_nearly_full();
    each_connection([](connection& one) { one.tick(); });
    if (!attached()) return;
    std::erase_if(turned_away_, [this](turned_away const& one) { return one.until <= now_; });
    each_arrival([this](proxy_arrival& one) { one.tick(now_); });
    ticking_ = connections_ != 0 || !turned_away_.empty() || arrivals_.size() != 0;
    if (ticking_) host_->set_alarm(shard_alarm::tick, detail::tick_interval);
}

MAILQUAY_DECL void shard::stop() {
    stopping_ = true;
    batch_begins();
    each_arrival([](proxy_arrival& one) { one.stop(); });
    each_connection([](connection& one) { one.stop(); });
}

MAILQUAY_DECL void shard::stop_now() {
    stopping_ = true;
    batch_begins();
    each_connection([](connection& one) { one.stop_now(); });
}

MAILQUAY_DECL void shard::detach() noexcept {
    if (!attached()) return;
    ref<shard> const self{this};
    on_empty_ = nullptr;
    accept_again_ = nullptr;
    while (first_ != nullptr) {
        ref<connection> const one{first_};
        one->cut();
        unlink(*one);
    }
    each_arrival([](proxy_arrival& one) { one.leave(); });
    unflushed_.clear();
    hungry_.clear();
    turned_away_.clear();
    host_ = nullptr;
}

}  // namespace mailquay::inline MAILQUAY_ABI
