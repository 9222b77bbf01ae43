#pragma once

#include <mailquay/base/network_set.hpp>
#include <mailquay/protocol/xclient.hpp>
#include <mailquay/session/extension.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// Whether what the client is now, after PROXY headers and XCLIENT, is an address in `networks`. A client of which nothing is
/// known never is.
inline bool is_trusted_peer(session_info const& client, network_set const& networks) noexcept {
    switch (client.source()) {
        case address_source::socket:
        case address_source::proxy:
        case address_source::xclient:
        case address_source::direct: return networks.contains(client.client().address);
        case address_source::local:
        case address_source::health_check: break;
    }
    return false;
}

/// XCLIENT (Postfix, XCLIENT_README): a trusted client says for which client it speaks. Offered to clients in
/// `trusted` alone; the session itself carries out the command.
///
/// Thread safety: read only once made.
class xclient final : public extension {
public:
    explicit xclient(network_set trusted) : trusted_(std::move(trusted)) {}

    std::string_view keyword() const noexcept override { return "XCLIENT"; }
    bool offered(session_info const& client) const noexcept override { return is_trusted_peer(client, trusted_); }
    std::string announcement(session_info const&, session_limits const&) const override { return std::string{xclient_attributes}; }

private:
    network_set trusted_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
