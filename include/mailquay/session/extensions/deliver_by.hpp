#pragma once

#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <array>
#include <chrono>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// DELIVERBY (RFC 2852): deliver in time, or say so.
class deliver_by final : public extension {
public:
    /// @param least  the shortest time that may be asked for with R, announced; 0: no minimum
    explicit deliver_by(std::chrono::seconds least = std::chrono::seconds{0}) noexcept : least_(least) {}

    std::string_view keyword() const noexcept override { return "DELIVERBY"; }
    bool same_for_all() const noexcept override { return true; }
    std::string announcement(session_info const&, session_limits const&) const override {
        std::string seconds;
        if (least_.count() > 0) append_decimal(seconds, static_cast<std::uint64_t>(least_.count()));
        return seconds;
    }
    bool kept_by(promises const& sink) const noexcept override { return sink.deliver_by; }
    bool opt_in() const noexcept override { return true; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"BY"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        auto const by = parse_deliver_by(given);
        if (!by) return reply{to_reply(by.error())};
        // N only asks for a notice, which can be given at any time.
        if (by->mode == by_mode::return_to_sender && by->seconds < least_.count()) return reply{replies::deliver_by_too_short};
        mail.requests().by = *by;
        return std::nullopt;
    }

private:
    std::chrono::seconds least_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
