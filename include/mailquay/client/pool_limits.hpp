#pragma once

#include <mailquay/base/config.hpp>

#include <chrono>
#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {

/// How many connections a client has and keeps.
struct pool_limits {
    std::size_t per_destination = 20;      ///< open at once to one `next_hop::key()`; further sends wait for one
    std::size_t total = 200;               ///< open at once in all
    std::size_t waiting = 10'000;          ///< sends that wait for a connection, who came first first; beyond: `hop_problem::no_connection_free`
    /// A connection that waits longer for the next message is closed with QUIT. Servers wait 5 minutes, or far less when they
    /// are busy.
    std::chrono::milliseconds idle = std::chrono::seconds{5};
    std::size_t leaving = 50;              ///< that wait for the reply to QUIT, beside the above; beyond: closed without QUIT
    /// Then it is closed: other clients want a turn, and load balancers too. LIMITS MAILMAX lowers it.
    std::size_t messages_per_connection = 100;
};

}  // namespace mailquay::inline MAILQUAY_ABI
