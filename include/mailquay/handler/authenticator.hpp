#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/session/auth_step.hpp>
#include <mailquay/session/session_info.hpp>

#include <memory>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Whether `response` stands for "none": AUTH came without an initial response. One that is there may be empty ("=").
inline bool is_absent(secret_view response) noexcept { return response.reveal().data() == nullptr; }

/// One AUTH exchange under way. Destroyed when it has ended, however that came.
///
/// Thread safety: calls do not overlap; they come on the connection's executor.
struct MAILQUAY_API auth_exchange {
    virtual ~auth_exchange();
    /// Called with each decoded response of the client. The first call has the initial response, or what `is_absent()` says
    /// of where AUTH had none: then a mechanism in which the client speaks first answers `continue_with("")`, one in which
    /// the server does its challenge. (Given an initial response it must not have, that one answers
    /// `fail(auth_problem::initial_response)`.)
    ///
    /// An exception is logged and answered 454 4.7.0. `workers_busy` likewise.
    ///
    /// Lifetime: `response` is valid until the answer, and overwritten then.
    virtual eventual<auth_step> next(secret_view response) = 0;
};

/// Who may send.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API authenticator {
    virtual ~authenticator();
    /// The mechanisms for this client; asked at each EHLO, and at each AUTH: what is not among them is not begun. Asked once
    /// more as if the client had TLS, to tell whether that is all it lacks. Empty: AUTH is not announced. Must be quick.
    virtual mechanisms offered(session_info const& client) const = 0;
    /// Mechanisms that are known here, but not offered to this client because they are too weak: asked for by name they are
    /// answered 534 5.7.9, what is neither here nor offered 504 5.5.4. By default none.
    virtual mechanisms too_weak(session_info const& client) const;
    /// Begins an exchange of a mechanism that is offered, its name in upper case; null if there is none after all.
    ///
    /// Lifetime: `client` outlives the exchange.
    virtual std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
