#pragma once

#include <mailquay/client/mx_hosts.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/resolver.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What DANE says of a host (RFC 7672 §2.2).
enum class dane_state : std::uint8_t {
    none,      ///< nothing: no TLSA records, or something on the way to them is not validated
    usable,    ///< TLS, and the certificate as the records say
    unusable,  ///< there are records, of which none can be used: TLS, without verification (§2.2, §3.1.3)
    failed,    ///< the look-up failed: the host may not be used now (§2.1.1)
};

/// TLSA records of a host, and by which names its certificate may go.
struct dane_found {
    dane_state state = dane_state::none;
    std::string base{};                    ///< the name below which the records were; asked for by SNI (§8.1)
    std::vector<std::string> names{};      ///< that a certificate of usage DANE-TA must bear one of (§3.2.2)
    std::vector<tlsa_record> records{};    ///< the usable ones
};

/// Whether the record says something that SMTP can use: DANE-TA(2) or DANE-EE(3), the whole certificate or its key, in full
/// or as a SHA-2 digest of the right length (RFC 7672 §3.1).
MAILQUAY_DECL bool is_usable(tlsa_record const& record) noexcept;

/// Looks up a host's TLSA records, where its name and its addresses are validated: first below the name that it is an alias
/// of, then below its own (RFC 7672 §2.2.2).
///
/// Needs a resolver that is trusted (`cares_settings::trusted`): without, nothing is ever validated and DANE says nothing.
///
/// Thread safety: safe.
///
/// @param dns  not null
MAILQUAY_DECL eventual<dane_found> find_dane(std::shared_ptr<resolver> dns, mx_route const& route, mx_host const& host, std::uint16_t port = 25);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/dane.ipp>
#endif
