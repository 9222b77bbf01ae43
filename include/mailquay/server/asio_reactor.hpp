#pragma once

#include <mailquay/server/reactor.hpp>

#include <asio/any_io_executor.hpp>

#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// The portable reactor: waits by Asio, one wait per direction at a time, no buffers. A batch is one readiness.
///
/// Lifetime: waits under way do not keep it; once it is gone nothing is told any more.
/// Thread safety: unsafe; use the executor it was made with, which must run one thing at a time (a strand, or a context
/// that one thread runs).
class MAILQUAY_API asio_reactor final : public reactor {
public:
    MAILQUAY_DECL asio_reactor(asio::any_io_executor runs_on, batch_listener* told);
    MAILQUAY_DECL ~asio_reactor() override;

    MAILQUAY_DECL void tell(batch_listener* told) noexcept override;
    MAILQUAY_DECL std::error_code watch(watcher& who, int descriptor) override;
    MAILQUAY_DECL void want(watcher& who, readiness what) override;
    MAILQUAY_DECL void resume(watcher& who, readiness what) override;
    MAILQUAY_DECL void unwatch(watcher& who) noexcept override;

private:
    struct common;
    struct watched;

    std::shared_ptr<common> common_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/asio_reactor.ipp>
#endif
