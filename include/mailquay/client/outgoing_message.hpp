#pragma once

#include <mailquay/client/message_content.hpp>
#include <mailquay/protocol/params/body.hpp>
#include <mailquay/protocol/xforward.hpp>
#include <mailquay/session/delivery_request.hpp>
#include <mailquay/session/envelope.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// One recipient of a message to send.
struct outgoing_recipient {
    std::string address{};          ///< without angle brackets; "Postmaster" alone will do
    recipient_request requests{};   ///< NOTIFY, ORCPT, RRVS; `unknown` is not sent
};

namespace detail {

/// @{ Statuses of recipients whom nobody refused, but of whose message `all_or_none` let nothing go.
struct together_finding {
    std::string_view status;
    std::string_view problem;
};
inline constexpr together_finding too_many_together{"4.5.3", "the next hop takes fewer recipients in one transaction"};
inline constexpr together_finding refused_together{"4.5.0", "another recipient of the message was refused"};
/// @}

}  // namespace detail

/// What is to be known of a message's octets where the next hop lacks an extension. `content_scanner` finds it out.
struct content_facts {
    bool bare_line_ends = false;  ///< a CR or LF that is not part of CRLF
    bool nul = false;
    bool eight_bit = false;       ///< octets from 128 on
    bool utf8_header = false;     ///< such octets in the header section
};

/// Finds out `content_facts`. Goal: O(octets).
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class content_scanner {
public:
    MAILQUAY_DECL void scan(std::string_view octets) noexcept;
    /// What was found, the content being at its end.
    MAILQUAY_DECL content_facts facts() const noexcept;

private:
    content_facts found_{};
    bool after_cr_ = false;
    bool in_header_ = true;
    bool line_empty_ = true;
};

/// A message to send, with its envelope.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// outgoing_message mail{"alice@example.org", {"bob@example.net"}, "Subject: lunch\r\n\r\nAt noon?\r\n"};
/// @endcode
class outgoing_message {
public:
    outgoing_message() = default;
    outgoing_message(std::string from, std::vector<std::string> to, std::string octets)
        : reverse_path(std::move(from)), content(content_of(std::move(octets))) {
        for (std::string& one : to) recipients.push_back({std::move(one), {}});
    }
    /// The same envelope onward; recipients by their address as received, whatever it resolved to.
    MAILQUAY_DECL outgoing_message(envelope const& received, std::shared_ptr<message_content> octets);

    std::string id{};                 ///< for the log
    std::string reverse_path{};       ///< without angle brackets; empty for the null sender
    std::vector<outgoing_recipient> recipients{};
    /// Null: recipients are only asked for, by MAIL, RCPT and RSET, and none is more than `recipient_state::accepted`.
    std::shared_ptr<message_content> content{};
    body_type body = body_type::seven_bit;
    bool smtputf8 = false;            ///< it was received with SMTPUTF8, or needs it
    /// The content is sent only if the next hop accepts every recipient; else none gets it, those that were accepted end as
    /// `recipient_state::temporary` with "4.5.0". For whoever owes one answer for all. Holds for SMTP, within one transaction.
    bool all_or_none = false;
    /// RET, ENVID, REQUIRETLS; BY with the seconds that remain, HOLD and priority as they are to be passed on.
    delivery_request requests{};
    /// Given up at this time, as if it were cancelled, unless the end of the content has left. For DELIVERBY with R.
    std::optional<std::chrono::steady_clock::time_point> give_up_at{};
    std::optional<std::string> auth{};             ///< AUTH= (RFC 4954 §5); sent only over a session that we authenticated
    std::optional<forwarded_client> forwarded{};   ///< sent by XFORWARD where `hop_settings::xforward` is on
    /// Absent: the client reads the content once more where it must know.
    std::optional<content_facts> facts{};
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/outgoing_message.ipp>
#endif
