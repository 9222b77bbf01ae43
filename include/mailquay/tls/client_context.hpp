#pragma once

#include <mailquay/handler/tls_connector.hpp>
#include <mailquay/tls/context.hpp>

#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::tls {

/// What a `client_context` is made of. Versions, cipher suites and groups are those of `context`.
struct client_context_config {
    /// PEM: who is trusted to sign servers' certificates. Both empty: whom the system trusts.
    std::string ca_file{};
    std::string ca_pem{};          ///< in place of `ca_file`
    /// Shown to servers that ask for one; none by default.
    certificate own{};
};

/// The client's side of TLS connections, by OpenSSL 3.
///
/// Lifetime: streams made by it outlive it, if need be.
/// Thread safety: `connect()` is safe from any thread.
///
/// @code
/// client mail{io, {.tls = std::make_shared<tls::client_context>()}};
/// @endcode
class MAILQUAY_API client_context final : public tls_connector {
public:
    /// Throws `std::invalid_argument` if anything is wrong; the text names file, reason and cure.
    MAILQUAY_DECL explicit client_context(client_context_config config = {});
    MAILQUAY_DECL ~client_context() override;

    MAILQUAY_DECL std::unique_ptr<tls_client_stream> connect(tls_target const& to) override;

private:
    struct impl;
    std::shared_ptr<impl const> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::tls

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/tls/impl/client_context.ipp>
#endif
