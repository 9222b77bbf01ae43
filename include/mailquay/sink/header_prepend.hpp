#pragma once

#include <mailquay/handler/make_message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// Puts header fields on top of each message on its way into another sink, above our Received field.
///
/// The fields come whole, each ended by CRLF; a function makes them for each transaction when its message begins. Nothing is
/// added where it gives an empty text. Promises and groups are those of the sink it owns.
///
/// Thread safety: the function is called by all shards at once; otherwise as that of the sink.
///
/// @code
/// server.sink(sinks::header_prepend{"X-Gate: outer\r\n", sinks::maildir{"mail"}});
/// @endcode
class MAILQUAY_API header_prepend final : public message_sink, public uses_workers {
public:
    using maker = std::function<std::string(transaction const&)>;

    /// @throws std::invalid_argument if the fields are not header fields ended by CRLF
    template <class Sink>
    header_prepend(std::string fields, Sink&& sink) : header_prepend(always(std::move(fields)), make_message_sink(std::forward<Sink>(sink))) {}
    template <class Sink>
    header_prepend(maker fields, Sink&& sink) : header_prepend(std::move(fields), make_message_sink(std::forward<Sink>(sink))) {}
    header_prepend(maker fields, std::shared_ptr<message_sink> sink);
    ~header_prepend() override;
    header_prepend(header_prepend&&) noexcept;

    void lend(std::shared_ptr<mailquay::workers> pool) override;
    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    recipient_group group(recipient const& to) const override;
    bool takes_another(transaction const& mail, recipient const& next) const override;
    bool takes_any_recipients() const noexcept override;
    bool has_room(std::uint64_t octets) const override;

private:
    static maker always(std::string fields);

    maker fields_;
    std::shared_ptr<message_sink> sink_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/header_prepend.ipp>
#endif
