#pragma once

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// RRVS (RFC 7293): mail for whoever owned the mailbox at a certain time, and nobody else.
///
/// Who knows since when a mailbox has its owner is the validator: it compares that with `recipient::requests().valid_since` and
/// answers `replies::mailbox_owner_changed` or `replies::domain_owner_changed`. It is kept where some validator does so.
struct rrvs final : extension {
    std::string_view keyword() const noexcept override { return "RRVS"; }
    bool opt_in() const noexcept override { return true; }
    bool kept_by(promises const& way) const noexcept override { return way.owner_since; }

    std::span<std::string_view const> recipient_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"RRVS"};
        return names;
    }

    std::optional<reply> recipient_parameter(parameter const& given, transaction_editor mail, recipient& to) const override {
        auto const since = parse_rrvs(given);
        if (!since) return reply{to_reply(since.error())};
        mail.requests(to).valid_since = *since;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
