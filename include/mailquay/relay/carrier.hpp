#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/relay/destination.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// One recipient of a consignment.
struct consigned_recipient {
    std::uint32_t number = 0;  ///< its place in the envelope
    std::string address{};     ///< to be sent: as received, or what an alias made of it
    std::string domain{};      ///< where several domains share a place: whose hosts take it; empty: `consignment::to` says it
};

/// What a carrier is to take where: some recipients of one message, to one destination.
struct consignment {
    std::shared_ptr<claimed_message const> message{};
    destination to{};
    std::vector<consigned_recipient> recipients{};
    /// DELIVERBY: what is left of its time; negative if it is over (mode N).
    std::optional<std::chrono::seconds> deliver_within{};
    /// DELIVERBY with R: after so long the attempt ends as if it were cancelled, unless the other side has the whole message by then.
    std::optional<std::chrono::milliseconds> give_up_after{};
};

/// What became of a recipient.
enum class carried_state : std::uint8_t {
    delivered,  ///< the other side has it
    temporary,
    permanent,
    unknown,    ///< all was sent, no reply came: perhaps delivered; tried again after the full interval
};

/// The outcome of one recipient of a consignment.
struct carried {
    std::uint32_t number = 0;  ///< its place in the envelope
    carried_state state = carried_state::temporary;
    std::string reply{};       ///< "250 2.1.5 Ok"; or what we found ourselves, status first: "5.6.7 the next hop lacks SMTPUTF8"
    std::string remote{};      ///< name of who said it; empty for our own finding
    bool final_delivery = false;        ///< into a mailbox, by LMTP
    bool dsn_passed_on = false;         ///< the other side sends the notices of success
    bool deliver_by_passed_on = false;  ///< the other side minds DELIVERBY
};

/// How an attempt ended for the destination as a whole.
enum class carry_end : std::uint8_t {
    done,         ///< it did its part, whatever it said of recipients
    busy,         ///< it ended the connection (421), or was lost, in the middle
    unreachable,  ///< no message was offered to any host: no connection, a refusal of it, of TLS, of AUTH
    message_alone,  ///< it was not offered this message for a reason of the message's own, which waits; others may be taken
    full,         ///< we have as many connections to its hosts as may be: not an attempt, its mail waits until one is free
    cancelled,    ///< by us: not an attempt
};

/// What came of an attempt.
struct carry_report {
    carry_end end = carry_end::done;
    /// Why recipients that nothing was told of are where they are, as `carried::reply`; empty if all were told of.
    std::string reply{};
    std::string remote{};
};

/// Is told of outcomes as they become known. They are on record when it returns: only then may the next command be sent
/// on that connection, or a crash would deliver twice.
using outcomes_known = std::function<asio::awaitable<void>(std::vector<carried> known)>;

/// Carries mail for a `queue_runner`: `smtp_carrier` by SMTP and LMTP, a script in tests.
///
/// Thread safety: called by one runner, on its strand, for many consignments at once.
struct MAILQUAY_API carrier {
    virtual ~carrier();
    /// One attempt. Tells each recipient at most once, on the runner's strand (the executor of the coroutine); those it tells
    /// nothing of are tried again. Always ends; cancelled, soon.
    virtual asio::awaitable<carry_report> carry(std::shared_ptr<consignment const> what, outcomes_known told) = 0;
    /// What stands for a destination: all that have one place share consignments, concurrency and back-off. Itself, unless
    /// overridden. Called on the runner's strand. Always ends; cancelled, soon. After 5 s its domain goes by itself meanwhile.
    virtual eventual<destination> place_of(destination to);
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/carrier.ipp>
#endif
