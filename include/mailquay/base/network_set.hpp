#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>

#include <initializer_list>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// A set of networks: who may relay, which proxies are trusted.
///
/// Goal: `contains()` in O(log n), no matter how the networks overlap. They are kept as disjoint ranges in order of
/// address; one binary search finds the only candidate. Building from n networks is O(n log n), and so is each
/// `add()`: give many at once.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
///
/// @code
/// network_set const trusted{"192.0.2.0/24", "2001:db8::/32", "::1"};
/// trusted.contains(client);
/// @endcode
class MAILQUAY_API network_set {
public:
    /// Contains nothing.
    network_set() noexcept = default;
    /// Throws std::invalid_argument naming the entry that is no network and the cure.
    MAILQUAY_DECL network_set(std::initializer_list<std::string_view> networks);
    MAILQUAY_DECL explicit network_set(std::vector<ip_network> const& networks);

    MAILQUAY_DECL void add(ip_network const& network);
    /// Adds what `ip_network::parse()` understands; else returns its error and stays as it was.
    MAILQUAY_DECL result<void> add(std::string_view network);

    /// Whether `address`, unmapped, is in one of the networks. None is in no network.
    MAILQUAY_DECL bool contains(ip_address const& address) const noexcept;
    /// Whether some address is in both sets.
    MAILQUAY_DECL bool intersects(network_set const& other) const noexcept;
    bool empty() const noexcept { return ranges_.empty(); }

private:
    struct range {
        ip_address first, last;
    };

    MAILQUAY_DECL void append(ip_network const& network);
    MAILQUAY_DECL void merge();

    std::vector<range> ranges_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/network_set.ipp>
#endif
