#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/host_extension.hpp>
#include <mailquay/handler/message_buffer.hpp>
#include <mailquay/handler/message_filter.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/observer.hpp>
#include <mailquay/handler/policy.hpp>
#include <mailquay/handler/recipient_validator.hpp>
#include <mailquay/handler/tls_provider.hpp>
#include <mailquay/handler/workers.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The plug-ins of a listener: lists in the order they are asked. Frozen once listening.
struct handlers {
    std::vector<std::shared_ptr<recipient_validator>> recipients{};
    std::vector<std::shared_ptr<mailquay::policy>> policies{};
    std::vector<std::shared_ptr<message_filter>> filters{};
    std::shared_ptr<message_sink> sink{};
    std::shared_ptr<mailquay::authenticator> authenticator{};
    std::vector<std::shared_ptr<observer>> observers{};
    std::vector<std::shared_ptr<host_extension const>> extensions{};
    command_handler verify{};                      ///< answers VRFY; empty: 252 for everybody
    command_handler expand{};                      ///< answers EXPN; empty: 502
    asked_by verify_for = asked_by::users;
    asked_by expand_for = asked_by::users;
    std::shared_ptr<tls_provider> tls{};           ///< certificates and what belongs to them; null: no TLS
    std::shared_ptr<mailquay::workers> workers{};  ///< for message buffers; a pool is made when it is needed and absent
    std::shared_ptr<message_buffers> buffers{};    ///< where a filter edits; the server makes `spooled_buffers` if absent
    bool spare_users = false;  ///< policies are not asked about authenticated users, but those that `asks_about_users()`
    std::size_t buffer_memory = 256 * 1024;        ///< octets of a buffered message kept in memory before a file is used
};

/// What the filters and policies together need to see of a message. Null entries count for nothing.
MAILQUAY_DECL message_needs needs_of(handlers const& plugged);

/// Asks the plug-ins in order and combines what they say: built-in limits are the session's, the order is this class's.
///
/// Everything that can be answered at once is, without a coroutine; the first answer that comes later turns the rest of
/// the stage into one coroutine. A plug-in that throws counts as `451 4.3.0` (`workers_busy`: `451 4.3.2`), and is logged;
/// so is `pass()` where an answer is due. No stage throws, nor do its coroutines.
///
/// `.after()` and `.then_close()` of a `pass()` count for the stage's answer: the longest delay wins.
///
/// Lifetimes: hold it by `shared_ptr`; references given to a stage must live until its answer.
/// Thread safety: read only once made; used by all shards at once.
class MAILQUAY_API pipeline : public std::enable_shared_from_this<pipeline> {
public:
    /// Throws `std::invalid_argument` when the plug-ins cannot work, naming the cure: no sink, a null entry, an entry made
    /// `per_shard` (see `handlers_for_shard()`), edits without `handlers::buffers`.
    pipeline(handlers plugged, logger log);
    ~pipeline();

    /// @{ Each is answered `accept()` when no policy has an objection.
    eventual<verdict> connect(session_info const& client) const;
    eventual<verdict> early_talk(session_info const& client) const;
    eventual<verdict> hello(session_info const& client, std::string_view name) const;
    eventual<verdict> mail(transaction const& mail) const;
    /// Whether the sink has room for so many octets: `accept()`, or 452 4.3.1.
    verdict room(transaction const& mail, std::uint64_t octets) const noexcept;
    /// @}
    /// `on_recipient`, then validators, then (SMTP only) the sink's groups, then `on_recipient_accepted`. An `accept()`
    /// carries what the validator resolved. All validators pass: 550 5.7.1.
    eventual<verdict> recipient(transaction const& mail, mailquay::recipient const& to) const;
    /// @{ What the host says to VRFY, EXPN, and a verb of its own.
    eventual<reply> verify(session_info const& client, std::string_view argument) const;
    eventual<reply> expand(session_info const& client, std::string_view argument) const;
    eventual<reply> command(session_info const& client, std::string_view name, std::string_view argument) const;
    /// @}
    void close(session_info const& client) const noexcept;

    /// @{ AUTH. What throws is logged and answered `auth_problem::unavailable`.
    ///
    /// `begin_auth()` puts the exchange into `begun`; where the authenticator has none it answers `unknown_mechanism`.
    /// `response` and `client` must live until the answer.
    eventual<auth_step> begin_auth(std::string_view mechanism, std::optional<secret_view> initial, session_info const& client,
                                   std::unique_ptr<auth_exchange>& begun) const;
    eventual<auth_step> go_on_with_auth(auth_exchange& under_way, secret_view response, session_info const& client) const;
    /// @}

    /// True if some observer wants to be told of one of these kinds.
    bool observed(observation_kind kinds) const noexcept { return has(observed_, kinds); }
    /// Tells the observers that want to know.
    void tell(observation const& what) const noexcept;

    /// What filters and policies need to see; `session_config::hold_headers` is `needs() >= message_needs::headers`.
    message_needs needs() const noexcept;
    handlers const& plugged() const noexcept;
    logger const& log() const noexcept;

    /// One message on its way to the sink. Destroyed before `complete()`'s answer: abandoned.
    ///
    /// `start()`; if `needs() >= headers` then `headers()`; `chunk()` for *all* octets of the message, those of the header
    /// too; `complete()`. After an answer that refuses nothing more is asked: the writer is gone already.
    ///
    /// Lifetimes: `through` and `mail` must outlive it. It must outlive a coroutine it returned. Calls do not overlap.
    class MAILQUAY_API message {
    public:
        message(pipeline const& through, transaction const& mail) noexcept : through_(&through), mail_(&mail) {}
        message(message const&) = delete;
        message& operator=(message const&) = delete;
        ~message() = default;
        /// Policies' `on_data`, filters' begin, the sink's `open()`.
        eventual<verdict> start();
        eventual<verdict> headers(std::string_view header);
        eventual<verdict> chunk(std::span<char const> octets);
        /// @param how  `commit::each` where the client gets a reply for each recipient (`transaction::reply_for_each()`)
        eventual<delivery> complete(commit how);
        /// Lets go of the writer: nothing becomes visible. At once, or when the coroutine that runs has answered.
        void abandon() noexcept;

    private:
        struct content;
        struct MAILQUAY_API content_deleter {
            MAILQUAY_RARE void operator()(content* gone) const noexcept;
        };
        struct running;
        class walk;

        MAILQUAY_INLINE inline eventual<verdict> open(verdict allowed);
        void begin_filters();
        verdict take_writer(message_sink::opened opened, verdict allowed);
        verdict checked_write(verdict given);
        delivery checked_delivery(delivery given);
        MAILQUAY_INLINE inline eventual<delivery> finish(commit how);
        MAILQUAY_INLINE inline eventual<verdict> written(eventual<verdict> answer);
        verdict failed(std::string_view hook) const noexcept;
        verdict refused(verdict why) noexcept;
        inline void let_go() noexcept;
        void log_quarantine() const;

        template <class First>
        asio::awaitable<verdict> start_later(First policies, eventual<verdict> pending);
        asio::awaitable<verdict> open_later(eventual<message_sink::opened> pending, verdict allowed);
        template <class First>
        asio::awaitable<verdict> headers_later(First policies, eventual<verdict> pending);
        asio::awaitable<verdict> walk_later(walk rest, eventual<verdict> pending);
        asio::awaitable<verdict> write_later(eventual<verdict> pending);
        asio::awaitable<delivery> complete_later(walk rest, eventual<verdict> pending, commit how);
        asio::awaitable<delivery> finish_later(eventual<delivery> pending);

        pipeline const* through_;
        transaction const* mail_;
        std::unique_ptr<message_writer> writer_;
        std::unique_ptr<content, content_deleter> content_;  // what filters need; none without filters
        unsigned running_ = 0;              // coroutines of ours that are under way, one inside the other
        bool received_written_ = false;
        bool abandoned_ = false;            // the last of them is to let go at its end
    };

private:
    struct frozen;
    std::unique_ptr<frozen const> frozen_;
    observation_kind observed_{};  // what some observer wants to be told of
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/pipeline.ipp>
#endif
