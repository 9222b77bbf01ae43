#pragma once

#include <mailquay/handler/make_message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// One sink whose word counts, and others that get a copy: an archive, a filter that learns.
///
/// The first sink decides, promises and groups; what relays makes the whole relay (`promises::relays`). The copies get what it took: each is finished after the first one accepted, and
/// given up when it refused. One that cannot be opened, or fails, loses its copy and costs no mail; `lost_copies()` counts
/// them. The client waits for all of them.
///
/// Thread safety: as that of the sinks it owns.
///
/// @code  server.sink(sinks::tee{sinks::maildir{"mail"}, sinks::mbox{"archive"}});  @endcode
class MAILQUAY_API tee final : public message_sink, public uses_workers {
public:
    template <class First, class... Others>
        requires(sizeof...(Others) > 0)
    explicit tee(First&& first, Others&&... others)
        : tee(make_message_sink(std::forward<First>(first)),
              std::vector<std::shared_ptr<message_sink>>{make_message_sink(std::forward<Others>(others))...}) {}
    tee(std::shared_ptr<message_sink> first, std::vector<std::shared_ptr<message_sink>> others);
    ~tee() override;
    tee(tee&&) noexcept;

    void lend(std::shared_ptr<mailquay::workers> pool) override;
    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    recipient_group group(recipient const& to) const override;
    bool takes_another(transaction const& mail, recipient const& next) const override;
    bool takes_any_recipients() const noexcept override;
    bool has_room(std::uint64_t octets) const override;

    std::uint64_t lost_copies() const noexcept;

    struct parts;

private:
    std::shared_ptr<parts> parts_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/tee.ipp>
#endif
