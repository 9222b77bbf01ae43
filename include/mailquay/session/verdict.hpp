#pragma once

#include <mailquay/protocol/reply_text.hpp>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The most addresses that one recipient may stand for (`verdict::deliver_to()`).
inline constexpr std::size_t max_alias_members = 100;

/// What a hook says of what the client asked.
enum class verdict_kind : std::uint8_t {
    pass,    ///< no opinion: the next one is asked
    accept,  ///< yes
    reject,  ///< no, for good: a 5xx reply
    defer,   ///< not now: a 4xx reply, the client tries again later
};

/// The answer of a hook: `accept()`, `reject(...)`, `defer(...)` or `pass()`, with modifiers.
///
/// A verdict made from a named reply (`replies::greylisted`) is 24 octets and allocates nothing; a text of the host's own
/// costs one allocation. A default-constructed verdict is `pass()`. A code of the wrong class (a 4xx given to `reject`) is
/// replaced by the class's general one; 421 implies `.then_close()`.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// return known(user) ? accept() : reject(550, "5.1.1", "No such user here");
/// @endcode
class MAILQUAY_API verdict {
public:
    verdict() noexcept = default;
    verdict(verdict const& other);
    verdict(verdict&& other) noexcept
        : named_(other.named_), details_(std::exchange(other.details_, nullptr)), says_(other.says_) {}
    verdict& operator=(verdict const& other);
    verdict& operator=(verdict&& other) noexcept {
        details* const taken = std::exchange(other.details_, nullptr);
        if (details_ != nullptr) forget_details();
        named_ = other.named_;
        details_ = taken;
        says_ = other.says_;
        return *this;
    }
    MAILQUAY_INLINE ~verdict() {
        if (details_ != nullptr) forget_details();
    }

    verdict_kind kind() const noexcept { return says_.kind; }
    bool passes() const noexcept { return says_.kind == verdict_kind::pass; }
    bool accepts() const noexcept { return says_.kind == verdict_kind::accept; }
    /// True for `reject` and `defer`.
    bool refuses() const noexcept { return says_.kind >= verdict_kind::reject; }

    /// After this reply the connection is closed.
    verdict& then_close() & noexcept { return says_.closes = true, *this; }
    verdict&& then_close() && noexcept { return says_.closes = true, std::move(*this); }
    /// The reply leaves only after `delay` (at most 60 s; more is cut), and nothing is read meanwhile.
    verdict& after(std::chrono::milliseconds delay) & noexcept;
    verdict&& after(std::chrono::milliseconds delay) && noexcept { return std::move(after(delay)); }
    /// Replaces the text behind the codes. Control characters are scrubbed, lines folded when it is sent.
    verdict& with_text(std::string text) &;
    verdict&& with_text(std::string text) && { return std::move(with_text(std::move(text))); }
    /// With `accept()` of a recipient: the name of the mailbox it resolves to (sinks use nothing else).
    verdict& mailbox(std::string id) &;
    verdict&& mailbox(std::string id) && { return std::move(mailbox(std::move(id))); }
    /// With `accept()` of a recipient: the addresses it stands for (an alias). Mail for it goes to each of them, and to
    /// `.mailbox()` if that was given, too. With more than `max_alias_members` the recipient is refused: 451 4.3.0.
    verdict& deliver_to(std::vector<std::string> addresses) &;
    verdict&& deliver_to(std::vector<std::string> addresses) && { return std::move(deliver_to(std::move(addresses))); }
    /// Names the rule that decided, for the log; never sent.
    verdict& because(std::string rule) &;
    verdict&& because(std::string rule) && { return std::move(because(std::move(rule))); }

    bool closes() const noexcept { return says_.closes; }
    std::chrono::milliseconds delay() const noexcept { return std::chrono::milliseconds{says_.delay_ms}; }
    /// 0 when the verdict carries no reply of its own: the stage's usual one is sent.
    int code() const noexcept;
    std::string_view enhanced() const noexcept;
    std::string_view text() const noexcept;
    std::string_view rule() const noexcept;
    std::string_view resolved_mailbox() const noexcept;
    std::vector<std::string> const& resolved_addresses() const noexcept;
    /// Neither a reply nor a place to deliver to: the kind alone, perhaps with a delay.
    bool is_bare() const noexcept {
        return (reinterpret_cast<std::uintptr_t>(named_) | reinterpret_cast<std::uintptr_t>(details_)) == 0;
    }
    /// `accept()` and no more: no reply, no place to deliver to, no delay, and the connection goes on.
    bool is_plain_yes() const noexcept {
        return std::bit_cast<std::uint32_t>(says_) == std::bit_cast<std::uint32_t>(gist{verdict_kind::accept}) && is_bare();
    }
    bool has_reply() const noexcept { return named_ != nullptr || code() != 0; }
    /// The named reply, when it is sent just as it stands; else null.
    reply_text const* named() const noexcept { return named_; }
    bool resolves() const noexcept;

    static verdict make(verdict_kind kind) noexcept {
        verdict made;
        made.says_.kind = kind;
        return made;
    }
    static verdict make(verdict_kind kind, reply_text const& named) noexcept;
    static verdict make(verdict_kind kind, int code, std::string enhanced, std::string text);

private:
    struct details;
    details& own();
    MAILQUAY_RARE void forget_details() noexcept;

    struct gist {  // all but the words, compared as one word
        verdict_kind kind = verdict_kind::pass;
        bool closes = false;
        std::uint16_t delay_ms = 0;
    };

    reply_text const* named_ = nullptr;
    details* details_ = nullptr;  // owned; most have none, and a plain pointer keeps moving one to a few instructions
    gist says_{};
};

static_assert(sizeof(verdict) == 24, "a verdict travels through every hook: keep it small");

/// @{ The four answers. The named reply must have static storage (those of `replies` do).
inline verdict pass() noexcept { return {}; }
inline verdict accept() noexcept { return verdict::make(verdict_kind::accept); }
inline verdict accept(reply_text const& named) noexcept { return verdict::make(verdict_kind::accept, named); }
inline verdict reject() noexcept { return verdict::make(verdict_kind::reject); }
inline verdict reject(reply_text const& named) noexcept { return verdict::make(verdict_kind::reject, named); }
inline verdict reject(int code, std::string enhanced, std::string text) {
    return verdict::make(verdict_kind::reject, code, std::move(enhanced), std::move(text));
}
inline verdict defer() noexcept { return verdict::make(verdict_kind::defer); }
inline verdict defer(reply_text const& named) noexcept { return verdict::make(verdict_kind::defer, named); }
inline verdict defer(int code, std::string enhanced, std::string text) {
    return verdict::make(verdict_kind::defer, code, std::move(enhanced), std::move(text));
}
verdict accept(reply_text const&&) = delete;
verdict reject(reply_text const&&) = delete;
verdict defer(reply_text const&&) = delete;
/// @}

/// In place of the greeting only 421, 521 and 554 may be said (RFC 5321 §3.1, RFC 7504).
///
/// @return the refusal as it is, or with the code of `usual` where its own is another
MAILQUAY_DECL verdict in_place_of_greeting(verdict given, reply_text const& usual);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/verdict.ipp>
#endif
