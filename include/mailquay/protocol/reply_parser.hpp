#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// How much of one reply is kept, and how much is read at all.
struct reply_limits {
    /// RFC 5321 §4.5.3.1.5 allows 512 octets; long texts with links and long EHLO lines are common. What is above is dropped.
    std::size_t line_octets = 2048;
    /// Text that is kept of one reply; what is above is dropped.
    std::size_t text_octets = 16 * 1024;
    /// A reply that goes on beyond this has no end: nothing sensible is so long.
    std::size_t octets = 256 * 1024;
};

/// A reply of a server, as it came.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct received_reply {
    int code = 0;             ///< 200-599; 0 if there was no reply, or none that could be read
    std::string enhanced{};   ///< RFC 3463, of the class of `code`; empty if none was sent
    /// Without codes; "\n" stands between the lines of a reply of several. Octets as sent, control characters too: `scrub()`
    /// it before it goes anywhere.
    std::string text{};

    bool positive() const noexcept { return code / 100 == 2; }
    bool intermediate() const noexcept { return code / 100 == 3; }
    bool permanent() const noexcept { return code / 100 == 5; }
    /// 4yz, and whatever could not be read: asking again later may help.
    bool temporary() const noexcept { return !positive() && !intermediate() && !permanent(); }

    friend bool operator==(received_reply const&, received_reply const&) = default;
};

/// RFC 5321 §4.2.1  Reads replies from a stream of octets that arrives in pieces, and survives any stream.
///
///     Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
///
/// A bare LF ends a line, too. Enhanced codes (RFC 2034) are taken off the text. What is no reply is `garbled`: a line that
/// does not begin with a code and "-", space or nothing; lines of one reply with different codes; a code outside 200-599.
/// Whoever gets one cannot know where the next reply begins and should close the connection.
///
/// Goal: O(octets fed); at most `reply_limits::text_octets` and one line are kept.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// while (!octets.empty()) {
///     octets.remove_prefix(parser.feed(octets));
///     if (parser.state() == reply_parser::outcome::complete) use(parser.take());
/// }
/// @endcode
class reply_parser {
public:
    enum class outcome : std::uint8_t {
        need_more,
        complete,   ///< `take()` gives the reply
        garbled,    ///< there was something, but no reply
        endless,    ///< longer than `reply_limits::octets`
    };

    explicit reply_parser(reply_limits limits = {}) noexcept : limits_(limits) {}

    /// Reads up to the end of one reply. Does nothing unless the state is `need_more`.
    /// @return octets used
    MAILQUAY_DECL std::size_t feed(std::string_view octets);
    outcome state() const noexcept { return state_; }
    /// Whether octets of an unfinished reply were read.
    bool within_reply() const noexcept { return state_ == outcome::need_more && octets_ != 0; }
    /// The reply, or what there was of a garbled one as its text; begins anew.
    MAILQUAY_DECL received_reply take();

private:
    void end_of_line();
    void add_text(std::string_view text);

    reply_limits limits_;
    received_reply reply_{};
    std::string line_{};        // octets of the line that has not ended
    std::size_t octets_ = 0;    // of this reply so far
    std::size_t lines_ = 0;
    outcome state_ = outcome::need_more;
    bool wrong_ = false;        // a line within the reply was none, or of another code
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/reply_parser.ipp>
#endif
