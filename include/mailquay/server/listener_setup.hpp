#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/base/network_set.hpp>
#include <mailquay/handler/pipeline.hpp>
#include <mailquay/handler/profile.hpp>
#include <mailquay/handler/tls_provider.hpp>
#include <mailquay/session/session_config.hpp>

#include <chrono>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Everything the connections of one listener share, frozen: how they talk and whom they ask. A connection keeps the one
/// it began with; `server::reconfigure()` gives later ones another.
///
/// Thread safety: shared objects: safe to read.
struct listener_setup {
    session_config session{};
    std::shared_ptr<pipeline const> asks{};
    std::shared_ptr<tls_provider> tls{};  ///< null: no TLS here
    logger log{};
    unsigned per_address = 50;           ///< connections from one address; 0: no limit
    proxy_mode proxy = proxy_mode::off;
    network_set trusted_proxies{};       ///< who must begin with a PROXY header, unless `proxy` is off
    std::chrono::seconds proxy_header_time{5};
};

}  // namespace mailquay::inline MAILQUAY_ABI
