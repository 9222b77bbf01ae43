#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/transaction.hpp>
#include <mailquay/session/verdict.hpp>

namespace mailquay::inline MAILQUAY_ABI {

/// Who may receive. Asked at RCPT, in order, until one does not `pass()`; if all pass the recipient is refused 550 5.7.1.
///
/// A validator passes what is not its own, accepts what it knows (with `.mailbox(id)` or `.deliver_to(...)` where it knows
/// more), and refuses what it knows not to exist.
///
/// Lifetimes: `mail` and `to` stay valid until the answer. Thread safety: called by all shards at once.
struct MAILQUAY_API recipient_validator {
    virtual ~recipient_validator();
    virtual eventual<verdict> validate(transaction const& mail, recipient const& to) = 0;
    /// Whether it compares `recipient::requests().valid_since` with the time since which a mailbox has its owner. RRVS (RFC 7293)
    /// is offered only where one of a listener's validators does.
    virtual bool judges_owner_since() const noexcept { return false; }
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
