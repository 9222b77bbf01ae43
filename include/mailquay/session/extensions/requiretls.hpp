#pragma once

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// REQUIRETLS (RFC 8689): the message must not leave but by verified TLS. Offered inside TLS only.
struct requiretls final : extension {
    std::string_view keyword() const noexcept override { return "REQUIRETLS"; }
    bool offered(session_info const& client) const noexcept override { return client.secure(); }
    bool kept_by(promises const& sink) const noexcept override { return sink.requiretls; }
    bool opt_in() const noexcept override { return true; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"REQUIRETLS"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        if (auto const alone = expect_no_value(given); !alone) return reply{to_reply(alone.error())};
        mail.requests().requiretls = true;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
