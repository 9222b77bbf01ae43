#pragma once

#include <mailquay/server/server_workers.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL server_workers::~server_workers() = default;

MAILQUAY_DECL bool server_workers::post(unique_function<void()> job) {
    std::unique_lock lock{mutex_};
    if (ended_) return false;
    if (!pool_) pool_ = std::make_shared<worker_pool>(config_);
    auto const pool = pool_;
    lock.unlock();
    return pool->post(std::move(job));
}

MAILQUAY_DECL asio::awaitable<void> server_workers::run(unique_function<void()> job) { return run_on_workers(*this, std::move(job)); }

MAILQUAY_DECL void server_workers::end() noexcept {
    std::shared_ptr<worker_pool> last;
    std::lock_guard const lock{mutex_};
    ended_ = true;
    last = std::move(pool_);  // joined when the lock is free again
}

}  // namespace mailquay::inline MAILQUAY_ABI
