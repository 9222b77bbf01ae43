#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What `line_reader::next()` found.
struct line_scan {
    enum class kind : std::uint8_t {
        need_more,  ///< no end of line yet
        line,       ///< `text` is a line
        too_long,   ///< a line above the limit has ended; it is gone
    };

    kind what = kind::need_more;
    /// A bare CR, a bare LF or NUL in the line: answer 501 5.5.2 and do nothing else with it.
    bool bad = false;
    /// Octets of the input that are done with.
    std::size_t consumed = 0;
    /// The line without its end. View into the input. Within the input the octet behind it is CR (LF where it ended
    /// so).
    std::string_view text{};
};

/// Finds command lines in a stream of octets that arrives in pieces (RFC 5321 §2.3.8: a line ends at CRLF and nowhere
/// else).
///
/// Give `next()` all octets that are not consumed yet, in one piece that begins with the first of them. When it needs
/// more, keep
/// what it did not consume and give it again with more behind it, at the same address or another. How far was searched
/// is remembered: no octet is looked at twice, whatever the pieces. A line above the limit is consumed as it comes and
/// reported once,
/// when its end is found; memory stays bounded by the limit.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// for (auto found = reader.next(octets, 2048); found.what != line_scan::kind::need_more; found = reader.next(octets,
/// 2048)) {
///     obey(found);
///     octets.remove_prefix(found.consumed);
/// }
/// @endcode
class MAILQUAY_API line_reader {
public:
    /// @param accept_bare_lf  leniency: LF alone ends a line too
    explicit line_reader(bool accept_bare_lf = false) noexcept : accept_bare_lf_(accept_bare_lf) {}

    /// @param octets  what is not consumed yet
    /// @param limit   longest line in octets, CRLF included; should not change within a line. At most 2^31.
    MAILQUAY_DECL line_scan next(std::string_view octets, std::size_t limit) noexcept;

    /// Forgets the line under way: the next octets begin a line.
    void reset() noexcept { *this = line_reader{accept_bare_lf_}; }
    /// Whether octets of a line were seen whose end was not, be they consumed or not.
    bool within_line() const noexcept { return searched_ != 0 || skipping_; }
    /// Whether the line under way is above the limit.
    bool skipping() const noexcept { return skipping_; }

private:
    line_scan skip(std::string_view octets) noexcept;

    std::uint32_t searched_ = 0;  // octets of the unconsumed line without an end among them
    bool bad_ = false;            // one of them may not be there
    bool skipping_ = false;
    bool skipped_cr_ = false;  // the last octet skipped was CR
    bool accept_bare_lf_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/line_reader.ipp>
#endif
