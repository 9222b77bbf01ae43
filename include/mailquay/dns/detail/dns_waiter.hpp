#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/unique_function.hpp>

#include <asio/awaitable.hpp>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// How a look-up that somebody else ends is begun, and given up.
struct dns_wait {
    /// Gets what resumes the coroutine: to be called once, from any thread, or destroyed with the context.
    unique_function<void(unique_function<void()> go_on)> begin;
    /// Called when the coroutine is cancelled, in its executor; may come when all is over.
    unique_function<void()> cancelled;
};

/// Suspends until it is resumed, which happens on the own executor, whoever does it.
MAILQUAY_DECL asio::awaitable<void> wait_for_dns(dns_wait* how);

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/dns/impl/dns_waiter.ipp>
#endif
