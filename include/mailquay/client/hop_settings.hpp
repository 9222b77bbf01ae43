#pragma once

#include <mailquay/handler/client_credentials.hpp>
#include <mailquay/handler/tls_connector.hpp>
#include <mailquay/protocol/proxy_header.hpp>
#include <mailquay/protocol/reply_parser.hpp>
#include <mailquay/protocol/xclient.hpp>
#include <mailquay/session/session_config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Whether a connection to a hop is encrypted.
enum class tls_use : std::uint8_t {
    off,
    opportunistic,  ///< STARTTLS where it is offered; in clear where it is not, or where the handshake fails
    required,       ///< STARTTLS, or no mail
    implicit,       ///< TLS from the first octet (RFC 8314 §3)
};

/// What is done with 8-bit content where the hop lacks 8BITMIME. It is never changed: that would break signatures.
enum class eight_bit_use : std::uint8_t {
    fail,         ///< 5.6.3
    send_anyway,
};

/// When a message travels by BDAT (RFC 3030) in place of DATA.
enum class chunking_use : std::uint8_t {
    where_needed,   ///< for BODY=BINARYMIME only
    where_offered,
    off,
};

/// How long a client waits for a server, after RFC 5321 §4.5.3.2. A wait begins when what it waits for was asked, or the reply
/// before it was complete; octets of an unfinished reply do not prolong it.
struct client_timeouts {
    std::chrono::milliseconds connect = std::chrono::seconds{30};       ///< for each address; the first failure costs no more
    std::chrono::milliseconds tls = std::chrono::seconds{60};           ///< for a handshake
    std::chrono::milliseconds greeting = std::chrono::minutes{5};       ///< §4.5.3.2.1
    std::chrono::milliseconds mail = std::chrono::minutes{5};           ///< §4.5.3.2.2; EHLO, AUTH and all others too
    std::chrono::milliseconds recipient = std::chrono::minutes{5};      ///< §4.5.3.2.3
    std::chrono::milliseconds data = std::chrono::minutes{2};           ///< §4.5.3.2.4: until 354
    std::chrono::milliseconds content = std::chrono::minutes{3};        ///< §4.5.3.2.5: without progress
    std::chrono::milliseconds final_reply = std::chrono::minutes{10};   ///< §4.5.3.2.6
    std::chrono::milliseconds quit = std::chrono::seconds{5};           ///< nothing depends on the reply to QUIT
    /// For waiting until one may have a connection, for opening it, and for each message on it, whatever the server says meanwhile;
    /// content adds to it by its size (`client_limits::least_rate`).
    std::chrono::milliseconds attempt = std::chrono::hours{1};
};

/// What a client keeps of a server's and sends without an answer at most.
struct client_limits {
    reply_limits reply{};
    /// Commands sent without their replies having come, in octets: below what any system buffers, so that neither side waits
    /// for the other to read (RFC 2920 §3.1).
    std::size_t window_octets = 8 * 1024;
    /// Recipients of one transaction; RFC 5321 §4.5.3.1.8 lets each server take 100. LIMITS RCPTMAX lowers it.
    std::size_t recipients = 100;
    /// Challenges of one AUTH exchange.
    unsigned challenges = 10;
    /// Transactions that one `send()` may take on one connection.
    unsigned transactions = 1000;
    /// Octets per second: content adds to `client_timeouts::attempt` what it takes at this rate.
    std::size_t least_rate = 4096;
};

/// How a client talks to a host.
struct hop_settings {
    dialect protocol = dialect::smtp;
    /// Given with EHLO; empty: `client_config::hello_name`.
    std::string hello_name{};

    tls_use tls = tls_use::opportunistic;
    /// But for `none` it makes TLS a must: a host that could skip the check by not offering STARTTLS would.
    tls_verification verify = tls_verification::none;
    std::string tls_name{};                  ///< that the certificate must bear; empty: the hop's host name
    std::vector<std::string> tls_names{};    ///< further ones that will do
    std::vector<tlsa_record> tlsa{};         ///< of `tls_verification::dane`
    /// The host's name comes from DNSSEC, MTA-STS or configuration: one of the conditions of REQUIRETLS (RFC 8689 §4.2.1).
    bool name_is_secure = false;

    /// Log in with these; a host that does not let us gets no mail.
    std::shared_ptr<client_credentials> credentials{};
    /// Also outside TLS. For loopback and tests.
    bool credentials_in_clear = false;

    bool pipelining = true;
    chunking_use chunking = chunking_use::where_needed;
    eight_bit_use eight_bit = eight_bit_use::fail;
    /// Where MT-PRIORITY is asked for and not offered, it goes as a field `MT-Priority` in place of any that was there (RFC 6758
    /// §3.3).
    bool priority_field = true;
    bool prdr = true;                        ///< ask for a reply for each recipient where it is offered
    /// A host whose greeting or EHLO reply bears our own name gets no mail: 4.4.6. For delivery by MX.
    bool refuse_own_name = false;

    bool xforward = false;                   ///< pass on `outgoing_message::forwarded` where the host offers it
    std::optional<xclient_values> xclient{}; ///< speak for this client (Postfix XCLIENT); a host that refuses gets no mail
    std::optional<proxy_header> proxy{};     ///< goes before the first octet: version 1 or 2

    client_timeouts timeouts{};
    client_limits limits{};
};

/// What is wrong with these settings: setting, value and cure; empty if nothing is. Time-outs are from 1 ms to a day. Who is given
/// settings for long asks at once; a `client` asks before each message and sends none that fails.
MAILQUAY_DECL std::string fault_of(hop_settings const& with);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/hop_settings.ipp>
#endif
