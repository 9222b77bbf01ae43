#pragma once

#include <mailquay/base/network_set.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The address with all but the first `prefix` bits set.
inline ip_address last_of_network(ip_address const& address, unsigned prefix) noexcept {
    std::array<std::uint8_t, 16> octets{};
    auto const bytes = address.bytes();
    for (unsigned i = 0; i < bytes.size(); ++i) {
        unsigned const keep = std::min(prefix > i * 8 ? prefix - i * 8 : 0u, 8u);
        octets[i] = static_cast<std::uint8_t>(bytes[i] | (0xffu >> keep));
    }
    return address.is_v4() ? ip_address::from_v4({octets[0], octets[1], octets[2], octets[3]})
                           : ip_address::from_v6(octets);
}

}  // namespace detail

MAILQUAY_DECL network_set::network_set(std::initializer_list<std::string_view> networks) {
    for (std::string_view text : networks) {
        auto const network = ip_network::parse(text);
        if (!network) {
            throw std::invalid_argument("network \"" + std::string{text} + "\": " + network.error().message());
        }
        append(*network);
    }
    merge();
}

MAILQUAY_DECL network_set::network_set(std::vector<ip_network> const& networks) {
    ranges_.reserve(networks.size());
    for (ip_network const& network : networks) append(network);
    merge();
}

MAILQUAY_DECL void network_set::add(ip_network const& network) {
    append(network);
    merge();
}

MAILQUAY_DECL result<void> network_set::add(std::string_view network) {
    auto const parsed = ip_network::parse(network);
    if (!parsed) return parsed.error();
    add(*parsed);
    return {};
}

MAILQUAY_DECL void network_set::append(ip_network const& network) {
    ip_network const plain = network.unmapped();
    if (plain.address.is_none()) return;
    ranges_.push_back({plain.address.masked(plain.prefix), detail::last_of_network(plain.address, plain.prefix)});
}

MAILQUAY_DECL void network_set::merge() {
    std::sort(ranges_.begin(), ranges_.end(), [](range const& a, range const& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (range const& next : ranges_) {
        if (kept != 0 && next.first <= ranges_[kept - 1].last) {
            ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, next.last);
        } else {
            ranges_[kept++] = next;
        }
    }
    ranges_.resize(kept);
}

MAILQUAY_DECL bool network_set::contains(ip_address const& address) const noexcept {
    ip_address const plain = address.unmapped();
    auto const behind = std::upper_bound(ranges_.begin(), ranges_.end(), plain,
                                         [](ip_address const& a, range const& r) { return a < r.first; });
    return behind != ranges_.begin() && plain <= std::prev(behind)->last;
}

MAILQUAY_DECL bool network_set::intersects(network_set const& other) const noexcept {
    auto a = ranges_.begin();
    auto b = other.ranges_.begin();
    while (a != ranges_.end() && b != other.ranges_.end()) {
        if (a->last < b->first) {
            ++a;
        } else if (b->last < a->first) {
            ++b;
        } else {
            return true;
        }
    }
    return false;
}

}  // namespace mailquay::inline MAILQUAY_ABI
