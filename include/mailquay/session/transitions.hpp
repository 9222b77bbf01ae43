#pragma once

#include <mailquay/protocol/verb.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Where a session stands between commands (RFC 5321 §3, §4.1.4).
enum class session_state : std::uint8_t {
    start,       ///< greeting sent; EHLO, HELO or LHLO is awaited
    ready,       ///< no transaction
    mail_given,  ///< MAIL accepted, no recipient yet
    recipients_given,
    chunks_given,   ///< BDAT without LAST was accepted: the message goes on
    chunks_failed,  ///< a chunk was refused, and with it the transaction; more may be on their way (RFC 3030 §2)
};

/// One row: in `from` the verb is legal. What is not listed is `503 5.5.1`.
struct transition {
    session_state from;
    mailquay::verb verb;
};

/// The whole order of commands. Verbs that are legal everywhere (EHLO HELO LHLO RSET NOOP QUIT HELP VRFY EXPN) stand in
/// `legal_anywhere()`; DATA and BDAT without a valid recipient have a reply of their own and are decided by the command.
inline constexpr transition transitions[] = {
    {session_state::start, verb::starttls},
    {session_state::ready, verb::mail},
    {session_state::ready, verb::auth},
    {session_state::ready, verb::starttls},
    {session_state::mail_given, verb::rcpt},
    {session_state::mail_given, verb::data},
    {session_state::recipients_given, verb::rcpt},
    {session_state::recipients_given, verb::data},
    {session_state::recipients_given, verb::bdat},
    {session_state::chunks_given, verb::bdat},
    {session_state::chunks_failed, verb::bdat},
    {session_state::chunks_failed, verb::mail},
    {session_state::start, verb::xclient},
    {session_state::ready, verb::xclient},
    {session_state::start, verb::xforward},
    {session_state::ready, verb::xforward},
};

constexpr bool legal_anywhere(verb v) noexcept {
    switch (v) {
        case verb::ehlo:
        case verb::helo:
        case verb::lhlo:
        case verb::rset:
        case verb::noop:
        case verb::quit:
        case verb::help:
        case verb::vrfy:
        case verb::expn: return true;
        default: return false;
    }
}

/// The table as it is asked: a bit for each verb that is legal in a state.
constexpr std::uint32_t legal_verbs(session_state from) noexcept {
    static_assert(verb_count <= 32);
    std::uint32_t verbs = 0;
    for (unsigned v = 0; v < verb_count; ++v)
        if (legal_anywhere(static_cast<verb>(v))) verbs |= 1u << v;
    for (transition const& row : transitions)
        if (row.from == from) verbs |= 1u << static_cast<unsigned>(row.verb);
    return verbs;
}

/// For each state.
inline constexpr std::array<std::uint32_t, 6> legal_verbs_of = {
    legal_verbs(session_state::start),            legal_verbs(session_state::ready),        legal_verbs(session_state::mail_given),
    legal_verbs(session_state::recipients_given), legal_verbs(session_state::chunks_given), legal_verbs(session_state::chunks_failed)};

constexpr bool legal(session_state from, verb v) noexcept {
    return (legal_verbs_of[static_cast<std::size_t>(from)] >> static_cast<unsigned>(v) & 1) != 0;
}

/// What a 503 names as expected.
constexpr std::string_view expected(session_state from, bool lmtp) noexcept {
    switch (from) {
        case session_state::start: return lmtp ? "LHLO" : "EHLO";
        case session_state::ready: return "MAIL";
        case session_state::mail_given: return "RCPT or RSET";
        case session_state::recipients_given: return "RCPT, DATA or RSET";
        case session_state::chunks_given: return "BDAT or RSET";
        case session_state::chunks_failed: return "MAIL or RSET";
    }
    return {};
}

/// True for the verbs that end a pipelined group (RFC 2920 §3.1): the client must wait for their reply.
constexpr bool ends_group(verb v) noexcept {
    switch (v) {
        case verb::ehlo:
        case verb::helo:
        case verb::lhlo:
        case verb::data:
        case verb::vrfy:
        case verb::expn:
        case verb::noop:
        case verb::quit:
        case verb::starttls:
        case verb::auth:
        case verb::xclient: return true;
        default: return false;
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
