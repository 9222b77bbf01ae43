#pragma once

#include <mailquay/client/mx_hosts.hpp>
#include <mailquay/client/tls_demand.hpp>
#include <mailquay/relay/smtp_carrier.hpp>

#include <cstdint>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

/// The hosts of a domain by `mx_hosts`, as a `smtp_carrier` asks for them.
///
/// Throws `std::invalid_argument` naming setting, value and cure.
///
/// @param how   for each host: TLS is opportunistic unless said otherwise; a host that bears our own name is refused (4.4.6)
/// @param port  25 but in tests
/// @param tls   DANE and MTA-STS: what they demand goes before what `how` says of TLS, and a host that fails them is left out; if
///              none is left, the failure is that of the first
MAILQUAY_DECL hop_finder find_by_mx(mx_hosts hosts, hop_settings how = {}, std::uint16_t port = 25, std::optional<tls_demands> tls = {});

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/mx_finder.ipp>
#endif
