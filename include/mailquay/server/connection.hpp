#pragma once

#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/message_under_way.hpp>
#include <mailquay/server/pool.hpp>
#include <mailquay/server/reactor.hpp>
#include <mailquay/server/read_buffers.hpp>
#include <mailquay/server/ref.hpp>
#include <mailquay/server/transport.hpp>
#include <mailquay/session/session.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

class shard;
class hook_frame;
struct hook_question;
enum class hook_stage : std::uint8_t;

/// Joins one transport, one session and the plug-ins: reads, feeds, asks, answers, writes.
///
/// One read, all the questions it leads to, one write; then it waits for readiness. A hook that answers later parks the
/// connection: nothing is read, the buffer that the hook looks at stays with the connection, and the replies so far wait
/// for the rest of their group (a few ms at most).
///
/// Knows no event loop: readiness, time and hooks come through `shard`.
///
/// Lifetime: counted; the shard has a share until it is closed, and each hook under way has one.
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API connection final : public watcher {
public:
    MAILQUAY_DECL connection(shard& home, std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                             session_info&& peer, session_memory& memory);
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    MAILQUAY_DECL void ready(readiness what) noexcept override;

    /// The name it has in the log.
    std::string_view id() const noexcept { return session_.info().id(); }
    mailquay::session const& talk() const noexcept { return session_; }
    /// A hook is under way.
    bool parked() const noexcept { return frames_ != nullptr; }
    /// It holds a read buffer of its own.
    bool holds_buffer() const noexcept { return static_cast<bool>(lent_); }

    void retain() noexcept { ++shares_; }
    void release() noexcept {
        if (--shares_ == 0) delete this;
    }

private:
    friend class shard;
    friend class hook_frame;

    enum class phase : std::uint8_t {
        talking,
        lingering,  // the last word is out: what the peer still sends is dropped
        closed,
    };

    MAILQUAY_DECL ~connection() override;

    // What the shard tells.
    void begin() noexcept;
    void tick() noexcept;
    void flush() noexcept;
    void read_again() noexcept;
    void stop() noexcept;
    void stop_now() noexcept;
    void cut() noexcept;

    // The byte loop.
    void pump() noexcept;
    MAILQUAY_INLINE inline bool turn(unsigned& reads);
    inline bool read();
    inline bool at_bound() const noexcept;
    inline void write();
    MAILQUAY_RARE void lose_if_nothing_left();
    inline void await_readiness();
    MAILQUAY_RARE void look_at_peer();
    inline void park_buffer();
    inline void return_buffer() noexcept;
    MAILQUAY_RARE void lost();
    bool any_unsent() const noexcept { return unsent_ && !unsent_->empty(); }
    inline void note_unsent(std::string_view id);
    MAILQUAY_RARE void tell_unsent() noexcept;
    MAILQUAY_RARE void failed(std::string_view what) noexcept;

    // The handshake (connection_tls.ipp).
    verdict offer_tls();
    bool prepare_tls();
    void handshake_begins(handshake_due const& told);
    bool first_octet_came();
    bool shake_hands();
    void handshake_over() noexcept;

    // Questions and answers.
    MAILQUAY_INLINE inline void take_events();
    inline void handle(event& told);
    inline void handle(mail_offered& asked);
    inline void handle(recipient_offered& asked);
    inline void handle(message_started& asked);
    inline void handle(message_chunk& asked);
    inline void handle(message_complete& asked);
    MAILQUAY_APART void handle_any(event& told);
    template <class Answer>
    void ask(eventual<Answer>&& hook, hook_question const& asked);
    inline void ask_for_yes(eventual<verdict>&& hook, ticket asked, hook_stage stage, transaction const* mail, recipient const* to = nullptr);
    template <class Answer>
    void ask_later(eventual<Answer>&& hook, hook_question const& asked);
    MAILQUAY_APART void give(hook_question const& asked, verdict&& given);
    MAILQUAY_APART void give(hook_question const& asked, delivery&& given);
    void give(hook_question const& asked, reply&& given);
    void give_peer(hook_question const& asked, verdict&& given);
    verdict count_changed_peer(verdict given);
    void give(hook_question const& asked, auth_step&& given);
    MAILQUAY_RARE void told(hook_question const& asked, verdict const& given) const;
    MAILQUAY_RARE void told_refused(hook_question const& asked, verdict const& given) const;
    MAILQUAY_RARE void told_overdue(ticket overtaken) const;
    MAILQUAY_RARE void log_delivery(hook_question const& asked, delivery const& given) const;
    MAILQUAY_RARE void tell_of(hook_question const& asked, observation_kind what, verdict const& given) const noexcept;
    MAILQUAY_RARE void late(hook_question const& asked, verdict const&) noexcept;
    MAILQUAY_RARE void late(hook_question const& asked, delivery const& given) noexcept;
    MAILQUAY_RARE void late(hook_question const& asked, reply const&) noexcept;
    MAILQUAY_RARE void late(hook_question const& asked, auth_step const&) noexcept;
    void auth_over(auth_finished const& how);
    MAILQUAY_RARE void withdraw() noexcept;
    void over(close_reason why);
    MAILQUAY_RARE void abort_message(abort_reason why) noexcept;
    void hooks_ended() noexcept;
    bool old_hooks() const noexcept;
    bool finishing() const noexcept;
    void joined(hook_frame& frame) noexcept;
    void left(hook_frame& frame) noexcept;
    template <class Answer>
    void answered(hook_frame& frame, std::exception_ptr const& failure, Answer given) noexcept;
    void vanished(hook_frame& frame) noexcept;
    void tell(observation const& what) const noexcept { setup_->asks->tell(what); }
    observation about(observation_kind what) const noexcept { return {what, session_.info()}; }

    // The end.
    void linger();
    void drain() noexcept;
    void close() noexcept;
    void leave_if_over() noexcept;

    ref<shard> home_;
    std::shared_ptr<listener_setup const> setup_;
    std::unique_ptr<transport> stream_;
    connection* next_ = nullptr;              // of the shard's list
    connection* previous_ = nullptr;
    hook_frame* frames_ = nullptr;            // hooks under way
    pool<message_under_way>::pointer message_{};
    read_buffers::buffer lent_{};             // a buffer that went with this connection
    char const* read_into_ = nullptr;         // the shared buffer, while the session works on it
    std::uint32_t shares_ = 0;
    std::uint32_t linger_octets_ = 0;         // dropped since the last word
    std::chrono::steady_clock::time_point linger_until_{};
    pool<std::string>::pointer unsent_{};     // for the log, from the first message on: the ids, in a row, whose 250 is not out yet
    phase phase_ = phase::talking;
    close_reason close_reason_{};
    bool listed_ : 1 = false;
    bool pumping_ : 1 = false;
    bool again_ : 1 = false;
    bool readable_ : 1 = false;               // octets may wait: the reactor said so, or the last read filled its room
    bool unexplained_ : 1 = false;            // the reactor said so, and nobody has looked at what it is
    bool await_read_ : 1 = false;
    bool await_write_ : 1 = false;
    bool eof_ : 1 = false;
    bool lost_ : 1 = false;
    bool detached_ : 1 = false;               // the shard was cut from its loop: no plug-in is asked any more
    bool stop_now_ : 1 = false;
    bool closing_told_ : 1 = false;           // the session will take no further command
    bool rest_kept_ : 1 = false;              // the session keeps input that it has not worked off
    bool let_go_ : 1 = false;                 // the message is over once its hooks have ended
    bool unflushed_ : 1 = false;              // on the shard's list of replies that wait
    bool shaking_ : 1 = false;                // counted as a handshake under way
    bool hungry_ : 1 = false;                 // on the shard's list of those not read for want of buffers
    bool connect_asked_ : 1 = false;          // the policies know of it
    bool exchange_over_ : 1 = false;          // the AUTH exchange goes when its hook has ended
    mailquay::session session_;
    std::unique_ptr<auth_exchange> exchange_; // the AUTH exchange under way
};

static_assert(sizeof(connection) <= 440, "an idle connection costs little memory");

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/connection.ipp>
#endif
