#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/received_message.hpp>

#include <cstdint>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Collects each message in memory and hands it whole to a function of the host (also known as `sinks::collect`).
///
/// The message counts as delivered when the function says so: see `message_function` for what it may return; if it throws,
/// the client is told 451 4.3.0. A message of more than `max_octets` (without our Received field) is answered 552 5.3.4.
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

    template <class F>
        requires message_function<std::decay_t<F>>
    explicit collecting_sink(F&& function, std::uint64_t max_octets = default_max_octets)
        : collecting_sink(std::make_shared<message_handler>(make_message_handler(std::forward<F>(function))), max_octets) {}
    collecting_sink(std::shared_ptr<message_handler> function, std::uint64_t max_octets);
    ~collecting_sink() override;

    /// What the function keeps. `max_size` stays `max_octets` if it is absent here.
    collecting_sink& promising(promises kept) & noexcept;
    collecting_sink&& promising(promises kept) && noexcept { return std::move(promising(kept)); }

    eventual<opened> open(transaction const& mail) override;
    promises promised() const override { return promises_; }

private:
    std::shared_ptr<message_handler> function_;
    std::uint64_t max_octets_;
    promises promises_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/collecting_sink.ipp>
#endif
