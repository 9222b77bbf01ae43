#pragma once

#include <mailquay/handler/workers.hpp>
#include <mailquay/server/worker_pool.hpp>

#include <memory>
#include <mutex>

namespace mailquay::inline MAILQUAY_ABI {

/// The workers a server lends to its plug-ins: a pool that is started when first needed, and that the server can end even
/// while plug-ins still hold on to it. After that no job is taken.
///
/// Thread safety: safe, but for `end()`, which comes when no shard runs.
class MAILQUAY_API server_workers final : public workers {
public:
    explicit server_workers(worker_pool_config config) noexcept : config_(config) {}
    MAILQUAY_DECL ~server_workers() override;

    MAILQUAY_DECL bool post(unique_function<void()> job) override;
    MAILQUAY_DECL asio::awaitable<void> run(unique_function<void()> job) override;

    /// Runs the jobs that wait and joins the threads.
    MAILQUAY_DECL void end() noexcept;
    /// Destroys the jobs that wait, ends those that run and joins the threads. For work that nobody needs once its client is gone.
    MAILQUAY_DECL void end_without_waiting() noexcept;

private:
    std::shared_ptr<worker_pool> take_no_more() noexcept;
    worker_pool_config config_;
    std::mutex mutex_;
    std::shared_ptr<worker_pool> pool_;
    bool ended_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/server_workers.ipp>
#endif
