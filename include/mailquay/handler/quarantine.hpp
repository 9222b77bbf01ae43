#pragma once

#include <mailquay/session/transaction.hpp>

#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Marks the message under way as one to be put aside: the sink decides where, the log says so. The first reason stays.
///
/// Set by filters (`message_edit::quarantine()`) and by policies. Kept in a slot of the transaction.
MAILQUAY_DECL void quarantine(transaction const& mail, std::string_view reason);

/// Why the message is to be put aside; empty if it is not. A sink asks in `finish()`: a filter that sees the message flow
/// past may decide at its end. (Where a filter edits, it is known before the first octet.)
///
/// Lifetime: as long as the transaction.
MAILQUAY_DECL std::string_view quarantine_of(transaction const& mail);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/quarantine.ipp>
#endif
