#pragma once

#include <mailquay/handler/workers.hpp>

#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// What a sink (or another plug-in) also is when it does work that blocks: whoever sets the server up lends it the server's
/// workers, before the first message. One that was given workers of its own keeps those.
///
/// Thread safety: `lend()` is called before the object is shared.
struct MAILQUAY_API uses_workers {
    virtual ~uses_workers();
    virtual void lend(std::shared_ptr<workers> pool) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/uses_workers.ipp>
#endif
