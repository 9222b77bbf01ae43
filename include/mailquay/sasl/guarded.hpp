#pragma once

#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/make_authenticator.hpp>
#include <mailquay/handler/store.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// How many failures are too many, over all sessions.
struct guard_limits {
    /// Failures of one client, which is an IPv4 address or an IPv6 /64, within `window`.
    std::int64_t per_client = 20;
    /// Failures for one user from one network, which is an IPv4 /24 or an IPv6 /48, within `window`: one who mistypes stays
    /// below it.
    std::int64_t per_user_and_network = 10;
    /// Failures for one user from everywhere, within `window`: above it the answer waits for clients in networks from which
    /// this user did not succeed within `known_for`, right or wrong alike. Never a lock of the user where he is known.
    std::int64_t per_user = 50;
    /// How long such an answer waits: longer with each failure above `per_user`, this at twice as many. At most 60 s, for
    /// clients give up.
    std::chrono::milliseconds longest_delay{10'000};
    /// How many answers for one user wait at once, one for each network (an IPv4 /24, an IPv6 /48); others get 454 4.7.0. The same secret
    /// tried often from one address takes one place. A client that hangs up leaves its place taken until the answer would have been due.
    std::size_t delayed_at_once = 4;
    std::chrono::seconds window{600};
    /// How long a network counts as one the user comes from: from when the answer to his success is due.
    std::chrono::seconds known_for{30 * 24 * 3600};
    /// So many of them are kept here besides the store, whose entries can be pushed out by failures for invented users: those
    /// come from successes alone. Each takes some 250 octets.
    std::size_t known_networks = 100'000;
    /// The same wrong secret counts once in this time: a device with an old password is no attack.
    std::chrono::seconds same_secret{3600};
    /// Keys the digests of users and secrets in the store. Empty: random; give servers that share a store the same 32
    /// octets.
    std::string key{};
    /// For `known_networks` and what waits. Null: the machine's.
    std::shared_ptr<mailquay::clock> time{};
};

/// Counts failed AUTH over time, in front of any `authenticator`. Over a limit the client gets 454 4.7.0 before a
/// credential is looked at, or (`guard_limits::per_user`) waits for the answer: right and wrong cannot be told apart.
///
/// What counts is a failure by a credential; not a look-up that failed, a cancelled exchange, or a mechanism that is not
/// known. Clients from loopback and UNIX sockets are not counted: there a web mail would be locked out for all. Who the user
/// is, is read off the messages of PLAIN, LOGIN, CRAM-MD5, SCRAM, OAUTHBEARER and XOAUTH2; other mechanisms count per client.
/// What is being judged counts as a failure until it is known: guesses made at once pass no limit together. The same secret
/// tried at once is one. An exchange goes on to its verdict where the client hangs up, and takes no notice of cancellation.
/// Servers that share a store see each other's failures only, not what is under way.
/// A store that cannot be asked, or throws as one whose workers are busy does, lets pass: what it does not count counts when the same
/// secret is tried again. Delays and the end of a connection after 5 failures are the session's.
///
/// A store that is `uses_workers`, as `stores::sqlite` is, is lent the workers of the server. Give it a `guard_limits::key` of its own,
/// or what it holds means nothing after a restart.
///
/// In the store: digests and counters; neither names nor secrets.
///
/// Thread safety: safe.
///
/// @code
/// server.authentication(mailquay::sasl::guarded{mailquay::sasl::mechanisms{users}, std::make_shared<mailquay::memory_store>()});
/// @endcode
class MAILQUAY_API guarded final : public authenticator, public uses_workers {
public:
    /// @param inner    anything that `make_authenticator()` takes
    /// @param counters  not null; else throws `std::invalid_argument`
    template <class Inner>
    guarded(Inner&& inner, std::shared_ptr<store> counters, guard_limits limits = {})
        : guarded(make_authenticator(std::forward<Inner>(inner)), std::move(counters), std::move(limits), 0) {}
    MAILQUAY_DECL ~guarded() override;

    MAILQUAY_DECL void lend(std::shared_ptr<workers> pool) override;
    MAILQUAY_DECL mailquay::mechanisms offered(session_info const& client) const override;
    MAILQUAY_DECL mailquay::mechanisms too_weak(session_info const& client) const override;
    MAILQUAY_DECL std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const& client) override;

private:
    MAILQUAY_DECL guarded(std::shared_ptr<authenticator> inner, std::shared_ptr<store> counters, guard_limits limits, int);
    struct state;
    class exchange;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/guarded.ipp>
#endif
