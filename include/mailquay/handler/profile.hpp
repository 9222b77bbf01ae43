#pragma once

#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/message_filter.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/policy.hpp>
#include <mailquay/handler/recipient_validator.hpp>
#include <mailquay/session/session_config.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// TLS of a listener.
enum class tls_mode : std::uint8_t {
    none,      ///< STARTTLS is not offered
    starttls,  ///< offered, never demanded
    implicit,  ///< the handshake comes first (RFC 8314)
    required,  ///< STARTTLS, without which MAIL is answered 530 5.7.0
};

/// AUTH of a listener.
enum class auth_mode : std::uint8_t {
    off,       ///< not offered
    offered,   ///< offered, never demanded
    required,  ///< MAIL without it is answered 530 5.7.0
};

/// Whether a PROXY header comes before everything else.
enum class proxy_mode : std::uint8_t {
    off,       ///< a PROXY header is an unknown command
    accepted,  ///< a trusted proxy begins with exactly one; others are served as direct clients, never trusted by address
    required,  ///< as `accepted`, but none but trusted proxies are served
};

/// Who is subject to policies about connections and senders.
enum class policy_scope : std::uint8_t {
    everybody,
    unauthenticated,  ///< not authenticated users
    nobody,
};

/// Limits that differ from the server's. Absent: the server's.
struct limit_overrides {
    std::optional<std::uint64_t> message_octets{};
    std::optional<unsigned> recipients{};
    std::optional<unsigned> recipient_domains{};        ///< per transaction; 0: none
    std::optional<std::size_t> command_line_octets{};
    std::optional<std::size_t> text_line_octets{};
    std::optional<unsigned> hops{};
    std::optional<std::size_t> header_octets{};
    std::optional<unsigned> header_fields{};
    std::optional<unsigned> messages{};                 ///< per connection; 0: none
    std::optional<unsigned> connections_per_address{};  ///< 0: none
};

/// What one listener does differently from the server it belongs to: `server.listen(endpoint, profile)`. What is absent is
/// the server's.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
///
/// @code
/// auto inside = profile::mx();
/// inside.limits.message_octets = 100 * 1024 * 1024;
/// server.listen("192.0.2.1:25", inside);
/// @endcode
struct profile {
    std::string name{"mx"};                            ///< for the log
    std::optional<mailquay::dialect> dialect{};
    std::optional<std::string> hostname{};
    std::optional<std::string> banner{};
    /// Absent: `starttls` where the server has a certificate, else `none`.
    std::optional<tls_mode> tls{};
    /// Absent: offered where the server has an authenticator.
    std::optional<auth_mode> auth{};
    /// Offer AUTH to clients without TLS, too: who listens on the way then reads their passwords. For tests, and for
    /// listeners behind something that ends TLS.
    bool auth_without_tls = false;
    limit_overrides limits{};
    std::optional<line_ending_policy> line_endings{};
    std::optional<unknown_parameters> unknown{};
    std::optional<mailquay::received_client> received_client{};
    std::optional<proxy_mode> proxy{};
    std::optional<policy_scope> policies_for{};
    /// Add a missing Date and Message-ID, drop Bcc and Return-Path (RFC 6409 §8).
    bool fix_header = false;
    /// Announce these as far as the sink promises them: keywords, upper case.
    std::vector<std::string> extensions_on{};

    /// @{ Plug-ins of its own. Absent or null: the server's. A list replaces the server's, also an empty one.
    std::optional<std::vector<std::shared_ptr<recipient_validator>>> recipients{};
    std::optional<std::vector<std::shared_ptr<policy>>> policies{};
    std::optional<std::vector<std::shared_ptr<message_filter>>> filters{};
    std::shared_ptr<message_sink> sink{};
    std::shared_ptr<authenticator> authentication{};
    /// @}

    /// Mail from other hosts: no AUTH, TLS offered and never demanded.
    MAILQUAY_DECL static profile mx();
    /// Mail from users (RFC 6409): TLS and AUTH required, lines of at most 998 octets. For port 465 set `tls = tls_mode::implicit`.
    MAILQUAY_DECL static profile submission();
    /// Local delivery (RFC 2033): LMTP without TLS and AUTH, no policies, no limit per address. Not on TCP port 25.
    MAILQUAY_DECL static profile lmtp();
};

/// What a profile meets where it is used.
struct profile_surroundings {
    bool has_tls = false;                ///< the server has a `tls_provider`
    bool has_authenticator = false;      ///< the server has one; the profile's own counts too
    bool has_trusted_proxies = false;
    std::optional<std::uint16_t> port{}; ///< of a TCP listener; absent for UNIX sockets
};

/// @return what cannot be honoured there, one sentence each naming setting, value and cure; empty if all is well
MAILQUAY_DECL std::vector<std::string> problems(profile const& of, profile_surroundings const& at);

/// The server's limits with what the profile says otherwise.
MAILQUAY_DECL session_limits combined(session_limits servers, limit_overrides const& own) noexcept;

/// All settings, one per line as `name: value`, each line ended by LF; those that are absent as "the server's".
MAILQUAY_DECL std::string describe(profile const& shown);

/// @{ The enumerator's name. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(tls_mode mode) noexcept;
MAILQUAY_DECL std::string_view to_string(auth_mode mode) noexcept;
MAILQUAY_DECL std::string_view to_string(proxy_mode mode) noexcept;
MAILQUAY_DECL std::string_view to_string(policy_scope scope) noexcept;
/// @}

/// A ready profile by name: "mx", "submission", "lmtp"; nothing for any other.
MAILQUAY_DECL std::optional<profile> find_profile(std::string_view name);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/profile.ipp>
#endif
