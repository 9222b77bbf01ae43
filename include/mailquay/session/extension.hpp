#pragma once

#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/session/limits.hpp>
#include <mailquay/session/promises.hpp>
#include <mailquay/session/transaction.hpp>
#include <mailquay/session/transitions.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// One SMTP service extension (RFC 5321 §2.2): its EHLO line, its MAIL and RCPT parameters, its verbs.
///
/// The built-in ones and a host's own are entries of the same registry. One object serves all sessions of a listener.
///
/// Thread safety: called by all shards at once; implementations have no state that changes.
class MAILQUAY_API extension {
public:
    virtual ~extension();

    /// The EHLO keyword, upper case. Empty: nothing is announced.
    virtual std::string_view keyword() const noexcept = 0;
    /// Whether this client is offered it now; asked at each EHLO and for each of its parameters and verbs.
    virtual bool offered(session_info const&) const noexcept { return true; }
    /// What follows the keyword in the EHLO reply, without the space; empty for nothing.
    virtual std::string announcement(session_info const&, session_limits const&) const { return {}; }
    /// The same where it depends on the time (the wall clock's last tick).
    virtual std::string announcement_at(session_info const& client, session_limits const& limits,
                                        std::chrono::system_clock::time_point) const {
        return announcement(client, limits);
    }
    /// Whether it is offered to everybody and always in the same words: then its line is made once (`prepare_replies()`).
    virtual bool same_for_all() const noexcept { return false; }
    /// Whether the way onward keeps what it offers. A server drops it where it does not; if it is `opt_in()`, and so was asked
    /// for by name, that is a start-up error.
    virtual bool kept_by(promises const&) const noexcept { return true; }
    /// Not on unless a host asks for it.
    virtual bool opt_in() const noexcept { return false; }

    /// @{ Keywords of MAIL and RCPT parameters, upper case; asked once, when it is registered.
    virtual std::span<std::string_view const> mail_keywords() const noexcept { return {}; }
    virtual std::span<std::string_view const> recipient_keywords() const noexcept { return {}; }
    /// @}
    /// Reads a parameter. @return nothing if it is well, else the reply (501 5.5.4 for a bad value)
    virtual std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const& limits) const;
    virtual std::optional<reply> recipient_parameter(parameter const& given, transaction_editor mail, recipient& to) const;

    /// Verbs of its own, upper case; each arrives as `custom_command`. A server answers those of a `host_extension` only.
    virtual std::span<std::string_view const> verbs() const noexcept { return {}; }
    /// Whether the verb may come in this state; else 503 5.5.1. By default it may everywhere.
    virtual bool verb_allowed(std::string_view, session_state) const noexcept { return true; }
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/extension.ipp>
#endif
