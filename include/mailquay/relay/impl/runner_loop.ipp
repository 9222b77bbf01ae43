#pragma once

#include <mailquay/server/asio_compat.hpp>
#include <mailquay/sink/detail/wait_for_done.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <list>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

// How long waits what could not be read for want of workers or memory.
constexpr std::chrono::milliseconds unreadable_wait{5000};

/// What a `runner_core` has of Asio.
struct runner_loop {
    explicit runner_loop(asio::any_io_executor host) : strand(asio_compat::make_strand(std::move(host))), idle(strand), grace(strand) {}

    asio::any_io_executor strand;
    asio_compat::timer idle;   // between two looks into the queue
    asio_compat::timer grace;  // until attempts are cancelled
    std::list<asio::cancellation_signal> attempts{};
    std::list<asio::cancellation_signal> look_ups{};
    std::list<asio_compat::timer> pauses{};
};

/// Claims messages, on a worker.
struct claim_job {
    spool_queue* from;
    std::vector<claimed_message>* into;
    std::size_t most;

    void operator()() const {
        try {
            while (into->size() < most) {
                auto next = from->claim();
                if (!next) return;
                into->push_back(*std::move(next));
            }
        } catch (std::exception const&) {  // no memory: what was claimed is delivered first
        }
    }
};

/// Looks at a message, on a worker.
struct look_job {
    spool_queue* from;
    transaction_id id;
    std::optional<claimed_message>* into;

    void operator()() const {
        try {
            if (auto seen = from->look_at(id)) *into = *std::move(seen);
        } catch (std::exception const&) {
        }
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
