#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
struct dot_carry;
class data_gatherer;
using dot_finder = std::size_t (*)(data_gatherer& message, std::size_t size, dot_carry& carry) noexcept;
struct data_decoder_probe;  // for tests: runs a decoder with a finder of its choice
}  // namespace detail

/// RFC 5321 §4.5.2  Takes the transparency dots out of what follows DATA, in place, and finds its end.
///
/// The end is CRLF "." CRLF, or "." CRLF as the first three octets, and nothing else; a dot is taken out only at the
/// begin of the
/// stream and behind a true CRLF. The result does not depend on how the stream is cut into inputs, and no octet is
/// looked at twice. Each input yields one piece of message: octets behind a removed dot move down once, all else stays
/// where it is.
///
/// Nothing is stored. A dot that begins a line is left out at once, be it stuffing or the end. Only the CR behind such
/// a dot is
/// withheld when an input ends with it; when the next octet is not LF it turns out to have been a bare CR of the
/// message:
/// then `step::prefix` is "\r". This happens in messages with bare CR only, so who refuses these never needs to look at
/// it.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API data_decoder {
public:
    struct step {
        /// Message octets, to be delivered before `octets`: "\r", or nothing. Lifetime: static.
        std::string_view prefix{};
        /// Message octets, within the input.
        std::span<char> octets{};
        /// Octets of the input that are done with: all of them, but for what follows the end.
        std::size_t consumed = 0;
        /// The end was found.
        bool end = false;
        /// A bare CR or LF came to light in this input. It belongs to the message; what to do is the caller's choice.
        bool bad = false;
    };

    /// Decodes the next octets of the stream, in place. After the end it consumes nothing: call `reset()` first.
    MAILQUAY_DECL step decode(std::span<char> input) noexcept;

    /// The next octets begin another message.
    void reset() noexcept { state_ = state::line_start; }
    bool ended() const noexcept { return state_ == state::ended; }

private:
    friend struct detail::data_decoder_probe;

    enum class state : std::uint8_t {
        line_start,  // at the begin, or the last two octets were CRLF
        within_line,
        cr,      // the last octet was CR, and was delivered
        dot,     // a dot at the begin of a line, not delivered
        dot_cr,  // CR behind it, withheld
        ended,
    };

    step decode_by(detail::dot_finder find, std::span<char> input) noexcept;

    state state_ = state::line_start;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/data_decoder.ipp>
#endif
