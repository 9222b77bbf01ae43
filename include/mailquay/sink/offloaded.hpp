#pragma once

#include <mailquay/handler/collecting_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// A function that blocks, as a sink: it is called on the workers, several at a time. Made by `offloaded()`.
///
/// As `collecting_sink` otherwise. When the workers' queue is full the client is told 451 4.3.2.
///
/// Thread safety: the function is called by several workers at once.
class MAILQUAY_API offloaded_sink final : public message_sink, public uses_workers {
public:
    using blocking_handler = unique_function<delivery(received_message)>;

    offloaded_sink(blocking_handler function, std::uint64_t max_octets,
                   std::uint64_t max_octets_in_all = collecting_sink::default_max_octets_in_all);
    ~offloaded_sink() override;
    offloaded_sink(offloaded_sink&&) noexcept;

    void lend(std::shared_ptr<workers> pool) override;
    /// Throws std::logic_error if no workers were lent.
    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    bool takes_any_recipients() const noexcept override { return true; }

private:
    struct lent {
        std::shared_ptr<workers> pool{};
    };
    std::shared_ptr<lent> lent_;
    collecting_sink collects_;
};

/// @param function    called with a `received_message`; returns nothing (accepted, unless it throws), `verdict` or `delivery`
/// @param max_octets  of a message; above it 552 5.3.4
/// @param max_octets_in_all  of memory for all messages under way; above it 451 4.3.2
///
/// @code  server.sink(offloaded([](received_message got) { write_file(got.octets); }));  @endcode
template <class F>
    requires std::invocable<std::decay_t<F>&, received_message>
offloaded_sink offloaded(F&& function, std::uint64_t max_octets = collecting_sink::default_max_octets,
                         std::uint64_t max_octets_in_all = collecting_sink::default_max_octets_in_all) {
    using answer = std::invoke_result_t<std::decay_t<F>&, received_message>;
    static_assert(std::is_void_v<answer> || std::is_convertible_v<answer, delivery>,
                  "an offloaded function blocks: it returns nothing, verdict or delivery, not something that comes later");
    return offloaded_sink{[held = std::forward<F>(function)](received_message message) mutable -> delivery {
                              if constexpr (std::is_void_v<answer>) {
                                  held(std::move(message));
                                  return accept();
                              } else {
                                  return held(std::move(message));
                              }
                          },
                          max_octets, max_octets_in_all};
}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/offloaded.ipp>
#endif
