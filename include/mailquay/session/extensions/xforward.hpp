#pragma once

#include <mailquay/base/network_set.hpp>
#include <mailquay/protocol/xforward.hpp>
#include <mailquay/session/extension.hpp>
#include <mailquay/session/extensions/xclient.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// XFORWARD (Postfix, XFORWARD_README): a trusted client says where a message comes from, for the log. Offered to clients in
/// `trusted` alone; the session itself carries out the command.
///
/// Thread safety: read only once made.
class xforward final : public extension {
public:
    explicit xforward(network_set trusted) : trusted_(std::move(trusted)) {}

    std::string_view keyword() const noexcept override { return "XFORWARD"; }
    bool offered(session_info const& client) const noexcept override { return is_trusted_peer(client, trusted_); }
    std::string announcement(session_info const&, session_limits const&) const override { return std::string{xforward_attributes}; }

private:
    network_set trusted_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
