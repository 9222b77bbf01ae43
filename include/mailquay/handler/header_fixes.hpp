#pragma once

#include <mailquay/handler/message_filter.hpp>

#include <functional>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// What a submission server mends in a message of a user's (RFC 6409 §8): a Date and a Message-ID are added where there is none,
/// Bcc and Return-Path are dropped. The server puts it before the other filters where `profile::fix_header` says so.
///
/// A message that has a DKIM signature (RFC 6376) of a domain of ours stays as it is: a fix would break it.
///
/// Thread safety: read only once made.
class MAILQUAY_API header_fixes final : public message_filter {
public:
    /// @param hostname  the right-hand side of a Message-ID that is added, and the domain whose signatures are ours (with the
    ///                  domains above it)
    explicit header_fixes(std::string hostname) : hostname_(std::move(hostname)) {}
    ~header_fixes() override;

    message_needs needs() const override { return message_needs::edits; }
    std::unique_ptr<filter_run> begin(transaction const& mail) override;

private:
    std::string hostname_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/header_fixes.ipp>
#endif
