#pragma once

#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/params/size.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// SIZE (RFC 1870): announces the limit, and refuses a message that is declared larger before it is sent.
struct size final : extension {
    std::string_view keyword() const noexcept override { return "SIZE"; }
    bool same_for_all() const noexcept override { return true; }

    std::string announcement(session_info const&, session_limits const& limits) const override {
        std::string octets;
        append_decimal(octets, limits.message_octets);
        return octets;
    }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"SIZE"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const& limits) const override {
        auto const octets = parse_size(given);
        if (!octets) return reply{to_reply(octets.error())};
        if (limits.message_octets != 0 && *octets > limits.message_octets) return reply{replies::message_too_big};
        mail.parameters().size = *octets;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
