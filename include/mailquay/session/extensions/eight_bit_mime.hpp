#pragma once

#include <mailquay/protocol/params/body.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// 8BITMIME (RFC 6152): the parameter BODY. BODY=BINARYMIME is taken only where BINARYMIME (RFC 3030) is offered, which the
/// session sees to.
struct eight_bit_mime final : extension {
    std::string_view keyword() const noexcept override { return "8BITMIME"; }
    bool same_for_all() const noexcept override { return true; }
    bool kept_by(promises const& sink) const noexcept override { return sink.eight_bit; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"BODY"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        auto const body = parse_body(given);
        if (!body) return reply{to_reply(body.error())};
        mail.parameters().body = *body;
        mail.parameters().body_given = true;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
