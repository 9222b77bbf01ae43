#pragma once

#include <mailquay/session/impl/session.ipp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

/// Whether the transaction may have a recipient in this domain: RCPTDOMAINMAX (RFC 9422 §4.3). Only asked where there is such a
/// limit; then one RCPT is decided before the next is asked.
MAILQUAY_DECL bool session::domain_fits(std::string_view domain) {
    auto& known = work_->domains;
    auto const holds = [&known](std::string_view one) { return std::find(known.begin(), known.end(), one) != known.end(); };
    auto const& all = work_->mail.recipients_;
    for (; work_->domains_of < work_->mail.accepted_; ++work_->domains_of)
        if (std::string_view const one = all[work_->domains_of].domain(); !holds(one)) known.push_back(one);
    return known.size() < config_->limits.recipient_domains || holds(domain);
}

}  // namespace mailquay::inline MAILQUAY_ABI
