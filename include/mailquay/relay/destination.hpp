#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// How a destination is reached.
enum class delivery_way : std::uint8_t {
    smarthost,  ///< SMTP to one host, which takes mail for everybody
    lmtp,       ///< final delivery by a host or UNIX socket (RFC 2033)
    mx,         ///< SMTP to the hosts that the DNS names for a domain (RFC 5321 §5.1)
};

/// Where mail goes next: what shares connections, concurrency and back-off.
struct destination {
    delivery_way way = delivery_way::smarthost;
    std::string name{};  ///< `host:port` or `unix:/path`; of `mx` the domain, in lower-case A-labels, or an address literal

    friend bool operator==(destination const&, destination const&) = default;
};

/// Says where mail for an address goes, or why nowhere: a reply such as "550 5.1.2 no such domain" (4xx: later).
///
/// Called on the runner's strand for each recipient at each attempt: it must not block.
using router = std::function<result<destination, std::string>(std::string_view address)>;

/// All mail to one place.
/// @param where  `smtp.example.net:587`, `unix:/run/dovecot/lmtp`
MAILQUAY_DECL router route_to(delivery_way way, std::string where);
/// Each address by the MX records of its domain. An address without a domain is "550 5.1.3".
MAILQUAY_DECL router route_by_mx();

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/destination.ipp>
#endif
