#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/reply_text.hpp>

/// The replies of a receiver by name (RFC 5321 §4.2, RFC 3463). Codes by cause: `docs/replies.md` and its test.
///
/// Short on purpose: fifty recipients mean fifty of them.
namespace mailquay::inline MAILQUAY_ABI::replies {

// 2yz and 3yz: done, or go on.
inline constexpr reply_text help{214, "2.0.0", "See RFC 5321"};
inline constexpr reply_text ready_to_start_tls{220, "2.0.0", "Ready to start TLS"};
inline constexpr reply_text bye{221, "2.0.0", "Bye"};
inline constexpr reply_text auth_ok{235, "2.7.0", "Authentication successful"};
inline constexpr reply_text ok{250, "2.0.0", "OK"};
inline constexpr reply_text reset_ok{250, "2.0.0", "OK"};
inline constexpr reply_text accepted{250, "2.0.0", "OK"};
inline constexpr reply_text chunk_ok{250, "2.0.0", "OK"};
inline constexpr reply_text sender_ok{250, "2.1.0", "OK"};
inline constexpr reply_text recipient_ok{250, "2.1.5", "OK"};
/// VRFY says the same of everybody.
inline constexpr reply_text cannot_verify{252, "2.0.0", "Cannot verify; mail will be tried"};
inline constexpr reply_text auth_continue{334, "", ""};
inline constexpr reply_text per_recipient_follows{353, "", "Replies for each recipient follow"};
inline constexpr reply_text start_mail_input{354, "", "End data with <CR><LF>.<CR><LF>"};

// 421: not now, and the connection ends.
inline constexpr reply_text service_stopping{421, "4.3.2", "Service stopping"};
inline constexpr reply_text overloaded{421, "4.3.2", "Too busy, try again later"};
inline constexpr reply_text too_many_connections{421, "4.7.0", "Too many connections from your address"};
inline constexpr reply_text idle_timeout{421, "4.4.2", "Idle for too long"};
inline constexpr reply_text too_slow{421, "4.4.2", "Data arrives too slowly"};
inline constexpr reply_text too_many_errors{421, "4.7.0", "Too many errors"};
inline constexpr reply_text too_many_messages{421, "4.7.0", "Too many messages on this connection"};
inline constexpr reply_text rate_limited_connect{421, "4.7.0", "Too many connections, try again later"};

// 4yz: the same may succeed later.
inline constexpr reply_text password_expired{432, "4.7.12", "Password expired, change it first"};
inline constexpr reply_text recipient_unverified{450, "4.1.1", "Recipient cannot be verified now"};
inline constexpr reply_text no_recipient_now{450, "4.0.0", "Not accepted for any recipient now"};
inline constexpr reply_text sender_domain_unresolved{450, "4.1.8", "Sender domain not found"};
inline constexpr reply_text local_error{451, "4.3.0", "Local error"};
inline constexpr reply_text queue_full{451, "4.3.2", "Too busy, try again later"};
inline constexpr reply_text lookup_failed{451, "4.4.3", "Lookup failed"};
inline constexpr reply_text hook_timeout{451, "4.3.0", "Took too long here, try again later"};
inline constexpr reply_text greylisted{451, "4.7.1", "Greylisted, try again later"};
inline constexpr reply_text rate_limited{451, "4.7.1", "Rate limit reached, try again later"};
inline constexpr reply_text deferred{451, "4.7.1", "Try again later"};
inline constexpr reply_text mailbox_full{452, "4.2.2", "Mailbox full"};
inline constexpr reply_text no_storage{452, "4.3.1", "Insufficient storage"};
inline constexpr reply_text too_many_recipients{452, "4.5.3", "Too many recipients"};
inline constexpr reply_text too_many_domains{452, "4.5.3", "Too many recipient domains"};
inline constexpr reply_text one_destination{452, "4.5.3", "One destination per message here"};
inline constexpr reply_text tls_unavailable{454, "4.7.0", "TLS not available now"};
inline constexpr reply_text auth_unavailable{454, "4.7.0", "Authentication not available now"};

// 50y: the command was wrong.
inline constexpr reply_text unknown_command{500, "5.5.1", "Command not recognized"};
inline constexpr reply_text not_smtp{500, "5.5.1", "This is an SMTP server"};
inline constexpr reply_text empty_line{500, "5.5.2", "Empty command line"};
inline constexpr reply_text line_too_long{500, "5.5.2", "Command line too long"};
inline constexpr reply_text auth_line_too_long{500, "5.5.6", "Authentication exchange line too long"};
inline constexpr reply_text bad_verb{500, "5.5.2", "Bad character in command name"};
inline constexpr reply_text bad_characters{501, "5.5.2", "Bare CR, LF or NUL in command"};
inline constexpr reply_text bad_argument{501, "5.5.4", "Bad argument"};
inline constexpr reply_text argument_missing{501, "5.5.4", "Argument missing"};
inline constexpr reply_text argument_not_allowed{501, "5.5.4", "No argument allowed"};
inline constexpr reply_text bad_reverse_path{501, "5.1.7", "Bad sender address"};
inline constexpr reply_text bad_forward_path{501, "5.1.3", "Bad recipient address"};
inline constexpr reply_text auth_cancelled{501, "5.0.0", "Authentication cancelled"};
inline constexpr reply_text bad_auth_response{501, "5.5.2", "Cannot decode response"};
inline constexpr reply_text no_initial_response{501, "5.7.0", "No initial response with this mechanism"};
inline constexpr reply_text expn_disabled{502, "5.5.1", "EXPN not available"};
inline constexpr reply_text vrfy_disabled{502, "5.5.1", "VRFY not available"};
inline constexpr reply_text not_implemented{502, "5.5.1", "Command not implemented"};
inline constexpr reply_text bad_sequence{503, "5.5.1", "Bad sequence of commands"};
inline constexpr reply_text no_valid_recipients{503, "5.5.1", "No valid recipients"};
inline constexpr reply_text unknown_mechanism{504, "5.5.4", "Unknown authentication mechanism"};

// 52z-55z: no.
inline constexpr reply_text host_takes_no_mail{521, "5.3.2", "Host does not accept mail"};
inline constexpr reply_text auth_required{530, "5.7.0", "Authentication required"};
inline constexpr reply_text tls_required{530, "5.7.0", "Issue STARTTLS first"};
inline constexpr reply_text mechanism_too_weak{534, "5.7.9", "Authentication mechanism too weak"};
inline constexpr reply_text bad_credentials{535, "5.7.8", "Authentication failed"};
inline constexpr reply_text tls_required_for_auth{538, "5.7.11", "Encryption required for this mechanism"};
inline constexpr reply_text no_recipient{550, "5.0.0", "Not accepted for any recipient"};
inline constexpr reply_text no_such_user{550, "5.1.1", "No such user here"};
inline constexpr reply_text mailbox_owner_changed{550, "5.7.17", "Mailbox has changed owner since then"};
inline constexpr reply_text domain_owner_changed{550, "5.7.18", "Domain has changed owner since then"};
inline constexpr reply_text mailbox_disabled{550, "5.2.1", "Mailbox disabled"};
inline constexpr reply_text bare_line_ending{550, "5.6.11", "Bare CR or LF in message"};
inline constexpr reply_text peer_not_trusted{550, "5.7.0", "Not for your address"};
inline constexpr reply_text no_mail_from_proxy{550, "5.7.1", "No mail from the proxy itself"};
inline constexpr reply_text relay_denied{550, "5.7.1", "Relaying denied"};
inline constexpr reply_text rejected{550, "5.7.1", "Rejected by policy"};
inline constexpr reply_text null_mx_sender{550, "5.7.27", "Sender domain takes no mail"};
inline constexpr reply_text mailbox_full_for_good{552, "5.2.2", "Mailbox full"};
inline constexpr reply_text message_too_big{552, "5.3.4", "Message too big"};
inline constexpr reply_text header_too_big{552, "5.3.4", "Header section too big"};
inline constexpr reply_text utf8_address_needs_smtputf8{553, "5.6.7", "UTF-8 address needs SMTPUTF8"};
inline constexpr reply_text sender_not_owned{553, "5.7.1", "Sender address not yours"};
inline constexpr reply_text connection_refused{554, "5.7.1", "Connection refused"};
inline constexpr reply_text transaction_failed{554, "5.6.0", "Message refused"};
inline constexpr reply_text line_too_long_in_message{554, "5.6.0", "Line over 998 octets in message"};
inline constexpr reply_text nul_in_message{554, "5.6.0", "NUL in message"};
inline constexpr reply_text eight_bit_in_message{554, "5.6.0", "8-bit octets without BODY=8BITMIME"};
inline constexpr reply_text hold_too_long{554, "5.5.4", "Held longer than allowed here"};
inline constexpr reply_text deliver_by_too_short{554, "5.5.4", "Delivery time below the minimum"};
inline constexpr reply_text hop_limit{554, "5.4.6", "Too many hops, mail loop"};
inline constexpr reply_text talked_ahead{554, "5.5.0", "Data sent before the reply to DATA"};
inline constexpr reply_text early_talker{554, "5.5.0", "Data sent before the greeting"};
inline constexpr reply_text unknown_parameter{555, "5.5.4", "Unknown parameter"};

}  // namespace mailquay::inline MAILQUAY_ABI::replies
