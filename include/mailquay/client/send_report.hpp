#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/handler/tls_connector.hpp>
#include <mailquay/protocol/ehlo_reply.hpp>
#include <mailquay/protocol/reply_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// How far a connection or a recipient came.
enum class send_stage : std::uint8_t {
    connect,         ///< names, addresses, the socket
    tls,             ///< a handshake
    greeting,        ///< the server's first reply
    hello,           ///< EHLO, LHLO, HELO
    starttls,
    authentication,
    mail,
    recipient,
    data,            ///< DATA or the first BDAT
    content,         ///< while the message was sent
    final_reply,     ///< all was sent
};
/// The enumerator's name. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(send_stage stage) noexcept;

/// What became of a message for one recipient.
enum class recipient_state : std::uint8_t {
    untried,    ///< the host gave no answer for this one: see `send_report::problem`
    accepted,   ///< RCPT was answered with yes; there was no content to send
    delivered,  ///< the next hop has taken it
    temporary,  ///< to be tried again
    permanent,  ///< never to be tried again
    unknown,    ///< all was sent, but no reply came: perhaps delivered; to be tried again after the full interval
};
/// The enumerator's name. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(recipient_state state) noexcept;

/// The outcome for one recipient.
struct recipient_result {
    recipient_state state = recipient_state::untried;
    send_stage stage = send_stage::connect;   ///< where it was decided
    received_reply reply{};   ///< the server's; code 0 if the outcome is our own finding
    std::string status{};     ///< RFC 3463, always there once settled: the server's, else made to fit
    std::string problem{};    ///< our own finding, such as "the next hop lacks SMTPUTF8"; empty if a reply decided
    /// NOTIFY, ORCPT, RET and ENVID went with it: the next hop sends the notices of success from here on. False: whoever
    /// asked for NOTIFY=SUCCESS is owed a "relayed" (RFC 3461 §5.2.2).
    bool dsn_passed_on = false;
    bool deliver_by_passed_on = false;  ///< BY went with it
};

/// What is wrong with a next hop, as distinct from a message.
enum class hop_problem : std::uint8_t {
    none,
    not_resolved,           ///< its name has no address
    unreachable,            ///< no connection could be made
    no_connection_free,     ///< as many as `pool_limits` allows are open, and too many messages wait, or too long; the hop is fine
    timed_out,
    connection_lost,
    garbled_reply,          ///< what it says is no SMTP, or has no end
    refused,                ///< a negative reply to the connection, EHLO or STARTTLS, or 421 at any time
    no_tls,                 ///< TLS is demanded, and not offered or refused
    tls_failed,             ///< a handshake failed
    not_verified,           ///< its certificate is not what was demanded
    no_mechanism,           ///< AUTH is demanded, and no mechanism fits
    authentication_failed,
    loops_back,             ///< it bears our own name
    content_unreadable,     ///< the message's octets could not be read here; nothing is wrong with the hop
    cancelled,
};
/// What is wrong, in a few words. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(hop_problem what) noexcept;

/// What the caller does about other hosts for recipients that are not settled.
enum class hop_advice : std::uint8_t {
    done,         ///< the host did its part: what is temporary waits
    try_another,  ///< the host is the problem: another of the same destination may do, in this attempt
    wait,         ///< the outcome is unknown for some: no other host in this attempt
};

/// What came of one attempt to send a message to a host.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class send_report {
public:
    std::vector<recipient_result> recipients{};   ///< one for each of the message's, in their order
    hop_problem problem = hop_problem::none;
    send_stage stage = send_stage::connect;       ///< of `problem`
    received_reply reply{};                       ///< what the server said about `problem`; code 0 if nothing
    std::string text{};                           ///< `problem` in words, with the system's or OpenSSL's reason
    hop_advice advice = hop_advice::done;

    std::string host{};                    ///< the hop's name
    ip_endpoint address{};                 ///< connected to; none for a UNIX socket or without a connection
    ehlo_reply offers{};                   ///< what it announced last
    std::optional<tls_info> tls{};         ///< absent in clear
    tls_server_facts server{};             ///< of `tls`
    bool tls_given_up = false;             ///< a handshake failed, and the message went in clear
    bool reused = false;                   ///< over a connection that had carried messages before

    /// Whether the next hop took the message for every recipient.
    MAILQUAY_DECL bool delivered() const noexcept;
    /// One line for people: the first thing that went wrong, or the last reply.
    MAILQUAY_DECL std::string summary() const;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/send_report.ipp>
#endif
