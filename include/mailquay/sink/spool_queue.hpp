#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/base/unique_function.hpp>
#include <mailquay/sink/spool_record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// A message of a queue at a glance.
struct queued_message {
    transaction_id id{};
    std::uint64_t octets = 0;  ///< of the content
    std::chrono::system_clock::time_point accepted{};
    std::chrono::system_clock::time_point released{};   ///< its lifetime counts from here
    std::chrono::milliseconds due_in{0};                ///< until its next attempt; none left: 0
    std::uint32_t recipients = 0;
    std::uint32_t recipients_done = 0;
    std::uint32_t attempts = 0;
    bool held = false;
    bool claimed = false;  ///< an attempt is under way
};

/// A message that whoever claimed it has for himself until he gives it back by `spool_queue::change()`.
///
/// Lifetime: its content stays readable as long as this object lives, even when the message is deleted meanwhile. Thread
/// safety: distinct objects: safe. Shared objects: unsafe.
struct MAILQUAY_API claimed_message {
    struct content;

    transaction_id id{};
    stored_envelope stored{};   ///< envelope and state
    std::uint64_t octets = 0;   ///< of the content, our Received field included
    bool flushed = false;       ///< due because an operator said so, not by its time
    std::shared_ptr<content> source{};

    /// Content from `offset` on; fewer octets than there is room only at the end. Blocks.
    result<std::size_t> read(std::uint64_t offset, std::span<char> room) const;
};

/// What happens to a message; several things at once are one record, which is there whole or not at all.
struct spool_change {
    std::vector<recipient_outcome> outcomes{};
    bool attempted = false;                                     ///< counts as an attempt
    std::optional<std::chrono::milliseconds> retry_after{};     ///< next attempt, measured by the steady clock
    bool flush = false;                                         ///< an operator says so: due now, as by `spool_queue::flush()`
    std::optional<bool> hold{};
    bool delay_told = false;                                    ///< the sender was told of the delay
    bool new_lifetime = false;
    transaction_id dsn_ordered{};   ///< a notice of this id is to be made: asked for again after a crash until it is queued
    transaction_id dsn_settled{};   ///< it will not be made
    bool give_back = true;          ///< ends the claim
};

/// A message to queue that came by no session: a delivery status notification.
struct new_queued_message {
    mailquay::envelope envelope{};   ///< with its id
    std::string octets{};            ///< header and body, lines ended by CRLF
    mailquay::bounce bounce = mailquay::bounce::never;
    std::chrono::milliseconds wait{0};
};

/// A notice that was ordered (together with the outcomes it tells of) and is not in the queue.
struct ordered_notice {
    transaction_id notice{};
    transaction_id about{};
};

/// Octets of the journal that could not be read and were copied away.
struct spool_damage {
    std::string file{};   ///< below the spool's folder
    std::string id{};     ///< of the message; empty if that is lost as well
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    bool unfinished = false;  ///< the end of a segment, as a crash leaves it: what was acknowledged is there only if it is damaged
};

/// The reading side of a spool: what a queue runner and `mailquay-queue` use.
///
/// A message with an outcome that is final for each recipient, and no notice still ordered, leaves the queue by itself.
/// Outcomes are written before `done` is called (a killed process forgets none) and synced within a second; holds, deletions
/// and new messages are synced before.
///
/// Functions that take `done` do not block; it is called once, on a thread of the queue, and must not block either. The others
/// read the disk or wait: call them on workers.
///
/// Thread safety: called by all threads at once.
struct MAILQUAY_API spool_queue {
    using when_done = unique_function<void(std::error_code)>;

    virtual ~spool_queue();

    /// The message that has been due for the longest, which is then the caller's. Nothing if none is due.
    virtual std::optional<claimed_message> claim() = 0;
    /// How long until one is due; nothing if none waits.
    virtual std::optional<std::chrono::milliseconds> due_in() const = 0;
    /// Called when a message may have become due earlier than was said; on any thread, must not block. One at a time.
    virtual void on_due(std::function<void()> wake) = 0;

    /// `std::errc::no_such_file_or_directory` if there is no such message.
    virtual void change(transaction_id id, spool_change what, when_done done) = 0;
    /// A message that is being delivered is deleted too; the attempt goes on.
    virtual void remove(transaction_id id, when_done done) = 0;
    virtual void add(new_queued_message message, when_done done) = 0;
    /// Notices that were ordered before a crash and are still to be made.
    virtual std::vector<ordered_notice> ordered_notices() const = 0;

    /// Whether a lifetime that is over may end a message now. Not for a day after the wall clock jumped forward by more than an
    /// hour, or until `clock_ok()`: a wrong clock must not return all mail.
    virtual bool may_expire() const = 0;
    virtual void clock_ok() = 0;

    /// Messages in order of acceptance, from the first behind `after` on.
    virtual std::vector<queued_message> list(transaction_id after, std::size_t most) const = 0;
    virtual std::size_t size() const = 0;
    virtual std::optional<queued_message> find(transaction_id id) const = 0;
    /// As `claim()`, without claiming, and without comparing the content with its checksum: for those who only look.
    /// @return ENOENT if there is no such message, EILSEQ if its record is damaged, else what the system said: it may be
    ///         readable later
    virtual result<claimed_message> look_at(transaction_id id) const = 0;
    /// Makes a message due now, unless it is held or being delivered. @return whether it did
    virtual bool flush(transaction_id id) = 0;
    virtual std::vector<spool_damage> damaged() const = 0;
};

/// @{ The same, waiting for the end. For tools and tests; never on a shard.
MAILQUAY_DECL std::error_code change_and_wait(spool_queue& queue, transaction_id id, spool_change what);
MAILQUAY_DECL std::error_code remove_and_wait(spool_queue& queue, transaction_id id);
MAILQUAY_DECL std::error_code add_and_wait(spool_queue& queue, new_queued_message message);
/// @}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_queue.ipp>
#endif
