#pragma once

#include <mailquay/server/server.hpp>

#include "common/settings.hpp"

#include <memory>

namespace programs {

/// The certificates that the flags name, and how they are read anew.
///
/// Thread safety: `reload()` is safe from any thread.
class certificates {
public:
    virtual ~certificates() = default;
    /// Null where no certificate is named. @throws usage_error, and std::invalid_argument for a certificate that cannot serve
    static std::unique_ptr<certificates> of(tls_settings const& chosen);

    virtual void give_to(mailquay::server& server) = 0;
    /// Reads the files anew; says on standard error what is wrong with them, and goes on with the old ones then.
    virtual void reload() = 0;
};

}  // namespace programs
