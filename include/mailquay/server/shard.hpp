#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/server/admission.hpp>
#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/loop.hpp>
#include <mailquay/server/message_under_way.hpp>
#include <mailquay/server/pool.hpp>
#include <mailquay/server/read_buffers.hpp>
#include <mailquay/server/ref.hpp>
#include <mailquay/server/tls_transport.hpp>
#include <mailquay/server/transport.hpp>
#include <mailquay/session/session_memory.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

class connection;
class proxy_arrival;

/// Bounds of one shard.
struct shard_limits {
    /// Read buffers that hooks keep while they work on message octets: 64 MiB are a thousand slow writers.
    std::size_t parked_octets = 64 * 1024 * 1024;
    /// Hooks that wait for something, all connections together: one for each connection of the default limit.
    std::size_t hook_frames = 10'000;
};

/// What a shard has counted since it began.
struct shard_counts {
    std::uint64_t connections = 0;
    std::uint64_t messages_accepted = 0;
    std::uint64_t messages_aborted = 0;
};

/// All of a set of connections: their loop, read buffers, memory and clock. Everything of a connection, its hooks included,
/// runs on its shard's executor.
///
/// Lifetime: counted; each connection has a share, and so has each hook that answers later. `detach()` cuts it from its
/// loop, which may then go.
///
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API shard final : public batch_listener, public alarm_listener {
public:
    using time_point = std::chrono::steady_clock::time_point;

    MAILQUAY_DECL shard(loop& host, shard_limits limits, std::shared_ptr<admission> door, logger log);
    shard(shard const&) = delete;
    shard& operator=(shard const&) = delete;

    /// Takes over a connection that was admitted; begins its dialogue.
    MAILQUAY_DECL void adopt(std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream, session_info&& peer);
    /// Takes over a connection of a trusted proxy that was admitted in all, for no address: hears its PROXY header first, then
    /// admits its client and does as `adopt()`.
    MAILQUAY_DECL void hear_proxy(std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                  session_info peer) noexcept;
    /// Sends a last line to a connection that is not taken, and closes it gently. Where TLS comes first it is closed without:
    /// a line in clear would be taken for a broken handshake.
    MAILQUAY_DECL void turn_away(listener_setup const& setup, std::unique_ptr<transport> stream, reply_text const& last) noexcept;

    /// Every session says 421 at its next command boundary.
    MAILQUAY_DECL void stop();
    /// Every session says 421 and ends; hooks are cancelled, `finish()` too.
    MAILQUAY_DECL void stop_now();
    /// Cuts every connection at once, without a word, and lets go of the loop. No plug-in is asked or told any more.
    MAILQUAY_DECL void detach() noexcept;

    std::size_t connections() const noexcept { return connections_; }
    /// Proxies whose header is awaited.
    std::size_t arrivals() const noexcept { return arrivals_.size(); }
    std::size_t hooks_running() const noexcept { return hooks_running_; }
    shard_counts const& counts() const noexcept { return counts_; }
    /// Called when the last connection is gone.
    void on_empty(unique_function<void()> done) { on_empty_ = std::move(done); }

    void batch_begins() noexcept override {
        if (host_ != nullptr) now_ = host_->now();
    }
    bool awaits_readiness_alone() const noexcept override { return hooks_running_ == 0 && !stopping_; }
    MAILQUAY_DECL void rang(shard_alarm which) noexcept override;
    /// Rung when accepting may go on; set by the listeners.
    void on_accept_again(unique_function<void()> again) { accept_again_ = std::move(again); }

    loop& host() noexcept { return *host_; }
    bool attached() const noexcept { return host_ != nullptr; }
    logger const& log() const noexcept { return log_; }
    admission& door() noexcept { return *door_; }
    bool hurried() const noexcept { return hurried_; }
    bool handshakes_hurried() const noexcept { return handshakes_hurried_; }
    time_point now() const noexcept { return now_; }

    void retain() noexcept { shares_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (shares_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

private:
    friend class connection;
    friend class proxy_arrival;
    MAILQUAY_DECL ~shard() override;

    void erase(proxy_arrival& gone) noexcept;
    template <class Visit>
    void each_arrival(Visit visit) noexcept;
    void link(connection& added) noexcept;
    void unlink(connection& gone) noexcept;
    void flush_soon(connection& waiting);
    void buffer_back(read_buffers::buffer back) noexcept;
    void keep_ticking();
    void tick() noexcept;
    template <class Visit>
    void each_connection(Visit visit) noexcept;

    struct iteration {  // a walk over the list that outlives the connections it meets
        connection* next;
        iteration* outer;
    };
    struct turned_away {
        std::unique_ptr<transport> stream;
        time_point until;
    };

    loop* host_;
    shard_limits limits_;
    std::shared_ptr<admission> door_;
    logger log_;
    session_memory memory_;
    read_buffers buffers_;
    pool<message_under_way> messages_;
    pool<std::string> unsent_;             // ids of messages; mostly one, which needs no heap
    cipher_rooms cipher_{};
    connection* first_ = nullptr;          // intrusive list; each one listed has a share held by the list
    connection* last_ = nullptr;
    iteration* walks_ = nullptr;
    connection const* at_work_ = nullptr;  // whose octets the shared buffer may hold now
    std::vector<ref<connection>> unflushed_;   // parked, with replies that wait
    std::vector<ref<connection>> hungry_;      // inside a message, not read until a buffer comes back
    std::vector<turned_away> turned_away_;
    std::vector<std::unique_ptr<proxy_arrival>> arrivals_;  // each knows its place
    unique_function<void()> on_empty_;
    unique_function<void()> accept_again_;
    time_point now_{};
    std::size_t connections_ = 0;
    std::size_t hooks_running_ = 0;
    shard_counts counts_{};
    std::atomic<std::size_t> shares_{0};
    bool hurried_ = false;  // the server was nearly full at the last tick
    bool handshakes_hurried_ = false;  // of handshakes
    bool ticking_ = false;
    bool flushing_ = false;
    bool stopping_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/shard.ipp>
#endif
