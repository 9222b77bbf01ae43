#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/delivery.hpp>
#include <mailquay/session/promises.hpp>
#include <mailquay/session/transaction.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// How `message_writer::finish()` commits.
enum class commit : std::uint8_t {
    all_or_none,  ///< for every recipient or for none: one reply is sent
    each,         ///< a verdict per recipient: LMTP, and PRDR when asked for
};

/// Takes the octets of one message. Destroyed without `finish()`: abandoned, nothing may become visible; that must be
/// cheap and not block.
struct MAILQUAY_API message_writer {
    virtual ~message_writer();
    /// `accept()` to go on; anything that refuses is the reply to end of data, and the rest is dropped.
    /// @param octets  CRLF lines, dots removed; valid until the answer
    virtual eventual<verdict> write(std::span<char const> octets) = 0;
    /// A 2xx only when the message is kept for good: power may fail right after.
    virtual eventual<delivery> finish(commit how) = 0;
};

/// Recipients of different groups must not share a transaction, where a sink cannot undo.
struct recipient_group {
    std::string name{};
    friend auto operator<=>(recipient_group const&, recipient_group const&) = default;
};

/// Where mail goes.
///
/// Thread safety: called by all shards at once; one writer is used by one connection at a time.
struct MAILQUAY_API message_sink {
    using opened = result<std::unique_ptr<message_writer>, verdict>;

    virtual ~message_sink();
    /// Called at DATA, before 354, so that a full disk is told before the body.
    /// @param mail  valid until the writer is destroyed
    virtual eventual<opened> open(transaction const& mail) = 0;
    /// What the sink keeps; extensions are announced accordingly.
    virtual promises promised() const;
    /// What one transaction may hold; the default puts all recipients into one group.
    virtual recipient_group group(recipient const& to) const;
    /// Whether `next` fits into the transaction together with its recipients, of which there is one at least. If not, the client is
    /// told 452 4.5.3 and sends another for the rest. Not asked under LMTP and PRDR. The default takes all.
    virtual bool takes_another(transaction const& mail, recipient const& next) const;
    /// Whether any recipients may share a transaction: then neither `group()` nor `takes_another()` is ever asked. Asked once, at
    /// start. The default says no, and they are asked for each recipient but the first.
    virtual bool takes_any_recipients() const noexcept;
    /// Whether it has room for so many octets, as far as is known without waiting; asked at each MAIL. If not, the client is told
    /// 452 4.3.1. The default says yes: then `open()` and `write()` tell.
    virtual bool has_room(std::uint64_t octets) const;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
