#include "common/own_addresses.hpp"

#include <mailquay/server/listen_endpoint.hpp>

#include <algorithm>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace programs {
namespace {

std::optional<mailquay::ip_address> address_of(sockaddr const* from) {
    if (from == nullptr) return std::nullopt;
    if (from->sa_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, from, sizeof v4);
        mailquay::ip_address::v4_octets octets;
        std::memcpy(octets.data(), &v4.sin_addr, octets.size());
        return mailquay::ip_address::from_v4(octets);
    }
    if (from->sa_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, from, sizeof v6);
        mailquay::ip_address::v6_octets octets;
        std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
        return mailquay::ip_address::from_v6(octets);
    }
    return std::nullopt;
}

std::vector<mailquay::ip_address> addresses_of_interfaces() {
    std::vector<mailquay::ip_address> found;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return found;
    std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> const all{first, ::freeifaddrs};
    for (ifaddrs const* one = first; one != nullptr; one = one->ifa_next)
        if (auto const address = address_of(one->ifa_addr)) found.push_back(*address);
    return found;
}

}  // namespace

std::vector<mailquay::ip_address> own_addresses(std::vector<listen_on> const& listeners, std::uint16_t port) {
    std::vector<mailquay::ip_address> own;
    for (listen_on const& one : listeners) {
        auto const where = mailquay::listen_endpoint::parse(one.where);
        if (!where || where->is_unix() || where->port() != port || one.protocol != "smtp") continue;
        mailquay::ip_address const address = where->address.address;
        if (!address.is_unspecified()) {
            own.push_back(address);
            continue;
        }
        for (mailquay::ip_address const& of_interface : addresses_of_interfaces())
            if (of_interface.is_v4() == address.is_v4()) own.push_back(of_interface);
    }
    std::erase_if(own, [](mailquay::ip_address const& one) { return one.is_loopback(); });
    return own;
}

}  // namespace programs
