#pragma once

#include <mailquay/handler/message_sink.hpp>

#include <cstdint>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// Accepts every message, counts it, and forgets it: for load tests and for the moment before a real sink is there.
///
/// It promises everything: discarding is the final delivery of all recipients at once, so no next hop can fail to keep
/// anything (DSN is the exception: nobody would send the one that was asked for; hold likewise).
///
/// Counters are spread over cache lines, so that shards do not wait for each other.
///
/// Thread safety: called by all shards at once. A copy counts together with its original.
class MAILQUAY_API discard final : public message_sink {
public:
    discard();
    ~discard() override;
    discard(discard const&) = default;
    discard& operator=(discard const&) = default;

    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    bool takes_any_recipients() const noexcept override { return true; }

    /// Messages that were finished.
    std::uint64_t messages() const noexcept;
    /// Their octets, without our Received fields.
    std::uint64_t octets() const noexcept;

    struct counters;

private:
    std::shared_ptr<counters> counters_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/discard.ipp>
#endif
