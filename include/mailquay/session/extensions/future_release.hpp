#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/params/future_release.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/protocol/timestamp.hpp>
#include <mailquay/session/extension.hpp>

#include <array>
#include <chrono>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// FUTURERELEASE (RFC 4865): the message is held until a time to come.
///
/// Beyond the announced limits 554 5.5.4; both parameters, or a time that is past, 501 5.5.4.
class future_release final : public extension {
public:
    /// 30 days: longer than holidays, shorter than a host remembers what it holds.
    static constexpr std::chrono::seconds default_longest = std::chrono::hours{24 * 30};

    /// @param longest  how long a message may be held, announced as interval and as date; at most 999999999 s
    explicit future_release(std::chrono::seconds longest = default_longest) noexcept : longest_(longest) {}

    std::string_view keyword() const noexcept override { return "FUTURERELEASE"; }
    std::string announcement_at(session_info const&, session_limits const&, std::chrono::system_clock::time_point wall) const override {
        std::string limits;
        append_decimal(limits, static_cast<std::uint64_t>(longest_.count()));
        limits += ' ';
        append_timestamp(limits, latest(wall));
        return limits;
    }
    bool kept_by(promises const& sink) const noexcept override { return sink.hold; }
    bool opt_in() const noexcept override { return true; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 2> names{"HOLDFOR", "HOLDUNTIL"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        if (mail->requests().hold) return reply{to_reply(refusal{protocol_errc::bad_hold})};
        auto const now = std::chrono::floor<std::chrono::seconds>(mail.wall());
        hold_request asked;
        if (iequals(given.keyword, "HOLDFOR")) {
            auto const interval = parse_hold_for(given);
            if (!interval) return reply{to_reply(interval.error())};
            asked = {now + *interval, *interval};
        } else {
            auto const until = parse_hold_until(given);
            if (!until) return reply{to_reply(until.error())};
            if (*until < now) return reply{to_reply(refusal{protocol_errc::bad_hold})};
            asked.release = *until;
        }
        if (asked.release > latest(mail.wall())) return reply{replies::hold_too_long};
        mail.requests().hold = asked;
        return std::nullopt;
    }

private:
    std::chrono::sys_seconds latest(std::chrono::system_clock::time_point wall) const noexcept {
        return std::chrono::floor<std::chrono::seconds>(wall) + longest_;
    }
    std::chrono::seconds longest_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
