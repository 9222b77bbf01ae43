#pragma once

#include <mailquay/session/transaction.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL envelope transaction::snapshot() const {
    envelope copy;
    copy.id = id();
    copy.reverse_path = reverse_path_.wire;
    copy.recipients.reserve(accepted_);
    for (recipient const& one : recipients()) {
        envelope_recipient kept{std::string(one.wire()), std::string(one.mailbox), {}};
        kept.deliver_to.assign(one.addresses.begin(), one.addresses.end());
        copy.recipients.push_back(std::move(kept));
    }
    if (session_ != nullptr) {
        copy.hello_name = session_->hello_name();
        copy.client = session_->client();
        copy.user = session_->user();
        copy.secure = session_->secure();
    }
    copy.smtputf8 = parameters_.smtputf8;
    copy.body = parameters_.body;
    if (parameters_.auth) copy.auth.emplace(*parameters_.auth);
    copy.declared_size = parameters_.size;
    return copy;
}

MAILQUAY_DECL void transaction::clear() noexcept {
    constexpr std::size_t kept_recipients = 128;
    session_ = nullptr;
    id_ = {};
    reverse_path_ = {};
    if (recipients_.capacity() > kept_recipients)
        std::vector<recipient>{}.swap(recipients_);
    else
        recipients_.clear();
    accepted_ = 0;
    parameters_ = {};
    unknown_.clear();
    aliases_.clear();
    received_field_ = {};
    slots_.clear();
    text_.clear();
}

}  // namespace mailquay::inline MAILQUAY_ABI
