#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/message/received.hpp>
#include <mailquay/session/extension_registry.hpp>
#include <mailquay/session/limits.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

struct prepared_replies;

/// What is spoken: SMTP (RFC 5321) or LMTP (RFC 2033).
enum class dialect : std::uint8_t { smtp, lmtp };

/// What becomes of a bare CR or LF inside a message.
enum class line_ending_policy : std::uint8_t {
    refuse,     ///< the message is read to its end and answered 550 5.6.11
    normalise,  ///< each becomes CRLF, after the end of data was found
    keep,       ///< passed as it is; for final delivery only: a start-up error where the sink relays (`promises::relays`)
};

/// What becomes of a MAIL or RCPT parameter that no extension knows. One of an opt-in extension that is not offered is refused.
enum class unknown_parameters : std::uint8_t {
    refuse,     ///< 555 5.5.4
    ignore,
    hand_over,  ///< kept as they came: `transaction::parameter()`, `recipient::parameter()`
};

/// Departures from the grammar, each off (or on) by name. On are those that RFC 5321 asks for, or without which much honest
/// mail is lost.
struct leniency {
    bool space_after_colon = false;     ///< `MAIL FROM: <a@b>`
    bool missing_brackets = false;      ///< `MAIL FROM:a@b`
    bool bare_lf_in_commands = false;   ///< a command line may end in LF alone
    bool trailing_space = true;         ///< white space before the CRLF of a command (RFC 5321 §4.1.1); off: 501 5.5.4
    bool underscore_in_hello_name = true;  ///< `EHLO my_host`, as machines of many a network are named; off: 501 5.5.4
};

/// Everything one listener's sessions share. Frozen before the first session; must outlive them.
///
/// Thread safety: shared by all sessions of a listener; read only.
struct session_config {
    std::string hostname{};                 ///< who we are in the greeting, EHLO and Received; required
    std::string banner{"ESMTP"};            ///< the rest of the greeting line
    mailquay::dialect dialect = dialect::smtp;
    session_limits limits{};
    session_timeouts timeouts{};
    error_budgets budgets{};
    mailquay::leniency leniency{};
    line_ending_policy line_endings = line_ending_policy::refuse;
    unknown_parameters unknown = unknown_parameters::refuse;
    extension_registry extensions{};        ///< what EHLO offers; `extension_registry::standard()`
    logger log{};                           ///< told what an extension of the host's threw; by default nobody
    mailquay::received_client received_client = mailquay::received_client::full;
    bool add_received = true;               ///< put a Received field on top of each message
    bool refuse_nul = false;                ///< refuse a message with NUL octets (554 5.6.0)
    bool strict_eight_bit = false;          ///< refuse 8-bit octets of a message without BODY=8BITMIME (554 5.6.0)
    bool refuse_talking_ahead = false;      ///< octets behind DATA before 354: 554 5.5.0 and close
    bool hold_headers = false;              ///< give `headers_complete` before the first octet flows
    bool require_authentication = false;    ///< 530 5.7.0 to MAIL, VRFY and EXPN before AUTH
    bool trusted_xclient_login = false;     ///< LOGIN of XCLIENT authenticates; else it is only noted
    bool require_tls = false;               ///< 530 5.7.0 to all but NOOP, EHLO, STARTTLS and QUIT before TLS (RFC 3207 §4)
    bool tls_first = false;                 ///< the handshake comes before the greeting (RFC 8314 §3)
    bool id_in_refusals = false;            ///< refusals from MAIL on end in " [ID]"
    bool answer_verify = false;             ///< VRFY asks the host (`verify_requested`) instead of 252
    bool answer_expand = false;             ///< EXPN asks the host (`expand_requested`) instead of 502
    std::shared_ptr<prepared_replies const> prepared{};  ///< by `prepare_replies()`, once all else is set; null: made for each client
};

/// @return what is wrong with `config`, one sentence per setting naming it, its value and the cure; empty if all is well
MAILQUAY_DECL std::vector<std::string> problems(session_config const& config);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/session_config.ipp>
#endif
