#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/unique_function.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Takes fields out of the header section of a message while it flows past, and tells the values of others.
///
/// The octets may come in any split; the result is the same. All octets but those of removed fields (continuations and
/// line end included) are passed on unchanged and in order; the body is never touched. Fields, lines and the end of the
/// section are found as `header_scanner` finds them: lines end at CRLF only, white space may precede the colon, and a
/// message whose first line has no colon has no header. Held back is at most a name (998 octets of name and white space;
/// a field with more is left in).
///
/// Cost: linear; one memchr per line. Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// field_filter filter;
/// filter.remove("Return-Path");
/// filter.feed(chunk, kept);          // for each chunk while !filter.finished(); after that append it as it is
/// filter.message_ended(kept);        // once, at its end
/// @endcode
class MAILQUAY_API field_filter {
public:
    /// Told the value of a field, unfolded, without white space at both ends. The view is valid during the call.
    using value_seen = unique_function<void(std::string_view value)>;
    /// Octets of a value; longer ones are not told.
    static constexpr std::size_t max_value_octets = 2048;

    /// Names compare without case. At most 16 names in all; set before the first `feed()`.
    /// @throws std::invalid_argument if there are more, or `name` is empty
    field_filter& remove(std::string_view name);
    /// The field stays and its value is told.
    /// @throws std::invalid_argument also if `told` is empty
    field_filter& watch(std::string_view name, value_seen told);

    /// Appends to `kept` what stays of `octets`, and what was held back before.
    void feed(std::string_view octets, std::string& kept);
    /// The message is over: appends what is still held back.
    void message_ended(std::string& kept);
    /// The header section is over: the rest would be passed on as it is.
    bool finished() const noexcept { return place_ == place::finished; }

private:
    enum class place : std::uint8_t {
        line_start,     // the next octet is the first of its line
        line_start_cr,  // the line has a CR so far, which is in `held_`
        name,           // in a name that may become one of ours
        after_name,     // in white space between such a name and its colon
        inside,         // anywhere else in a line
        finished,
    };
    struct rule {
        std::string name;
        value_seen told;  // empty: the field is removed
    };

    char const* start_line(char const* at, std::string& kept);
    char const* match_name(char const* at, char const* end, std::string& kept);
    char const* pass_line(char const* at, char const* end, std::string& kept);
    void add_rule(std::string_view name, value_seen told);
    void decide(rule* found, std::string& kept);
    void release(std::string& kept);
    void end_field();
    void capture(std::string_view octets);

    std::vector<rule> rules_;
    std::string held_;
    std::string value_;
    rule* watched_ = nullptr;     // whose value is being collected
    std::uint32_t candidates_ = 0;  // rules whose name begins with `held_`
    std::size_t matched_ = 0;       // octets of the name seen
    place place_ = place::line_start;
    bool dropping_ = false;
    bool last_was_cr_ = false;
    bool first_line_ = true;
    bool colon_seen_ = false;  // in the first line
    bool too_long_ = false;    // the value being collected
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/field_filter.ipp>
#endif
