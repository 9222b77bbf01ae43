#pragma once

#include <mailquay/base/unique_function.hpp>

#include <asio/awaitable.hpp>

#include <system_error>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// How a coroutine waits for what another thread does: `start` is called once the coroutine is suspended, and given what that
/// thread calls once at the end. The coroutine goes on on its own executor, which must outlive the wait.
///
/// @return what `done` was called with
MAILQUAY_DECL asio::awaitable<std::error_code> wait_for_done(unique_function<void(unique_function<void(std::error_code)> done)> start);

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/wait_for_done.ipp>
#endif
