#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What a Received field tells of the client.
enum class received_client : unsigned char {
    full,    ///< from <helo> (<ptr> [<address>])
    hidden,  ///< from [authenticated]; for authenticated senders only
    none,    ///< no from clause at all; RFC 5321 §4.4 asks for one, so not where mail enters from outside
};

/// The protocol a message came by, for the `with` clause: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, the same with LMTP in
/// place of ESMTP (RFC 3848), and UTF8SMTP, UTF8LMTP with these suffixes (RFC 6531 §4.3).
///
/// @param extended  greeted by EHLO (LHLO is always extended)
/// @param lmtp      the LMTP dialect
/// @param utf8      MAIL carried SMTPUTF8
/// @param tls       inside TLS: S
/// @param auth      authenticated by AUTH, or by LOGIN of XCLIENT: A
/// @return static text. With `tls`, `auth` or `utf8` a session counts as extended: no plain SMTP with them is
/// registered.
MAILQUAY_DECL std::string_view with_keyword(bool extended, bool lmtp, bool utf8, bool tls, bool auth) noexcept;

/// The parts of a Received field. All views are borrowed for the call only; what is empty is left out unless said
/// otherwise.
struct received_fields {
    received_client client = received_client::full;
    /// What EHLO, HELO or LHLO said, as it was sent; empty: "unknown".
    std::string_view helo{};
    /// The verified name of the client; empty: "unknown".
    std::string_view ptr{};
    /// The client's address as `ip_address` writes it, without brackets; empty (not "none") for a UNIX socket.
    std::string_view address{};
    /// Who logged in, to be told to all the world; only where the host asks for that.
    std::string_view user{};
    /// Our own name.
    std::string_view hostname{};
    /// From `with_keyword()`.
    std::string_view with = "SMTP";
    std::string_view id{};
    /// The recipient as sent, without "<>": only if the transaction has no other, or the field would tell of Bcc.
    std::string_view recipient{};
    /// RFC 8314 §4.3: the cipher suite by its registered name, and the group of the key exchange.
    std::string_view tls_cipher{};
    std::string_view tls_group{};
    /// Version of TLS, written as a comment behind them.
    std::string_view tls_protocol{};
    /// From `append_date()`, in local time.
    std::string_view date{};
};

/// Appends a trace field (RFC 5321 §4.4), final CRLF included:
///
/// @code
/// Received: from client.example (mail.client.example [192.0.2.1])
///     by mx.example.org with ESMTPS id 0K3V9XQ2M4TB for <alice@example.org>
///     tls TLS_AES_256_GCM_SHA384 group x25519; Mon, 23 Nov 2026 21:18:00 +0000
/// @endcode
///
/// Folded by CRLF and tab so that lines have at most 78 octets where their words allow, and never more than 998. Words
/// longer than 255 octets are cut there (64 for the short ones: address, keyword, id, TLS); a recipient of more than
/// 900 octets is left out, as is one with a control character: a changed address would be another address.
///
/// Nothing that the client, or who runs its DNS, chose can add a field, a clause or a comment: in `helo` and `ptr` all
/// but atext and "." (RFC 5322 §3.2.3) becomes "?"; an address literal keeps its brackets and colons; in `user` it is
/// what may not stand in a comment. The other parts are ours and written as they are.
///
/// Cost: two allocations and one append, about 1,200 instructions for a field without TLS; who writes many uses the two steps below.
MAILQUAY_DECL void append_received(std::string& out, received_fields const& parts);

/// @{ The same field in two steps, for those who write many that begin alike: `from`, `by`, `with` and TLS say the same of all messages
/// of a client, until it says EHLO anew, logs in or is another.

/// Owns its text.
struct received_begin {
    std::string text{};  ///< up to where the id belongs; behind that the words about TLS, without what goes between them
    std::uint16_t octets = 0;  ///< of the first part
    std::uint16_t line = 0;    ///< where in it the last line begins
    std::array<std::uint8_t, 3> tls_words{};  ///< octets of each; 0: there is no such word
};
/// Overwrites `to`, whose room is used. All parts count but `recipient` and `date`; of `id` it is only how many octets it has.
MAILQUAY_DECL void begin_received(received_begin& to, received_fields const& parts);
/// Octets that `write_received()` needs at most.
MAILQUAY_DECL std::size_t most_received_octets(received_begin const& begin, std::string_view id, std::string_view recipient,
                                               std::string_view date) noexcept;
/// Writes the whole field to `to`, where there is room for `most_received_octets()`; the other parts are as in `received_fields`.
/// Precondition: `id` has as many octets as when `begin` was made.
/// Cost: about 150 instructions.
/// @return its octets
MAILQUAY_DECL std::size_t write_received(char* to, received_begin const& begin, std::string_view id, std::string_view recipient,
                                         std::string_view date) noexcept;
/// @}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/received.ipp>
#endif
