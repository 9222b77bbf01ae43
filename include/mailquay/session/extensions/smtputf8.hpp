#pragma once

#include <mailquay/base/idna.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// SMTPUTF8 (RFC 6531): UTF-8 in addresses and header fields of this transaction.
struct smtputf8 final : extension {
    /// Domains in UTF-8 cannot be checked without IDNA; a library built without it does not offer the extension.
    static constexpr bool built() noexcept { return MAILQUAY_IDNA != 0; }

    std::string_view keyword() const noexcept override { return "SMTPUTF8"; }
    bool same_for_all() const noexcept override { return true; }
    bool kept_by(promises const& sink) const noexcept override { return sink.utf8; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"SMTPUTF8"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        if (given.has_value) return reply{replies::bad_argument};
        mail.parameters().smtputf8 = true;
        return std::nullopt;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
