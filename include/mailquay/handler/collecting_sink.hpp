#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/received_message.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// What the messages of one sink hold in memory, in all. Thread safety: safe.
class collected_octets {
public:
    explicit collected_octets(std::uint64_t most) noexcept : most_(most) {}
    /// @return whether so many more may be held; they are counted then
    bool take(std::uint64_t more) noexcept {
        std::uint64_t held = held_.load(std::memory_order_relaxed);
        do {
            if (more > most_ - std::min(held, most_)) return false;
        } while (!held_.compare_exchange_weak(held, held + more, std::memory_order_relaxed));
        return true;
    }
    void give_back(std::uint64_t octets) noexcept { held_.fetch_sub(octets, std::memory_order_relaxed); }
    std::uint64_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> held_{0};
    std::uint64_t most_;
};
}  // namespace detail

/// Collects each message in memory and hands it whole to a function of the host (also known as `sinks::collect`).
///
/// The message counts as delivered when the function says so: see `message_function` for what it may return; if it throws,
/// the client is told 451 4.3.0. A message of more than `max_octets` (without our Received field) is answered 552 5.3.4.
///
/// All messages under way, over all connections, take at most `max_octets_in_all` of memory (or what one message of
/// `max_octets` takes while it grows, about twice that, if it is more): one that needs more is drained and answered 451 4.3.2. A message counts until the function's answer is there; what the function
/// keeps after it is the host's.
///
/// It promises what sinks promise by default, and `max_octets` as largest size; `promising()` says otherwise.
///
/// Thread safety: the function is called by all shards at once.
///
/// @code
/// server.sink(sinks::collect{[](received_message got) { print(got.envelope.reverse_path, got.octets.size()); }});
/// @endcode
class MAILQUAY_API collecting_sink final : public message_sink {
public:
    static constexpr std::uint64_t default_max_octets = 50 * 1024 * 1024;
    /// Ten messages of the largest size; or thousands of those that mail mostly is.
    static constexpr std::uint64_t default_max_octets_in_all = 512 * 1024 * 1024;

    template <class F>
        requires message_function<std::decay_t<F>>
    explicit collecting_sink(F&& function, std::uint64_t max_octets = default_max_octets,
                             std::uint64_t max_octets_in_all = default_max_octets_in_all)
        : collecting_sink(std::make_shared<message_handler>(make_message_handler(std::forward<F>(function))), max_octets,
                          max_octets_in_all) {}
    collecting_sink(std::shared_ptr<message_handler> function, std::uint64_t max_octets,
                    std::uint64_t max_octets_in_all = default_max_octets_in_all);
    ~collecting_sink() override;

    /// What the function keeps. `max_size` stays `max_octets` if it is absent here.
    collecting_sink& promising(promises kept) & noexcept;
    collecting_sink&& promising(promises kept) && noexcept { return std::move(promising(kept)); }

    eventual<opened> open(transaction const& mail) override;
    promises promised() const override { return promises_; }
    bool takes_any_recipients() const noexcept override { return true; }
    /// Octets of memory that messages under way hold now.
    std::uint64_t octets_held() const noexcept { return held_->held(); }

private:
    std::shared_ptr<message_handler> function_;
    std::shared_ptr<detail::collected_octets> held_;
    std::uint64_t max_octets_;
    promises promises_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/collecting_sink.ipp>
#endif
