#pragma once

#include <mailquay/base/network_set.hpp>
#include <mailquay/handler/recipient_validator.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// For `relay_for`: clients that have authenticated.
struct authenticated_t {
    explicit constexpr authenticated_t(int) noexcept {}
};
inline constexpr authenticated_t authenticated{0};

/// Accepts recipients in any domain for certain clients, and passes for all others: put it behind the validators that know
/// their own recipients.
///
/// **Networks** match the effective client address, and only if it came from a socket that no proxy stands before, from a trusted
/// PROXY header or from a trusted XCLIENT: never a peer of which nothing is known (UNIX sockets, PROXY LOCAL and UNKNOWN), nor
/// one that reaches a socket in proxy mode without a proxy.
/// Loopback is trusted only by a network that lies within 127.0.0.0/8 or is ::1: `0.0.0.0/0` does not trust it.
/// **authenticated** matches wherever the client comes from.
///
/// Thread safety: read only once made; may be asked by all shards at once.
///
/// @code
/// server.recipients(table, relay_for{authenticated}, relay_for{"192.0.2.0/24", "2001:db8::/32"});
/// @endcode
class MAILQUAY_API relay_for final : public recipient_validator {
public:
    explicit relay_for(authenticated_t) noexcept : authenticated_(true) {}
    /// @throws std::invalid_argument naming the entry that is no network and the cure
    relay_for(std::initializer_list<std::string_view> networks);
    explicit relay_for(std::vector<ip_network> const& networks);
    ~relay_for() override;

    /// Whether mail of this client is relayed.
    bool relays(session_info const& client) const noexcept;
    eventual<verdict> validate(transaction const& mail, recipient const& to) override;

    bool for_authenticated() const noexcept { return authenticated_; }
    network_set const& networks() const noexcept { return networks_; }

private:
    void add(ip_network const& network);

    network_set networks_;
    network_set loopback_;  // those of `networks_` that name loopback and nothing else
    bool authenticated_ = false;
};

/// What is wrong with relaying for these clients on a listener that trusts these proxies: an address that may speak for others
/// must not be one that may relay, or a forgotten PROXY header would make the whole world relay.
/// @return one sentence each, naming setting and cure; empty if all is well
MAILQUAY_DECL std::vector<std::string> problems(relay_for const& relay, network_set const& trusted_proxies,
                                                network_set const& trusted_xclient);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/relay_for.ipp>
#endif
