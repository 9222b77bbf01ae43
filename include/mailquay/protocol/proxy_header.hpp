#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/ip_address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The largest PROXY header that is taken, in octets. The address block of a UNIX socket has 216, a certificate's names a
/// few hundred; version 2 could say 65,551.
inline constexpr std::size_t max_proxy_header_octets = 4096;

/// For whom a proxy speaks.
enum class proxy_subject : std::uint8_t {
    client,       ///< a TCP client: `source` and `destination` are known
    unix_client,  ///< a client of the proxy's UNIX socket: only paths are known
    unknown,      ///< version 1 UNKNOWN, version 2 UNSPEC: the proxy does not know its client
    itself,       ///< version 2 LOCAL: the proxy's own connection, a health check
};

/// What a proxy says of the TLS connection that ended there (PP2_TYPE_SSL). Our own hop may be in clear: none of this makes
/// `session_info::secure()` true.
struct proxied_tls {
    std::string protocol{};             ///< "TLSv1.3"; empty if not told, as for all below
    std::string cipher{};
    std::string client_name{};          ///< common name of the client's certificate, UTF-8
    std::string signature_algorithm{};  ///< of the proxy's certificate: "SHA256"
    std::string key_algorithm{};        ///< of the proxy's certificate: "RSA2048"
    bool secure = false;                ///< the client came over TLS
    bool certificate = false;           ///< it showed a certificate, now or earlier in its TLS session
    bool verified = false;              ///< and that one was verified
};

/// What a PROXY header of version 2 tells besides addresses, in the proxy's words: as true as the proxy is honest.
struct proxy_facts {
    std::string alpn{};        ///< PP2_TYPE_ALPN; empty if not told, as for all below
    std::string authority{};   ///< PP2_TYPE_AUTHORITY: the name the client asked for (SNI), UTF-8
    std::string unique_id{};   ///< PP2_TYPE_UNIQUE_ID: at most 128 octets, which may be any
    std::string netns{};       ///< PP2_TYPE_NETNS
    std::optional<proxied_tls> tls{};

    bool empty() const noexcept { return alpn.empty() && authority.empty() && unique_id.empty() && netns.empty() && !tls; }
};

/// A PROXY header (haproxy's proxy-protocol.txt, versions 1 and 2).
struct proxy_header {
    proxy_subject subject = proxy_subject::unknown;
    std::uint8_t version = 1;
    ip_endpoint source{};             ///< of `client`: who connected to the proxy; IPv4-mapped addresses become IPv4
    ip_endpoint destination{};        ///< of `client`: where to
    std::string source_path{};        ///< of `unix_client`
    std::string destination_path{};   ///< of `unix_client`
    proxy_facts facts{};
};

/// Why octets are no PROXY header.
enum class proxy_fault : std::uint8_t {
    none,
    no_signature,   ///< they begin neither as version 1 nor as version 2
    too_long,       ///< above 107 octets (version 1) or `max_proxy_header_octets`
    bad_line,       ///< version 1: not six words with one space between them and CRLF behind
    bad_protocol,   ///< version 1: neither TCP4, TCP6 nor UNKNOWN
    bad_address,    ///< version 1: no address of that family
    bad_port,       ///< version 1: no number from 0 to 65535, or one with zeros in front
    bad_version,    ///< version 2: another version in its 13th octet
    bad_command,    ///< version 2: neither LOCAL nor PROXY
    bad_family,     ///< version 2: a family or transport that is not defined, or no stream
    bad_length,     ///< version 2: shorter than the addresses of its family
    bad_tlv,        ///< version 2: a TLV that is cut, given twice, too long, or not the text it should be
    bad_checksum,   ///< version 2: the CRC32C does not fit
};
/// What is wrong, in a few words, for the log. Lifetime: static.
MAILQUAY_DECL std::string_view to_string(proxy_fault why) noexcept;

/// What the first octets of a connection are.
struct proxy_scan {
    enum class kind : std::uint8_t { need_more, header, bad };
    kind what = kind::need_more;
    proxy_fault why = proxy_fault::none;  ///< of `bad`
    /// Of `header`: its octets; what follows them is the client's.
    std::size_t consumed = 0;
    /// Of `need_more`: so many octets are missing at least. Who reads no more than that never reads the client's.
    std::size_t missing = 0;
};

/// Looks for a PROXY header at the begin of `octets`: all that have come so far. Strict: what the document does not define
/// is refused. A fault is found at the same octet however they came.
///
/// Read are in version 1 TCP4, TCP6 and UNKNOWN; in version 2 LOCAL and PROXY, the families INET, INET6, UNIX and UNSPEC
/// over streams, and the TLVs ALPN, AUTHORITY, CRC32C (which is checked), NOOP, UNIQUE_ID, SSL and NETNS; others are passed
/// over. What follows LOCAL and UNSPEC is passed over unread, as the document asks.
///
/// Goal: O(octets) for version 2; version 1 looks at its at most 107 octets again at each call.
///
/// @param into  gets the header, if there is one
MAILQUAY_DECL proxy_scan read_proxy_header(std::string_view octets, proxy_header& into);

/// Appends a PROXY header as it goes before a connection's first octet.
///
/// `version` 1 tells the addresses only, and UNKNOWN for a UNIX socket's client; any other number gives version 2, with the facts
/// ALPN, AUTHORITY, UNIQUE_ID and NETNS as far as each is within its bound. Two addresses of different families are told as IPv6.
MAILQUAY_DECL void append_proxy_header(std::string& out, proxy_header const& header);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/proxy_header.ipp>
#endif
