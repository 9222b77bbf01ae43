#pragma once

// What moved between Asio versions, in one place. For .ipp files only: public headers take no more of Asio than
// asio/awaitable.hpp and asio/any_io_executor.hpp.

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/version.hpp>

#include <mailquay/base/config.hpp>

#include <system_error>

static_assert(ASIO_VERSION >= 102201, "mailquay needs Asio 1.22.1 or newer");

namespace mailquay::inline MAILQUAY_ABI::asio_compat {

/// Steady timers and descriptors on the one executor type that the server uses.
using timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, asio::any_io_executor>;
using descriptor = asio::posix::basic_stream_descriptor<asio::any_io_executor>;

/// An executor of its own order on `parent`: what is posted to it runs one at a time.
inline asio::any_io_executor make_strand(asio::any_io_executor parent) { return asio::make_strand(std::move(parent)); }

/// Sets a timer anew. `expires_after(d)` returns nothing from Asio 1.36 on, hence no use of its result.
template <class Handler>
void restart(timer& which, std::chrono::milliseconds delay, Handler handler) {
    which.expires_after(delay);
    which.async_wait(std::move(handler));
}

}  // namespace mailquay::inline MAILQUAY_ABI::asio_compat
