#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// DSN (RFC 3461): RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT; addresses of the type "utf-8" by RFC 6533.
///
/// Who may ask for notices of delivery learns when mail is read, and bounces can be made to hit others: strangers are offered
/// it only where a host asked for it by name.
class dsn final : public extension {
public:
    enum class offered_to : std::uint8_t { everybody, authenticated };
    explicit dsn(offered_to whom = offered_to::everybody) noexcept : whom_(whom) {}

    std::string_view keyword() const noexcept override { return "DSN"; }
    bool offered(session_info const& client) const noexcept override {
        return whom_ == offered_to::everybody || client.authenticated();
    }
    bool kept_by(promises const& sink) const noexcept override { return sink.dsn; }
    bool opt_in() const noexcept override { return whom_ == offered_to::everybody; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 2> names{"RET", "ENVID"};
        return names;
    }
    std::span<std::string_view const> recipient_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 2> names{"NOTIFY", "ORCPT"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        if (iequals(given.keyword, "RET")) {
            auto const ret = parse_ret(given);
            if (!ret) return reply{to_reply(ret.error())};
            mail.requests().ret = *ret;
        } else {
            auto envid = parse_envid(given);
            if (!envid) return reply{to_reply(envid.error())};
            mail.requests().envid = std::move(*envid);
        }
        return std::nullopt;
    }

    std::optional<reply> recipient_parameter(parameter const& given, transaction_editor mail, recipient& to) const override {
        if (iequals(given.keyword, "NOTIFY")) {
            auto const notify = parse_notify(given);
            if (!notify) return reply{to_reply(notify.error())};
            mail.requests(to).notify = *notify;
        } else {
            auto original = parse_orcpt(given);
            if (!original) return reply{to_reply(original.error())};
            mail.requests(to).original = std::move(*original);
        }
        return std::nullopt;
    }

private:
    offered_to whom_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
