#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Picks the value of one header field out of a message that flows past, such as Message-ID for the log.
///
/// The octets may come in any split; none is looked at once the field was found or the header section is over. Keeps at
/// most `most_octets` of the value, unfolded and without white space around it. Where a field stands twice, the first
/// counts.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// field_capture message_id{"Message-ID"};
/// message_id.feed(chunk);                 // for each chunk
/// line.add("msgid", message_id.value());
/// @endcode
class MAILQUAY_API field_capture {
public:
    static constexpr std::size_t most_octets = 255;

    /// @param name  of the field, in any case; must outlive this object
    explicit field_capture(std::string_view name) noexcept : name_(name) {}

    void feed(std::string_view octets) {
        if (place_ != place::over) scan(octets);
    }
    /// Nothing more will be found.
    bool over() const noexcept { return place_ == place::over; }
    /// Empty if there is no such field, or not yet. Lifetime: until the next `feed()`.
    std::string_view value() const noexcept;

private:
    enum class place : std::uint8_t {
        line_start,
        name,       // so far the line is the name
        other,      // within a line that is not wanted
        value,      // within the wanted field
        value_end,  // at the begin of the line behind it, which may go on with it
        over,
    };

    void scan(std::string_view octets);
    void begin_line(char octet);
    std::size_t take_value(std::string_view octets);

    std::string_view name_;
    std::string value_;
    std::size_t matched_ = 0;  // octets of the name, in this line
    place place_ = place::line_start;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/field_capture.ipp>
#endif
