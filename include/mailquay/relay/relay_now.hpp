#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/client/client.hpp>
#include <mailquay/client/next_hop.hpp>
#include <mailquay/handler/message_buffer.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sink/spool.hpp>

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {
struct relay_now_state;
}

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// How `relay_now` talks to the next hop.
struct relay_now_settings {
    client_config client{};        ///< name for EHLO, TLS, pool
    /// Where all mail goes; `settings.protocol` says whether by SMTP or by LMTP.
    next_hop to{};
    /// What the next hop keeps; EHLO offers no more. Without further knowledge: 8-bit content and UTF-8.
    promises next_hop_keeps{};
    /// For the whole way of one message, from the client's final dot to the next hop's reply. Clients wait ten minutes for it
    /// (RFC 5321 §4.5.3.2.6), the server gives a sink five.
    std::chrono::milliseconds patience = std::chrono::seconds{240};
    /// With an overflow: how long a message waits there that the next hop may have taken, though its reply was lost.
    std::chrono::milliseconds after_unknown = std::chrono::minutes{5};
    /// Where a message waits until it was seen whole. Absent: `spooled_buffers` on the server's workers, or
    /// in memory, up to 50 MiB each, if none are lent.
    std::shared_ptr<message_buffers> buffers{};
    logger log{};
};

/// Passes each message on while its client waits: the next hop's reply to the final dot is ours. Nothing is kept here and nothing need
/// be bounced, which is what a gateway wants (see `recipient_verifier` for RCPT).
///
/// A message is seen whole before the next hop sees its first octet, so filters have their say, and a client that vanishes leaves
/// nothing behind. A next hop that is away, or says 4xx, is 4xx for the client, who keeps the message; one that is lost after the last
/// octet is 451 4.4.2: it may have the message, and may get it twice.
///
/// **Recipients with different outcomes.** What arrives with a reply for each (LMTP, PRDR) is answered for each. Else one reply
/// stands for all, so by SMTP the next hop gets the content only if it accepts every recipient; if not, the client is told the
/// refusal. An LMTP server answers for each and cannot take back, so a transaction holds one recipient then: further ones are
/// told 452 4.5.3, and clients send them in another. By SMTP they are from where the next hop takes no more in one transaction: 100
/// (`client_limits::recipients`), less where it says so (LIMITS) or has shown it within the last hour.
///
/// **Overflow** (`overflow()`): a transaction takes all recipients, and those that the next hop does not take now go to a spool, whose
/// queue runner tries again. What is refused for good is told; where others were accepted and there is one reply, it goes
/// to the spool too, which returns it to its sender.
///
/// An alias goes to each of its members. If some of them fail the client is told 4xx and sends it again, to all.
///
/// Lifetime: the executor's context outlives it. Thread safety: called by all shards at once.
///
/// @code
/// sinks::relay_now_settings settings;
/// settings.to = *next_hop::parse("inner.example.org:25");
/// server.sink(sinks::relay_now{io, settings});
/// @endcode
class MAILQUAY_API relay_now final : public message_sink, public uses_workers {
public:
    /// Throws `std::invalid_argument` naming setting, value and cure.
    relay_now(asio::any_io_executor host, relay_now_settings settings);
    template <class Context>
        requires requires(Context& io) { asio::any_io_executor{io.get_executor()}; }
    relay_now(Context& io, relay_now_settings settings) : relay_now(asio::any_io_executor{io.get_executor()}, std::move(settings)) {}
    ~relay_now() override;
    relay_now(relay_now&&) noexcept;
    relay_now& operator=(relay_now&&) noexcept;

    /// Before the first message. Null: none.
    relay_now& overflow(std::shared_ptr<spool> to) &;
    relay_now&& overflow(std::shared_ptr<spool> to) && { return std::move(overflow(std::move(to))); }

    /// No effect if the settings named buffers; the overflow's, too.
    void lend(std::shared_ptr<mailquay::workers> pool) override;
    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    /// By LMTP without overflow each recipient is its own.
    recipient_group group(recipient const& to) const override;
    /// By SMTP without overflow as many as the next hop takes in one transaction.
    bool takes_another(transaction const& mail, recipient const& next) const override;
    bool has_room(std::uint64_t octets) const override;

    /// Takes kept connections down.
    void close();

private:
    std::shared_ptr<detail::relay_now_state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/relay_now.ipp>
#endif
