#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/client/hop_settings.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// A host that takes mail, and how to talk to it.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class next_hop {
public:
    next_hop() = default;
    next_hop(std::string name, std::uint16_t at_port) : host(std::move(name)), port(at_port) {}

    /// Reads `mx.example.org`, `mx.example.org:587`, `192.0.2.1:25`, `[2001:db8::1]:25`, `unix:/run/lmtp.sock`; without a port:
    /// 25.
    /// @return `std::errc::invalid_argument`, `filename_too_long` for a path
    MAILQUAY_DECL static result<next_hop> parse(std::string_view text);

    std::string host{};                      ///< name: for SNI, certificates and the log
    std::uint16_t port = 25;
    /// In the order in which they are tried; empty: the system resolves `host` (or it is an address).
    std::vector<ip_endpoint> addresses{};
    std::string unix_path{};                 ///< of a UNIX socket, in place of addresses
    hop_settings settings{};
    /// Connections with equal keys carry each other's mail; empty: made of all the above but the time-outs
    /// and the order of addresses.
    std::string pool_key{};

    /// The key in effect. Credentials, connector and verification are part of it.
    MAILQUAY_DECL std::string key() const;
    /// For the log: `mx.example.org:25`, `unix:/run/lmtp.sock`.
    MAILQUAY_DECL std::string to_string() const;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/next_hop.ipp>
#endif
