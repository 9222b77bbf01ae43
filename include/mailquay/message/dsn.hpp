#pragma once

#include <mailquay/base/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 3464 §2.3.3: what became of a recipient.
enum class dsn_action : std::uint8_t {
    failed,
    delayed,
    delivered,
    relayed,   ///< handed to a system that sends no notices (RFC 3461 §5.2.2)
    expanded,  ///< an alias, whose members answer for themselves (RFC 3461 §5.2.7.3)
};
/// Lifetime: static.
MAILQUAY_DECL std::string_view to_string(dsn_action action) noexcept;

/// One recipient of a delivery status notification. Texts that came from a peer are scrubbed when they are written.
struct dsn_recipient {
    std::string address{};           ///< as the sender named it; never what an alias made of it
    std::string original_type{};     ///< of ORCPT: "rfc822", "utf-8"; empty if none was given: it is never made up
    std::string original_address{};  ///< of ORCPT, decoded
    dsn_action action = dsn_action::failed;
    std::string status{};            ///< RFC 3463, "5.1.1"; of another class than the action's, or malformed: X.0.0
    std::string remote_mta{};        ///< name of the system that answered; empty if none did
    std::string diagnostic{};        ///< its reply, code first, or what we found ourselves; empty for none
    bool diagnostic_is_smtp = true;  ///< it is a reply
    std::optional<std::chrono::system_clock::time_point> last_attempt{};
    std::optional<std::chrono::system_clock::time_point> retry_until{};  ///< of a delay
};

/// A delivery status notification as a value (RFC 3464, RFC 6533): what is told, to whom, of which message.
struct dsn_report {
    std::string id{};             ///< of this notice: part of its Message-ID, and what its parts are separated by
    std::string reporting_mta{};  ///< our name
    std::string to{};             ///< the reverse-path of the message it is about
    std::chrono::system_clock::time_point date{};
    std::chrono::minutes utc_offset{0};
    std::string envelope_id{};    ///< ENVID, decoded; empty if none
    std::optional<std::chrono::system_clock::time_point> arrival{};
    /// RFC 2852 §4: by when it was to be delivered.
    std::optional<std::chrono::system_clock::time_point> deliver_by{};
    /// RFC 4865 §5: "for; 3600" or "until; 2026-12-01T00:00:00Z"; empty if the message was not held.
    std::string future_release{};
    std::vector<dsn_recipient> recipients{};  ///< at least one
    /// The message it is about: its header section, or the whole of it. Views; octets as they were stored.
    std::string_view original{};
    bool whole_original = false;
};

/// What `make_dsn()` made.
struct dsn_message {
    std::string octets{};    ///< header and body, lines ended by CRLF
    bool eight_bit = false;  ///< needs 8BITMIME
    bool utf8 = false;       ///< needs SMTPUTF8: the address it goes to is not ASCII
};

/// Above so many octets only the header of a message is returned, whatever RET says.
inline constexpr std::size_t dsn_whole_octets = 50'000;

/// Writes a notice: multipart/report with a text for people, a message/delivery-status for programs, and the original.
///
/// An address with UTF-8 is written as `utf-8` with `\x{HEX}` (RFC 6533 §3), which any path takes; only where the notice
/// itself goes to such an address, and so needs SMTPUTF8 anyway, message/global-delivery-status shows it as it is. The
/// original is returned whole only up to `dsn_whole_octets` and if it can travel as 8BITMIME; a header with UTF-8 goes
/// in base64 unless the notice has SMTPUTF8.
///
/// The notice has `Auto-Submitted: auto-replied` (RFC 3834 §5) and refers to the Message-ID of the original, if it has one.
/// It is to be sent with the null reverse-path. No octet of the original or of a peer can add a field or end a part.
MAILQUAY_DECL dsn_message make_dsn(dsn_report const& report);

/// The enhanced status code at the beginning of a reply such as "550 5.1.1 No such user"; for one without, or of another
/// class than its code, X.0.0.
MAILQUAY_DECL std::string status_of_reply(std::string_view reply);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/dsn.ipp>
#endif
