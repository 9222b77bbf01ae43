#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/protocol/verb.hpp>
#include <mailquay/session/auth_step.hpp>
#include <mailquay/session/delivery.hpp>
#include <mailquay/session/transaction.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace mailquay::inline MAILQUAY_ABI {

/// Names one open question; given back with the answer.
enum class ticket : std::uint32_t {};

/// Why a message under way came to nothing.
enum class abort_reason : std::uint8_t {
    refused,          ///< a hook refused it, or it broke a limit or a rule; the reply says which
    peer_gone,        ///< the connection ended inside it
    timed_out,        ///< the peer fell silent or was too slow
    hook_timed_out,   ///< a hook did not answer in time
    stopped,          ///< the server stops
    reset,            ///< RSET or EHLO between chunks
    failed,           ///< the host could not go on (`session::fail()`)
};
MAILQUAY_DECL std::string_view to_string(abort_reason why) noexcept;

/// Why a session ended.
enum class close_reason : std::uint8_t {
    quit,             ///< QUIT was answered
    peer_gone,        ///< the peer closed or reset the connection
    timed_out,        ///< 421 4.4.2 was sent
    too_many_errors,  ///< 421 4.7.0 was sent
    refused,          ///< a verdict said so (`then_close`, a refused connection)
    lost_framing,     ///< message octets could have been read as commands
    stopped,          ///< the server stops
    not_smtp,         ///< the first octets were another protocol's
    output_stalled,   ///< the peer took none of our octets
    tls_failed,       ///< the handshake did not succeed
    unanswered,       ///< a sink could not say what became of the message, so no reply was sent (`delivery::unanswered()`)
    failed,           ///< the host could not go on (`session::fail()`)
};
MAILQUAY_DECL std::string_view to_string(close_reason why) noexcept;

/// @{ Events that ask: each is answered exactly once with its ticket, or withdrawn. Pointers and views stay valid until
/// then. `message_chunk` views the lent buffer; everything else is owned by the session.
struct connected { mailquay::ticket ticket; };                                        ///< verdict
struct early_talk { mailquay::ticket ticket; };                                       ///< verdict
struct greeted { mailquay::ticket ticket; std::string_view hello_name; };             ///< verdict
struct mail_offered { mailquay::ticket ticket; transaction const* mail; };            ///< verdict
struct recipient_offered { mailquay::ticket ticket; transaction const* mail; recipient const* to; };  ///< verdict
struct message_started { mailquay::ticket ticket; transaction const* mail; };         ///< verdict
struct headers_complete { mailquay::ticket ticket; transaction const* mail; std::string_view header; };  ///< verdict
struct message_chunk { mailquay::ticket ticket; transaction const* mail; std::span<char const> octets; };  ///< verdict
struct message_complete { mailquay::ticket ticket; transaction const* mail; std::uint64_t octets; std::uint64_t repaired; };  ///< delivery
/// AUTH with its mechanism in upper case, and the initial response, decoded, if there is one: `auth_step`. Until the one
/// `auth_finished` each `auth_continue` is followed by an `auth_response`, unless the client cancels or the session ends.
struct auth_started { mailquay::ticket ticket; std::string_view mechanism; std::optional<secret_view> initial; };
struct auth_response { mailquay::ticket ticket; secret_view octets; };                ///< `auth_step`; decoded; overwritten once answered
struct verify_requested { mailquay::ticket ticket; std::string_view argument; bool smtputf8 = false; };  ///< reply
struct expand_requested { mailquay::ticket ticket; std::string_view argument; bool smtputf8 = false; };  ///< reply
/// XCLIENT names another client: `client`, the session's own info once it is accepted. Counts as a connection of that
/// client; when it is refused the session goes on with the one it has.
struct peer_changed { mailquay::ticket ticket; session_info const* client; };         ///< verdict
struct custom_command { mailquay::ticket ticket; std::string_view verb; std::string_view argument; };  ///< reply
struct tls_requested { mailquay::ticket ticket; };                                    ///< verdict; not accepted: 454
/// @}

/// @{ Events that tell.
/// STARTTLS was accepted, or TLS comes first: once `output()` is empty the handshake begins, and ends in
/// `tls_established()` or `tls_failed()`. What lay behind STARTTLS in clear was dropped.
struct handshake_due { std::size_t plaintext_dropped; };
struct message_aborted { abort_reason why; };
struct transaction_reset {};
/// The session by itself refused a command, or a message (`of_message`): syntax, order, a limit. For the log. The views
/// and `mail` (null outside a transaction) are valid until the next call of a member that is not const. `name` is the verb's,
/// also where it is of an extension of the host's; `unknown` for others.
struct command_refused { std::string_view reply; transaction const* mail; mailquay::verb verb; bool of_message; std::string_view name; };
/// An AUTH exchange is over. `reply`, the first line of what the client was told, is empty where it was told nothing. The
/// views are valid until the next call of a member that is not const.
struct auth_finished { std::string_view mechanism; auth_outcome outcome; std::string_view reply; };
struct withdrawn { mailquay::ticket ticket; };
struct closed { close_reason why; };
/// @}

using event = std::variant<connected, early_talk, greeted, mail_offered, recipient_offered, message_started, headers_complete,
                           message_chunk, message_complete, auth_started, auth_response, verify_requested, expand_requested, peer_changed, custom_command,
                           tls_requested, handshake_due, message_aborted, transaction_reset, command_refused, auth_finished, withdrawn, closed>;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/event.ipp>
#endif
