#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Where a listener listens: an address and port, or the path of a UNIX socket.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
///
/// @code
/// auto where = server.listen("127.0.0.1:0");
/// connect_to(where.port());
/// @endcode
struct MAILQUAY_API listen_endpoint {
    ip_endpoint address{};   ///< none for a UNIX socket
    std::string path{};      ///< empty for TCP

    /// Reads `192.0.2.1:25`, `[::1]:25`, `unix:/run/mail.sock`. Port 0 lets the system choose. `[::]` takes IPv6 only;
    /// name `0.0.0.0` beside it.
    ///
    /// @return `address_errc` for TCP; `std::errc::filename_too_long` or `invalid_argument` for a path
    MAILQUAY_DECL static result<listen_endpoint> parse(std::string_view text);

    bool is_unix() const noexcept { return !path.empty(); }
    std::uint16_t port() const noexcept { return address.port; }
    /// What `parse()` reads.
    MAILQUAY_DECL std::string to_string() const;

    friend bool operator==(listen_endpoint const&, listen_endpoint const&) = default;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/listen_endpoint.ipp>
#endif
