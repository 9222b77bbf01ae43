#pragma once

#include <mailquay/session/envelope.hpp>
#include <mailquay/session/transaction.hpp>

#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The mailboxes to which a sink of final delivery files the mail for one recipient: the one that the validator named with
/// `.mailbox(id)`, then each address of `.deliver_to(...)`. Both may be given; then mail goes to all.
///
/// A mailbox that several recipients name is still to be filed once: that is the sink's to know.
///
/// @param take  called with each name, a view into `to`; any octets: use `safe_mailbox_name()` for files
/// @return false where the validator named nothing, so that `take` was not called
///
/// @{
template <class Take>
bool for_each_target(recipient const& to, Take&& take) {
    if (!to.mailbox.empty()) take(to.mailbox);
    for (std::string_view const one : to.addresses) take(one);
    return !to.mailbox.empty() || !to.addresses.empty();
}

template <class Take>
bool for_each_target(envelope_recipient const& to, Take&& take) {
    if (!to.mailbox.empty()) take(std::string_view{to.mailbox});
    for (std::string_view const one : to.deliver_to) take(one);
    return !to.mailbox.empty() || !to.deliver_to.empty();
}
/// @}

}  // namespace mailquay::inline MAILQUAY_ABI
