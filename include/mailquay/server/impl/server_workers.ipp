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

MAILQUAY_DECL std::shared_ptr<worker_pool> server_workers::take_no_more() noexcept {
    std::lock_guard const lock{mutex_};
    ended_ = true;
    return std::move(pool_);
}

// Joined when the lock is free again.
MAILQUAY_DECL void server_workers::end() noexcept { take_no_more().reset(); }

MAILQUAY_DECL void server_workers::end_without_waiting() noexcept {
    if (auto const last = take_no_more()) last->drop_waiting();
}

}  // namespace mailquay::inline MAILQUAY_ABI
