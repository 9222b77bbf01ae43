#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/workers.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// How a `queue_runner` tries, waits and gives up.
struct runner_settings {
    /// Our name, in notices.
    std::string hostname{};
    /// Wait before the second attempt, the third, ...; the last one repeats. RFC 5321 §4.5.4.1 asks for 30 minutes in general
    /// and lets who knows better be quicker: most failures are greylists and restarts.
    std::vector<std::chrono::seconds> retry{std::chrono::minutes{5}, std::chrono::minutes{10}, std::chrono::minutes{20},
                                            std::chrono::minutes{40}, std::chrono::minutes{66}};
    /// Each wait is longer or shorter by up to so many hundredths, so that what failed together does not come back together.
    unsigned jitter_percent = 10;
    /// After so long a recipient fails at its next failed attempt (RFC 5321 §4.5.4.1: 4 to 5 days).
    std::chrono::seconds lifetime = std::chrono::hours{5 * 24};
    /// The same for mail of the null sender, notices among it.
    std::chrono::seconds null_sender_lifetime = std::chrono::hours{24};
    /// After so long the sender is told of the delay, once: authenticated ones, and who asked for it by NOTIFY=DELAY.
    std::chrono::seconds delay_notice = std::chrono::hours{4};

    std::size_t connections = 200;                ///< attempts under way at once
    std::size_t connections_per_destination = 20; ///< likewise, to one destination: what large receivers take
    std::size_t first_connections = 2;            ///< to a destination that has not proved itself; each success adds one
    std::size_t recipients = 100;                 ///< of one consignment (RFC 5321 §4.5.3.1.8)
    std::size_t messages_in_memory = 20'000;      ///< envelopes; the rest stays on disk
    /// Of these, for a slow destination, one whose next message has waited for `crowded_wait`: what is above waits on disk for as
    /// long again, and leaves room for the rest.
    std::size_t messages_per_slow_destination = 2'000;
    std::chrono::seconds crowded_wait{60};

    /// Notices an hour for senders whom we do not know (`bounce::restrained`): to one address, and in all. What is above
    /// goes to `undeliverable_folder`.
    unsigned notices_per_address = 5;
    unsigned notices_per_hour = 100;
    /// Where mail goes whose sender is not told: a file for the message, one for what would have been told. Empty: it is dropped,
    /// with a line in the log.
    std::string undeliverable_folder{};
    std::size_t undeliverable_messages = 10'000;  ///< that the folder may hold; above it they are dropped
    /// Who gets mail of the null sender that fails; empty: it is dropped, with a line in the log.
    std::string double_bounce_to{};

    /// Absent: the machine's. That of the spool.
    std::shared_ptr<mailquay::clock> clock{};
    /// For what reads the disk. Absent: four of the runner's own.
    std::shared_ptr<mailquay::workers> workers{};
    logger log{};
};

/// What a runner did since it was made.
struct runner_counts {
    std::uint64_t delivered = 0;      ///< recipients, likewise below
    std::uint64_t deferred = 0;       ///< attempts that failed for now
    std::uint64_t failed = 0;
    std::uint64_t expired = 0;
    std::uint64_t notices = 0;        ///< notices queued
    std::uint64_t undeliverable = 0;  ///< messages whose sender was not told
    std::size_t in_memory = 0;        ///< messages now
    std::size_t under_way = 0;        ///< attempts now
};

}  // namespace mailquay::inline MAILQUAY_ABI
