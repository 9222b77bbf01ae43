#pragma once

#include <mailquay/session/delivery.hpp>
#include <mailquay/session/event.hpp>
#include <mailquay/session/session_info.hpp>
#include <mailquay/session/transaction.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What an observer may be told; a bit each.
enum class observation_kind : unsigned {
    opened = 1,              ///< a connection was admitted
    greeted = 2,             ///< EHLO, HELO or LHLO was answered
    mail_accepted = 4,
    mail_refused = 8,        ///< `reply` says how
    recipient_accepted = 16,
    recipient_refused = 32,  ///< `reply` says how
    message_accepted = 64,   ///< for at least one recipient; `delivered` has the verdicts
    message_refused = 128,   ///< at DATA or at its end; `reply` says how
    message_aborted = 256,   ///< `aborted` says why
    closed = 512,            ///< `ended` says why
    auth_succeeded = 1024,   ///< as whom, says `client`
    auth_failed = 2048,      ///< `authentication` says why
    secured = 4096,          ///< a TLS handshake succeeded: `client->tls()` has the facts
    all = 8191,
};
constexpr observation_kind operator|(observation_kind a, observation_kind b) noexcept {
    return observation_kind(unsigned(a) | unsigned(b));
}
constexpr bool has(observation_kind set, observation_kind one) noexcept { return (unsigned(set) & unsigned(one)) != 0; }
/// The name as spelled in the enum; empty for a set. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(observation_kind kind) noexcept;

/// One thing that happened. Members that do not belong to the kind are null or zero. Holds no secrets: nothing of AUTH but
/// the user's name in `client`, and nothing of a message but its size.
///
/// Lifetime: pointers are valid during the call.
struct observation {
    observation(observation_kind what, session_info const& whose) noexcept : kind(what), client(&whose) {}

    observation_kind kind;
    session_info const* client;
    transaction const* mail = nullptr;       ///< from `mail_accepted` on
    recipient const* to = nullptr;           ///< of the two of recipients
    verdict const* reply = nullptr;          ///< what was answered, where one answer was given
    delivery const* delivered = nullptr;     ///< of `message_accepted`
    std::uint64_t octets = 0;                ///< of the message, as far as it came
    abort_reason aborted{};
    close_reason ended{};
    std::string_view mechanism{};            ///< of the two of AUTH
    auth_outcome authentication{};
};

/// Is told what happened, after the fact; answers nothing. One call with a kind rather than a member for each kind: what
/// counts or logs treats most of them alike, and new kinds break nobody.
///
/// Must not block: it runs between the octets of a connection.
/// Thread safety: called by all shards at once.
struct MAILQUAY_API observer {
    virtual ~observer();
    /// The kinds to be told. Asked once, at start.
    virtual observation_kind wants() const noexcept { return observation_kind::all; }
    virtual void on_event(observation const& what) noexcept = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
