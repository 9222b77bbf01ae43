#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/message_needs.hpp>
#include <mailquay/session/transaction.hpp>
#include <mailquay/session/verdict.hpp>

#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The stages at which a policy may speak; a bit each.
enum class policy_stage : unsigned {
    connect = 1,
    early_talk = 2,
    hello = 4,
    mail = 8,
    recipient = 16,
    recipient_accepted = 32,
    data = 64,
    headers = 128,
    close = 256,
    all = 511,
};
constexpr policy_stage operator|(policy_stage a, policy_stage b) noexcept {
    return policy_stage(unsigned(a) | unsigned(b));
}
constexpr bool has(policy_stage set, policy_stage one) noexcept { return (unsigned(set) & unsigned(one)) != 0; }

/// May say no at each stage of a session: `reject`/`defer` ends the stage, `accept()` spares it the remaining policies,
/// `pass()` is no opinion. Only a `recipient_validator` can say yes to a recipient.
///
/// Lifetimes: references stay valid until the answer. Thread safety: called by all shards at once.
struct MAILQUAY_API policy {
    virtual ~policy();
    /// Stages at which this policy is asked; the others are skipped. Asked once, at start.
    virtual policy_stage stages() const { return policy_stage::all; }
    /// Whether it is asked about authenticated users even where they are spared the policies (`policy_scope::unauthenticated`).
    virtual bool asks_about_users() const noexcept { return false; }
    /// `headers` if `on_headers` must be answered before the message flows.
    virtual message_needs needs() const { return message_needs::none; }

    virtual eventual<verdict> on_connect(session_info const& client);
    /// Octets came before the greeting. No opinion of any policy: the session goes on.
    virtual eventual<verdict> on_early_talk(session_info const& client);
    virtual eventual<verdict> on_hello(session_info const& client, std::string_view name);
    virtual eventual<verdict> on_mail(transaction const& mail);
    virtual eventual<verdict> on_recipient(transaction const& mail, recipient const& to);
    /// After a validator accepted it: greylist, quota. May still say no.
    virtual eventual<verdict> on_recipient_accepted(transaction const& mail, recipient const& to);
    virtual eventual<verdict> on_data(transaction const& mail);
    /// @param header  the header section with its empty line, CRLF lines
    virtual eventual<verdict> on_headers(transaction const& mail, std::string_view header);
    virtual void on_close(session_info const& client) noexcept;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
