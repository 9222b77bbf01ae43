#pragma once

#include <mailquay/server/reactor.hpp>

#ifdef __linux__

#include <asio/any_io_executor.hpp>

#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// The reactor of Linux: an epoll set of its own, of which Asio watches only the descriptor. A batch is what one look into
/// the set finds, at most 256.
///
/// A descriptor is registered once, edge-triggered; waiting to read costs no system call after that. `want()` for writing,
/// which only a peer that takes no octets leads to, costs one.
///
/// Each batch costs a wait of Asio's, and that is two system calls more. So on a thread of the shard's own (`loop_turns`), where
/// batches follow each other within a millisecond and `batch_listener::awaits_readiness_alone()`, it waits in its own set instead, for
/// up to 20 ms, before Asio has its turn. Once that had anything else to run, it has each turn for 50 ms.
///
/// Lifetime: the wait under way does not keep it; once it is gone nothing is told any more. While anything is watched it
/// keeps the context busy.
/// Thread safety: unsafe; use the executor it was made with, which must run one thing at a time (a strand, or a context
/// that one thread runs).
class MAILQUAY_API epoll_reactor final : public reactor {
public:
    /// @throws std::system_error if the system has no descriptor for the set
    MAILQUAY_DECL epoll_reactor(asio::any_io_executor runs_on, batch_listener* told, loop_turns const* own = nullptr);
    MAILQUAY_DECL ~epoll_reactor() override;

    MAILQUAY_DECL void tell(batch_listener* told) noexcept override;
    MAILQUAY_DECL std::error_code watch(watcher& who, int descriptor) override;
    MAILQUAY_DECL void want(watcher& who, readiness what) override;
    MAILQUAY_DECL void resume(watcher& who, readiness what) override;
    MAILQUAY_DECL void unwatch(watcher& who) noexcept override;

private:
    struct record;
    struct set;

    std::shared_ptr<set> set_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#endif  // __linux__

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/epoll_reactor.ipp>
#endif
