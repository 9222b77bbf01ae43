#pragma once

#include <mailquay/handler/policy.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Lets an authenticated user send only from addresses that are his: MAIL from another is 553 5.7.1, from `<>` 550 5.7.1 unless
/// that is allowed. Says nothing of clients that have not authenticated. Asked on listeners that spare users the other
/// policies, too.
///
/// By default an address is a user's if it is his name (`alice@example.org`), or, for a name without a domain, if the name is
/// its local part and the domain is one of `domains`; letters compare without case. No domain given: a user whose name has
/// none may send from nowhere. Whoever has aliases gives a function.
///
/// Thread safety: read only once made; a function given is called by all shards at once.
///
/// @code
/// server.policies(sender_policy{"example.org"});
/// server.policies(sender_policy{[](std::string_view user, address const& from) { return directory.owns(user, from.wire); }});
/// @endcode
class MAILQUAY_API sender_policy final : public policy {
public:
    /// Whether `user` may send from `from`. What it throws defers the command.
    using rule = std::function<bool(std::string_view user, address const& from)>;

    sender_policy() = default;
    explicit sender_policy(std::string domain) : domains_{std::move(domain)} {}
    explicit sender_policy(std::vector<std::string> domains) : domains_(std::move(domains)) {}
    explicit sender_policy(rule may_send_as) : may_send_as_(std::move(may_send_as)) {}
    ~sender_policy() override;

    /// Users may send from `<>`: receipts and automatic answers.
    sender_policy& allow_null() & noexcept { return null_allowed_ = true, *this; }
    sender_policy&& allow_null() && noexcept { return std::move(allow_null()); }

    policy_stage stages() const override { return policy_stage::mail; }
    bool asks_about_users() const noexcept override { return true; }
    eventual<verdict> on_mail(transaction const& mail) override;

    /// The default rule.
    bool owns(std::string_view user, address const& from) const noexcept;

private:
    std::vector<std::string> domains_;
    rule may_send_as_;
    bool null_allowed_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/sender_policy.ipp>
#endif
