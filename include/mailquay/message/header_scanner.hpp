#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Counts the header section of a message while it flows past: its octets, its fields, and how many of these are
/// Received fields (loop detection, RFC 5321 §6.3).
///
/// The octets may come in any split; each is looked at once, and none behind the empty line. The result depends on the
/// octets alone. Counting stops nothing: limits are the caller's to compare after each `feed()`.
///
/// Lines end at CRLF only. A field begins at each line that does not start with a space or a tab, whether or not it has
/// a colon: a line that is neither field nor continuation counts as a field and ends nothing. The header section ends
/// at the first empty line or with the message. One exception: where the *first* line has no colon, the message has no
/// header at all (`no_header()`), and its body begins with that line.
///
/// `header_walker` over the same section yields `fields()` fields, `hops()` of them named Received.
///
/// Cost: one memchr per line. Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// header_scanner scan;
/// scan.feed(chunk);                       // for each chunk of the message
/// if (scan.hops() > limits.hops) return replies::too_many_hops;
/// scan.message_ended();                   // once, at its end
/// @endcode
class MAILQUAY_API header_scanner {
public:
    /// Looks at the next octets of the message, un-stuffed. Returns at once when the header is over.
    void feed(std::string_view octets) {
        if (!finished()) scan(octets);
    }

    /// Says that the message is over: a header section without an empty line ends here.
    MAILQUAY_DECL void message_ended();

    /// True when the header section is known to be over; the counts change no more.
    bool finished() const noexcept { return place_ == place::finished; }

    /// True when the first line of the message has no colon; then all counts are 0. Known with the end of that line.
    bool no_header() const noexcept { return no_header_; }

    /// True when the header section was ended by an empty line.
    bool blank_line() const noexcept { return blank_line_; }

    /// Octets of the header section seen so far, the empty line included.
    std::size_t octets() const noexcept { return octets_; }

    /// Fields begun so far. Stays at its highest value once that is reached.
    unsigned fields() const noexcept { return fields_; }

    /// Received fields begun so far.
    unsigned hops() const noexcept { return hops_; }

private:
    enum class place : std::uint8_t {
        line_start,     // the next octet is the first of its line
        line_start_cr,  // the line has a CR so far
        name,           // in a name that may become Received
        after_name,     // in white space between Received and its colon
        inside,         // anywhere else in a line
        finished,
    };

    MAILQUAY_DECL void scan(std::string_view octets);
    MAILQUAY_APART MAILQUAY_DECL char const* pass_rest(char const* begin, char const* at, char const* end);
    MAILQUAY_APART MAILQUAY_DECL char const* leave_line(char const* start, char const* line_end, char const* end);
    // Defined and called where scan() is defined only.
    inline char const* match_name(char const* at, char const* end);
    MAILQUAY_INLINE inline char const* pass_lines(char const* at, char const* end);
    inline char const* pass_on(char const* begin, char const* at, char const* end);
    inline char const* pass_line(char const* begin, char const* at, char const* end);
    inline void count_field();
    inline void finish(bool without_header);

    std::size_t octets_ = 0;
    std::uint32_t fields_ = 0;
    std::uint32_t hops_ = 0;
    place place_ = place::line_start;
    std::uint8_t matched_ = 0;  // octets of "received" seen in this line
    bool last_was_cr_ = false;  // of the octets of this line seen in earlier calls
    bool first_line_ = true;
    bool colon_seen_ = false;  // in the first line
    bool no_header_ = false;
    bool blank_line_ = false;
};

static_assert(sizeof(header_scanner) <= 24, "each transaction holds one");

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/header_scanner.ipp>
#endif
