#pragma once

#include <mailquay/handler/sender_policy.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

// The key function.
MAILQUAY_DECL sender_policy::~sender_policy() = default;

MAILQUAY_DECL bool sender_policy::owns(std::string_view user, address const& from) const noexcept {
    if (user.empty()) return false;
    std::size_t const at = user.rfind('@');
    if (at != std::string_view::npos)
        return iequals(user.substr(0, at), from.local_part) && iequals(user.substr(at + 1), from.domain);
    return iequals(user, from.local_part) &&
           std::any_of(domains_.begin(), domains_.end(), [&](std::string const& one) { return iequals(one, from.domain); });
}

MAILQUAY_DECL eventual<verdict> sender_policy::on_mail(transaction const& mail) {
    session_info const& client = mail.session();
    if (!client.authenticated()) return pass();
    if (mail.null_sender()) return null_allowed_ ? pass() : reject(replies::rejected).because("null-sender");
    bool const his = may_send_as_ ? may_send_as_(client.user(), mail.reverse_path()) : owns(client.user(), mail.reverse_path());
    return his ? pass() : reject(replies::sender_not_owned).because("sender");
}

}  // namespace mailquay::inline MAILQUAY_ABI
