#pragma once

#include <mailquay/base/unique_function.hpp>
#include <mailquay/server/reactor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

class hook_runner;

/// The alarms of a shard; each runs at most once at a time.
enum class shard_alarm : std::uint8_t {
    tick,    ///< once a second while there are connections: all deadlines
    flush,   ///< some ms after a hook did not answer at once: replies that wait behind it
    accept,  ///< accepting goes on after a pause
};
inline constexpr std::size_t alarms = 3;

/// Who hears the alarms.
class MAILQUAY_API alarm_listener {
public:
    virtual ~alarm_listener();
    virtual void rang(shard_alarm which) noexcept = 0;
};

/// What a shard needs of the event loop it lives in: readiness, hooks, time. The only way from `connection` and `shard` to
/// an event loop.
///
/// Thread safety: unsafe; use the shard's executor, except for `post()`.
class MAILQUAY_API loop {
public:
    using time_point = std::chrono::steady_clock::time_point;

    virtual ~loop();
    virtual mailquay::reactor& reactor() noexcept = 0;
    virtual hook_runner& hooks() noexcept = 0;
    virtual time_point now() const noexcept = 0;
    virtual std::chrono::system_clock::time_point wall() const noexcept = 0;
    /// Rings once, `delay` from now; replaces an earlier setting of the same alarm.
    virtual void set_alarm(shard_alarm which, std::chrono::milliseconds delay) = 0;
    /// Runs `task` on the shard's executor, soon, not within this call. From any thread.
    virtual void post(unique_function<void()> task) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/loop.ipp>
#endif
