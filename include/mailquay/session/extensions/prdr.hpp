#pragma once

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// PRDR (an expired draft, in the form that Exim speaks): MAIL with the parameter PRDR asks for a reply for each recipient at
/// the end of the message: 353, these, then one for the message as a whole. Only for a sink that can keep a message for some
/// of its recipients (`promises::per_recipient`). LMTP has it anyway.
struct prdr final : extension {
    std::string_view keyword() const noexcept override { return "PRDR"; }
    bool offered(session_info const& client) const noexcept override { return !client.lmtp(); }
    bool kept_by(promises const& sink) const noexcept override { return sink.per_recipient; }
    bool opt_in() const noexcept override { return true; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"PRDR"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        if (auto const alone = expect_no_value(given); !alone) return reply{to_reply(alone.error())};
        mail.parameters().prdr = true;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
