#pragma once

#include <mailquay/client/hop_settings.hpp>
#include <mailquay/client/outgoing_message.hpp>
#include <mailquay/client/send_report.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// @{ What a `client_engine` tells its host, or wants of it.
/// STARTTLS was accepted: shake hands, then `tls_established()` or `tls_failed()`. What was read before belongs to the handshake.
struct client_wants_tls {};
/// The connection can take a message: `send()`.
struct client_ready {};
/// Give octets from `offset` on by `content()`, or `content_failed()`.
struct client_wants_content {
    std::uint64_t offset = 0;
};
/// Outcomes became known, of these recipients (their places in the message). What is put into the output from now on comes later.
struct client_settled {
    std::vector<std::size_t> recipients{};
};
/// The message is done with: each recipient is settled, or `send_report::problem` says why not. `client_ready` follows if the
/// connection is good for another.
struct client_sent {};
/// Nothing more comes: write what is owed and close. Last, and once.
struct client_ended {};
/// @}
using client_event = std::variant<client_wants_tls, client_ready, client_wants_content, client_settled, client_sent, client_ended>;

/// What an engine must know of its connection.
struct client_engine_config {
    std::string hello_name{};    ///< for EHLO
    std::string host{};          ///< the server's name, for SASL
    std::uint16_t port = 0;
    bool tls_available = false;  ///< the host can answer `client_wants_tls`
};

/// The client's side of one SMTP or LMTP conversation, without I/O: octets and orders in, events and octets out.
///
/// One message at a time; as many transactions as it takes: recipients beyond the server's limits, or refused with 452 or 552
/// after others were accepted, go in further ones (RFC 5321 §4.5.3.1.10); so do those of a second domain that a server refuses with
/// 4yz after recipients of the first. Commands travel in groups where the server offers PIPELINING.
///
/// The loop of a connection:
/// @code
/// for (;;) {
///     while (auto event = engine.next_event()) handle(*event);   // before the output is written
///     write(engine.output());  engine.output_sent(n);
///     engine.feed(octets_read);
/// }
/// @endcode
///
/// Lifetime: `hop_settings` and the message stay with the caller, at the same place, as long as the engine may use them.
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the connection's executor.
class MAILQUAY_API client_engine {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Begins with waiting for the greeting, after a PROXY header if there is one to send.
    MAILQUAY_DECL client_engine(hop_settings const& settings, client_engine_config config, time_point now);
    MAILQUAY_DECL ~client_engine();
    client_engine(client_engine const&) = delete;
    client_engine& operator=(client_engine const&) = delete;

    /// Octets from the server, decrypted.
    MAILQUAY_DECL void feed(std::string_view octets);
    /// The server ended the connection, or it broke: `why`.
    MAILQUAY_DECL void input_closed(std::error_code why = {});
    /// What happened, oldest first.
    MAILQUAY_DECL std::optional<client_event> next_event();

    /// Octets owed to the server. Lifetime: until the next call.
    MAILQUAY_DECL std::string_view output() const noexcept;
    MAILQUAY_DECL void output_sent(std::size_t octets);

    /// The time; runs what is due. A wait that anything above ended begins anew at the time told next.
    MAILQUAY_DECL void time_is(time_point now);
    MAILQUAY_DECL std::optional<time_point> wake_at() const noexcept;

    /// Sends a message. Precondition: `client_ready` was told, and no message is under way.
    /// @param which  only these recipients, by their places; empty: all
    MAILQUAY_DECL void send(outgoing_message const& message, std::vector<std::size_t> which = {});
    /// Answers `client_wants_content`. An empty span before the content's end counts as `content_failed()`.
    MAILQUAY_DECL void content(std::span<char const> octets);
    MAILQUAY_DECL void content_failed(std::error_code why);
    /// @{ Answers `client_wants_tls`; also for implicit TLS, before anything was fed.
    MAILQUAY_DECL void tls_established(tls_info facts, tls_server_facts server);
    MAILQUAY_DECL void tls_failed(std::string why, bool for_the_certificate);
    /// @}
    /// Asks whether the connection is alive (NOOP); `client_ready` or `client_ended` follows. Precondition as `send()`.
    MAILQUAY_DECL void probe();
    /// Ends with QUIT; `client_ended` follows. At once where a message is under way.
    MAILQUAY_DECL void quit();
    /// Ends at once: what is unsettled has this problem.
    MAILQUAY_DECL void abort(hop_problem why);

    /// Whether it depends on the content what the server can be sent: then `outgoing_message::facts` should be known to `send()`.
    /// Without them the message is taken to be what its envelope says.
    MAILQUAY_DECL bool wants_facts(outgoing_message const& message) const noexcept;
    /// Whether its priority has no other way than a field `MT-Priority` (RFC 6758), which whoever sends puts in.
    MAILQUAY_DECL bool wants_priority_field(outgoing_message const& message) const noexcept;

    /// Whether the end of the message's content may have left, or nothing more is to be sent of it: what becomes of it is not in our
    /// hands any more.
    MAILQUAY_DECL bool handed_over() const noexcept;

    /// From now on each transaction is for one domain: the server is known to take no more.
    MAILQUAY_DECL void keep_to_one_domain() noexcept;
    /// Whether each transaction is for one domain; also since the server showed it, by taking in a further transaction whom it had
    /// refused beside another domain.
    MAILQUAY_DECL bool keeps_to_one_domain() const noexcept;

    /// What came of the message so far; of the connection, before the first one.
    MAILQUAY_DECL send_report const& report() const noexcept;
    /// Messages that may still be sent by MAILMAX; many where there is no limit.
    MAILQUAY_DECL std::uint64_t messages_left() const noexcept;
    /// Whether the server answered MAIL of the current message, be it with no.
    MAILQUAY_DECL bool mail_answered() const noexcept;
    MAILQUAY_DECL bool ended() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/client_engine.ipp>
#endif
