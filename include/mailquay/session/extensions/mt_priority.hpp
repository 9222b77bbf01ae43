#pragma once

#include <mailquay/protocol/params/mt_priority.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// MT-PRIORITY (RFC 6710): the order in which messages wait for each other.
///
/// Above what a client may ask it is lowered, and MAIL is answered `250 2.3.6` with the priority that counts.
class mt_priority final : public extension {
public:
    /// The highest priority that this client may ask for; called by all shards at once.
    using allowance = std::function<int(session_info const&)>;

    /// @param profile  the assignment policy's name, announced ("MIXER", "STANAG4406", "NSEP"); empty for none
    /// @param most     by default 9 for authenticated users and 0 for strangers
    explicit mt_priority(std::string profile = {}, allowance most = {}) : profile_(std::move(profile)), most_(std::move(most)) {}

    std::string_view keyword() const noexcept override { return "MT-PRIORITY"; }
    bool same_for_all() const noexcept override { return true; }
    std::string announcement(session_info const&, session_limits const&) const override { return profile_; }
    bool kept_by(promises const& sink) const noexcept override { return sink.priority; }
    bool opt_in() const noexcept override { return true; }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"MT-PRIORITY"};
        return names;
    }

    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        auto const asked = parse_mt_priority(given);
        if (!asked) return reply{to_reply(asked.error())};
        session_info const& client = mail->session();
        int const most = std::clamp(most_ ? most_(client) : client.authenticated() ? 9 : 0, -9, 9);
        mail.requests().priority = priority_request{static_cast<std::int8_t>(std::min<int>(*asked, most)), *asked};
        return std::nullopt;
    }

private:
    std::string profile_;
    allowance most_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
