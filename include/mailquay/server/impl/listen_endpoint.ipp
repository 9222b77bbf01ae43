#pragma once

#include <mailquay/server/listen_endpoint.hpp>

#include <sys/un.h>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL result<listen_endpoint> listen_endpoint::parse(std::string_view text) {
    constexpr std::string_view unix_prefix = "unix:";
    listen_endpoint read;
    if (text.starts_with(unix_prefix)) {
        read.path = text.substr(unix_prefix.size());
        if (read.path.empty() || read.path.find('\0') != std::string::npos) return make_error_code(std::errc::invalid_argument);
        if (read.path.size() >= sizeof(sockaddr_un::sun_path)) return make_error_code(std::errc::filename_too_long);
        return read;
    }
    auto const address = ip_endpoint::parse(text);
    if (!address) return address.error();
    read.address = *address;
    return read;
}

MAILQUAY_DECL std::string listen_endpoint::to_string() const {
    return is_unix() ? "unix:" + path : address.to_string();
}

}  // namespace mailquay::inline MAILQUAY_ABI
