#pragma once

#include <mailquay/message/header_scanner.hpp>
#include <mailquay/protocol/bare_line_end_finder.hpp>
#include <mailquay/protocol/data_decoder.hpp>
#include <mailquay/protocol/line_ending_normaliser.hpp>
#include <mailquay/session/verdict.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// What of a message under way is forgotten by assigning a new one.
struct reception_marks {
    data_decoder decoder{};
    header_scanner header{};
    line_ending_normaliser normaliser{};
    bare_line_end_finder bare_line_ends{};
    std::uint64_t octets = 0;          ///< decoded so far
    std::uint64_t drained = 0;         ///< read since it was refused
    std::chrono::steady_clock::time_point drain_since{};
    std::chrono::milliseconds asked{0};  ///< how long input was asked for in this rate window
    std::uint64_t window_octets = 0;
    std::uint64_t chunk_left = 0;      ///< octets of the chunk under way that have not come yet
    std::uint32_t line_octets = 0;     ///< of the text line under way, where lines are bounded
    bool refused = false;              ///< `refusal` is the reply; what still comes is dropped
    bool ended = false;                ///< end of data was found
    bool header_given = false;         ///< `headers_complete` was answered, or nobody asked for it
    bool chunk_is_ours = false;        ///< the chunk given last views `held` or `repaired`
    bool chunked = false;              ///< it comes by BDAT
    bool last_chunk = false;           ///< LAST was given
    bool dropping = false;             ///< the chunk under way was refused before its first octet
    bool bad_command = false;          ///< `refusal` is about a BDAT command, not the message
};
}  // namespace detail

/// How far the message under way has come. Part of a transaction's pooled memory; used by `session` only.
struct reception : detail::reception_marks {
    verdict refusal{};
    std::string held{};                ///< the header section while it is held back
    std::string repaired{};            ///< the chunk given last, where it had to be copied

    /// As new, but for the room of its buffers, which is kept up to `most_kept` octets.
    void clear(std::size_t most_kept) noexcept {
        static constexpr detail::reception_marks new_marks{};
        static_cast<detail::reception_marks&>(*this) = new_marks;
        if (!refusal.passes()) refusal = {};
        empty(held, most_kept);
        empty(repaired, most_kept);
    }

private:
    static void empty(std::string& text, std::size_t most_kept) noexcept {
        text.clear();
        if (text.capacity() > most_kept) let_go(text);
    }
    MAILQUAY_RARE static void let_go(std::string& text) noexcept { std::string{}.swap(text); }
};

}  // namespace mailquay::inline MAILQUAY_ABI
