#pragma once

#include <mailquay/base/config.hpp>

#include <chrono>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// What time it is. A seam: tests move it by hand.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API clock {
    virtual ~clock();
    /// For waits and deadlines; never goes back.
    virtual std::chrono::steady_clock::time_point steady() const noexcept = 0;
    /// For dates that people read; may jump.
    virtual std::chrono::system_clock::time_point wall() const noexcept = 0;
};

/// The machine's clock; never null.
MAILQUAY_DECL std::shared_ptr<clock> machine_clock();

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
