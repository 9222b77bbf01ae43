#pragma once

#include <mailquay/base/secret.hpp>
#include <mailquay/message/date.hpp>
#include <mailquay/message/received.hpp>
#include <mailquay/message/transaction_id.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/session/reception.hpp>
#include <mailquay/session/reply_buffer.hpp>
#include <mailquay/session/transaction.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What the sessions of one shard share: pools of buffers and transactions, the maker of ids, the wall clock's last tick.
///
/// Between messages a session borrows nothing from it but, from the first on, what its Received fields begin with. Must outlive its
/// sessions.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; one per shard.
class session_memory {
public:
    session_memory() : session_memory(std::chrono::system_clock::now()) {}
    explicit session_memory(std::chrono::system_clock::time_point wall) { wall_is(wall); }
    session_memory(session_memory const&) = delete;
    session_memory& operator=(session_memory const&) = delete;

    /// The wall clock; told by the host at each tick.
    void wall_is(std::chrono::system_clock::time_point now) noexcept {
        wall_ = now;
        date_.clear();
    }
    std::chrono::system_clock::time_point wall() const noexcept { return wall_; }
    /// The wall clock as a date-time of RFC 5322, in local time; made once per tick.
    std::string_view date() {
        if (date_.empty()) append_date(date_, wall_, local_utc_offset(wall_));
        return date_;
    }
    /// An id for a transaction or a connection.
    transaction_id next_id() { return ids_.next(wall_); }

    /// @{ Used by `session`.
    struct pending_recipient {  // a RCPT of a run whose reply must wait for its turn
        std::uint32_t ticket = 0;      // 0: it was refused without asking
        bool answered = false;
        bool accepted = false;
        bool waited = false;  // its delay is over
        verdict given{};
        std::unique_ptr<reply> refusal{};
    };
    struct work {
        transaction mail;
        reception message;
        std::vector<pending_recipient> pending;
        std::size_t said = 0;  // of `pending`: replied to already
        std::vector<std::string_view> domains{};  // of recipients accepted, each once, where their number is limited
        std::size_t domains_of = 0;               // so many recipients are in `domains`
        arena::place run_begins{};  // of the transaction's text, before the first of `pending`
        std::unique_ptr<work> next{};  // of those that are kept for others
    };
    struct trace {  // what the Received fields of a client begin with
        received_begin begin{};
        std::uint32_t of_version = 0;  // of the info that it tells of
        bool utf8 = false;             // of transactions with SMTPUTF8
    };
    std::unique_ptr<trace> take_trace();
    void give_back(std::unique_ptr<trace> used) noexcept;
    std::unique_ptr<work> take_work();
    void give_back(std::unique_ptr<work> used) noexcept;
    std::unique_ptr<std::string> take_buffer();
    void give_back(std::unique_ptr<std::string> used) noexcept;
    std::unique_ptr<reply_buffer> take_replies();
    void give_back(std::unique_ptr<reply_buffer> used) noexcept;
    /// @}

private:
    static constexpr std::size_t buffer_octets = 4096;
    static constexpr std::size_t largest_kept = 64 * 1024;
    static constexpr std::size_t most_kept = 256;

    MAILQUAY_RARE static void forget(std::vector<pending_recipient>& asked) noexcept {
        if (asked.capacity() > 128)
            std::vector<pending_recipient>{}.swap(asked);
        else
            asked.clear();
    }
    template <class T, class... Parts>
    MAILQUAY_RARE static std::unique_ptr<T> made(Parts... parts) {
        return std::make_unique<T>(parts...);
    }

    id_generator ids_;
    std::chrono::system_clock::time_point wall_{};
    std::string date_;
    std::vector<std::unique_ptr<trace>> traces_;
    std::unique_ptr<work> works_;  // the first of a list
    std::size_t works_kept_ = 0;
    std::vector<std::unique_ptr<std::string>> buffers_;
    std::unique_ptr<reply_buffer> replies_;  // the first of a list
    std::size_t replies_kept_ = 0;
};

inline std::unique_ptr<session_memory::trace> session_memory::take_trace() {
    if (traces_.empty()) {
        traces_.reserve(most_kept);  // so that giving back cannot fail
        return std::make_unique<trace>();
    }
    auto taken = std::move(traces_.back());
    traces_.pop_back();
    return taken;
}

inline void session_memory::give_back(std::unique_ptr<trace> used) noexcept {
    if (traces_.size() < most_kept) traces_.push_back(std::move(used));
}

inline std::unique_ptr<session_memory::work> session_memory::take_work() {
    if (!works_) return made<work>();
    --works_kept_;
    return std::exchange(works_, std::move(works_->next));
}

inline void session_memory::give_back(std::unique_ptr<work> used) noexcept {
    used->mail.clear();
    used->message.clear(largest_kept);
    if (used->pending.capacity() != 0) forget(used->pending);
    used->said = 0;
    used->domains.clear();
    used->domains_of = 0;
    if (works_kept_ == most_kept) return;
    ++works_kept_;
    used->next = std::move(works_);
    works_ = std::move(used);
}

inline std::unique_ptr<std::string> session_memory::take_buffer() {
    if (buffers_.empty()) {
        buffers_.reserve(most_kept);
        auto made = std::make_unique<std::string>();
        made->reserve(buffer_octets);
        return made;
    }
    auto taken = std::move(buffers_.back());
    buffers_.pop_back();
    return taken;
}

inline void session_memory::give_back(std::unique_ptr<std::string> used) noexcept {
    wipe(std::span<char>{*used});  // it was input: a response to AUTH may have been among it, also one that nobody had asked for
    if (buffers_.size() >= most_kept || used->capacity() > largest_kept) return;
    used->clear();
    buffers_.push_back(std::move(used));
}

inline std::unique_ptr<reply_buffer> session_memory::take_replies() {
    if (!replies_) return made<reply_buffer>(buffer_octets);
    --replies_kept_;
    return std::exchange(replies_, std::move(replies_->next_));
}

inline void session_memory::give_back(std::unique_ptr<reply_buffer> used) noexcept {
    if (replies_kept_ == most_kept || used->capacity() > largest_kept) return;
    ++replies_kept_;
    used->clear();
    used->next_ = std::move(replies_);
    replies_ = std::move(used);
}

}  // namespace mailquay::inline MAILQUAY_ABI
