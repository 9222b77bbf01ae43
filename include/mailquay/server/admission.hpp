#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/server/address_counts.hpp>
#include <mailquay/session/session_info.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace mailquay::inline MAILQUAY_ABI {

/// How many connections a server holds. 0: no limit.
struct connection_limits {
    /// In all. An idle connection costs about half a KiB; the limit guards the descriptors of the process.
    unsigned total = 10'000;
    /// From one IPv4 address or IPv6 /64 (one customer's network); Postfix takes 50. Loopback, UNIX sockets and trusted proxies
    /// have none.
    unsigned per_address = 50;
    /// TLS handshakes under way, in all: one that is not finished holds about 60 KiB. One more is told 454 4.7.0, or closed
    /// where TLS comes first. There it begins with the client's first octet.
    unsigned handshakes = 1000;
    /// The same from one address, counted like `per_address`: a sender with many connections has a few at once.
    unsigned handshakes_per_address = 25;
    /// Above this part of `total` in use, in percent, peers that are idle are waited for less long
    /// (`session_timeouts::command_hurried` and `hello_hurried`), and so are handshakes (`handshake_hurried`); these also above this
    /// part of `handshakes`. 100: never.
    unsigned hurry_above_percent = 80;
};

/// What became of a connection at the door.
enum class admitted : std::uint8_t { yes, too_many, too_many_from_address };

/// Counts connections, in all and per address, and the TLS handshakes among them. Touched at accept and at close, and where
/// a handshake begins and ends.
///
/// The tables hold no more entries than there are connections.
///
/// Thread safety: safe; all shards of a server share one.
class MAILQUAY_API admission {
public:
    explicit admission(connection_limits limits) noexcept : limits_(limits) {}

    /// Counts one more from `client` if the limits allow.
    /// @param per_address  the limit for its address; 0: none
    MAILQUAY_DECL admitted admit(ip_address const& client, unsigned per_address);
    admitted admit(ip_address const& client) { return admit(client, limits().per_address); }
    /// One that was counted for `from` is now counted for `to`, if the limit for that address allows; else it stays as it was.
    MAILQUAY_DECL admitted move(ip_address const& from, ip_address const& to, unsigned per_address);
    /// One of `client` is gone. Only for one that was admitted.
    MAILQUAY_DECL void release(ip_address const& client) noexcept;

    /// Counts a TLS handshake that begins, if the limits allow. @return whether they do
    MAILQUAY_DECL bool begin_handshake(ip_address const& client);
    /// One that was counted is over.
    MAILQUAY_DECL void end_handshake(ip_address const& client) noexcept;
    MAILQUAY_DECL std::size_t handshakes() const noexcept;

    /// Whether more than `hurry_above_percent` of the connections allowed in all are in use.
    MAILQUAY_DECL bool nearly_full() const noexcept;
    /// The same of the handshakes.
    MAILQUAY_DECL bool handshakes_nearly_full() const noexcept;

    MAILQUAY_DECL void limit(connection_limits limits) noexcept;
    MAILQUAY_DECL connection_limits limits() const noexcept;
    MAILQUAY_DECL std::size_t total() const noexcept;
    MAILQUAY_DECL std::size_t from(ip_address const& client) const noexcept;

    /// What is counted together with `client`; none if it is not counted: loopback, or no address.
    MAILQUAY_DECL static ip_address key(ip_address const& client) noexcept;

private:
    mutable std::mutex mutex_;
    connection_limits limits_;
    std::size_t total_ = 0;
    address_counts per_address_;
    std::size_t handshakes_ = 0;
    address_counts handshakes_per_address_;
};

/// The address for which a connection is counted: the effective client's; none where nothing is known of the client.
inline ip_address counted_address(session_info const& client) noexcept {
    bool const known = client.source() != address_source::local && client.source() != address_source::health_check;
    return known ? client.client().address : ip_address{};
}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/admission.ipp>
#endif
