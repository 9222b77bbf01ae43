#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

/// What became of a watched descriptor; a bit each.
enum class readiness : std::uint8_t {
    none = 0,
    readable = 1,  ///< octets wait, or the end of the stream, or a connection to accept
    writable = 2,  ///< there is room again
    gone = 4,      ///< the peer is gone; reactors that cannot see that tell `readable` and leave it to the read to fail
};
constexpr readiness operator|(readiness a, readiness b) noexcept { return readiness(unsigned(a) | unsigned(b)); }
constexpr bool has(readiness set, readiness one) noexcept { return (unsigned(set) & unsigned(one)) != 0; }

/// How a server waits for readiness in a host's event loop.
enum class reactor_choice : std::uint8_t {
    best,      ///< what costs least on this system: on Linux an epoll set of its own (`epoll_reactor`), else `portable`
    portable,  ///< by Asio alone (`asio_reactor`)
};

/// Who is told of readiness. Must stay where it is while it is watched.
class MAILQUAY_API watcher {
public:
    virtual ~watcher();
    /// Something is ready. May be told without need; must not throw.
    virtual void ready(readiness what) noexcept = 0;

private:
    friend class reactor;
    void* registration_ = nullptr;
};

/// Counted by who runs the event loop on a thread that is one shard's alone (`server::run()`): one for each handler that was run.
/// A reactor that is given it may keep the loop waiting while readiness comes in quick succession and nothing else goes on there.
struct loop_turns {
    std::uint64_t count = 0;
};

/// Told once before each batch of readiness: the place to read the clock.
class MAILQUAY_API batch_listener {
public:
    virtual ~batch_listener();
    virtual void batch_begins() noexcept = 0;
    /// Whether readiness is all that it waits for: no hook is under way, whose answer the event loop brings.
    virtual bool awaits_readiness_alone() const noexcept { return false; }
};

/// Tells watchers when their descriptors are ready, in batches.
///
/// Edges, not levels: after `want()` readiness is told once, then not before the next `want()`. `want()` is right after a
/// read or write that would have blocked or moved fewer octets than asked; where octets may still wait because the watcher
/// stopped by itself, `resume()` is. So an edge-triggered reactor has nothing to do in `want()`, and one that waits anew
/// each time (Asio's) begins its wait there.
///
/// Watchers may call any member from within `ready()`, also for one another.
///
/// Thread safety: unsafe; one reactor per shard, used on its executor.
class MAILQUAY_API reactor {
public:
    virtual ~reactor();

    /// Who is told of batches; null: nobody, or no more.
    virtual void tell(batch_listener* told) noexcept = 0;
    /// Begins to watch; nothing is told before `want()`.
    /// @return why it cannot be watched (out of memory or descriptors), or none
    virtual std::error_code watch(watcher& who, int descriptor) = 0;
    virtual void want(watcher& who, readiness what) = 0;
    virtual void resume(watcher& who, readiness what) = 0;
    /// Nothing is told any more, not even what was under way. Does nothing for one that is not watched. Comes before the
    /// descriptor is closed.
    virtual void unwatch(watcher& who) noexcept = 0;

protected:
    static void*& registration(watcher& who) noexcept { return who.registration_; }
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/reactor.ipp>
#endif
