#pragma once

#include <mailquay/handler/resolver.hpp>
#include <mailquay/handler/tls_provider.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What a client demands of the server's certificate.
enum class tls_verification : std::uint8_t {
    none,         ///< nothing: encryption against who only listens; what a check would have said is in the facts
    certificate,  ///< signed by whom we trust, not expired, for one of the names
    dane,         ///< as the TLSA records say (RFC 7672)
};

/// Whom a client means to talk to.
struct tls_target {
    std::string server_name{};            ///< asked for by SNI, and what the certificate must bear; empty or an address: no SNI
    std::vector<std::string> names{};     ///< further names that will do (RFC 7672 §3.2.2)
    tls_verification verify = tls_verification::none;
    std::vector<tlsa_record> tlsa{};      ///< of `dane`; usages 2 and 3 count (RFC 7672 §3.1.3)
};

/// What is known of the server once a handshake is complete.
struct tls_server_facts {
    bool verified = false;      ///< certificate and name are well, whether demanded or not
    std::string identity{};     ///< subject of the certificate
    std::string problem{};      ///< why it is not verified; empty if it is
    std::string matched{};      ///< the name in the certificate, or "dane-ee", "dane-ta"; empty if not verified
};

/// The client's side of the TLS layer of one connection; see `tls_stream`.
struct MAILQUAY_API tls_client_stream : tls_stream {
    ~tls_client_stream() override;
    /// Meaningful once established, and after a handshake that failed for the certificate's sake.
    virtual tls_server_facts server() const = 0;
};

/// Makes the client's side of TLS connections.
///
/// Thread safety: called by all connections at once.
struct MAILQUAY_API tls_connector {
    virtual ~tls_connector();
    /// A new connection's TLS layer, whose first flight is in its output after `handshake()`; null when none can be had. DANE
    /// without a usable record: encryption without verification, as RFC 7672 §2.2 wants.
    virtual std::unique_ptr<tls_client_stream> connect(tls_target const& to) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/tls_connector.ipp>
#endif
