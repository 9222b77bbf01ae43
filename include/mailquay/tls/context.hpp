#pragma once

#include <mailquay/handler/tls_provider.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::tls {

/// A certificate with its chain, and its private key: from files, or as PEM text.
///
/// Several with the same names and keys of different kinds (RSA and ECDSA, say) serve together: each client gets the one
/// it can verify.
struct certificate {
    std::string chain_file{};  ///< PEM: the certificate first, then the intermediate ones
    std::string key_file{};    ///< PEM, without a password
    std::string chain_pem{};   ///< in place of `chain_file`
    std::string key_pem{};     ///< in place of `key_file`
};

/// Whether clients show certificates of their own.
enum class client_certificates {
    off,
    requested,  ///< one that cannot be verified counts as none
    required,   ///< without one that can be verified the handshake fails
};

/// What a `context` is made of. Versions, cipher suites and groups are no settings: TLS 1.2 and 1.3 in Mozilla's
/// "intermediate" configuration (docs/tls.md).
struct context_config {
    /// At least one. Which one a client gets is decided by the name it asks for (SNI): a certificate that bears it, else one
    /// that matches by wildcard, else the first.
    std::vector<certificate> certificates{};
    client_certificates clients = client_certificates::off;
    std::string client_ca_file{};  ///< PEM: who signs clients' certificates; needed unless `clients` is off
    std::string client_ca_pem{};   ///< in place of `client_ca_file`
    /// Sessions may be resumed by tickets (RFC 8446 §4.6.1). Off: mail hosts rarely come back in time, and the key that
    /// protects all tickets would weaken forward secrecy.
    bool resumption = false;
};

/// Certificates and rules of TLS: makes the server's side of connections, by OpenSSL 3.
///
/// Certificates can be replaced while it serves: `reload()`. Connections that are under way keep what they began with.
///
/// Lifetime: streams made by it outlive it, if need be. A moved-from one can only be destroyed or assigned to.
/// Thread safety: `accept()` and `reload()` are safe from any thread.
///
/// @code
/// auto tls = std::make_shared<tls::context>(tls::context_config{.certificates = {{"mx.crt", "mx.key"}}});
/// server.tls(tls);
/// ...
/// for (auto const& problem : tls->reload()) complain(problem);   // after the files have changed
/// @endcode
class MAILQUAY_API context final : public tls_provider {
public:
    /// Throws `std::invalid_argument` if anything is wrong: a file that cannot be read, a key that does not belong to its
    /// certificate, a certificate that has expired. The text names file, reason and cure, a sentence for each fault.
    MAILQUAY_DECL explicit context(context_config config);
    MAILQUAY_DECL ~context() override;
    MAILQUAY_DECL context(context&&) noexcept;
    MAILQUAY_DECL context& operator=(context&&) noexcept;

    /// Reads all files anew: by the settings that serve, or those of a `reload(config)` that is under way. Only if everything is
    /// well, new connections get it; else all stays as it is.
    /// @return what is wrong, as the constructor would say it; empty if the new certificates serve
    MAILQUAY_DECL std::vector<std::string> reload();
    /// The same with other settings, which `reload()` keeps to once they serve.
    MAILQUAY_DECL std::vector<std::string> reload(context_config config);
    /// Whether a file that it was made of has changed since it was last read, or tried.
    MAILQUAY_DECL bool files_changed() const;

    MAILQUAY_DECL std::unique_ptr<tls_stream> accept(session_info const& client) override;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::tls

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/tls/impl/context.ipp>
#endif
