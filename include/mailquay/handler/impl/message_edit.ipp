#pragma once

#include <mailquay/handler/message_edit.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/quarantine.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// RFC 5322 §2.1.1, without the CRLF
inline constexpr std::size_t most_field_line_octets = 998;

inline void check_field_name(std::string_view name) {
    // RFC 5322 §3.6.8  field-name = 1*ftext
    bool const is_name = !name.empty() && name.size() < most_field_line_octets &&
                         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
    if (!is_name) throw std::invalid_argument("message_edit: not a field name: printable ASCII without space and colon");
}

inline void check_field_value(std::string_view value) {
    bool line_is_blank = false;  // of a continuation line: one of white space alone would be read as the header's end
    for (std::size_t i = 0; i < value.size(); ++i) {
        char const c = value[i];
        if (c == '\r') {
            bool const folds = i + 2 < value.size() && value[i + 1] == '\n' && is_wsp(value[i + 2]);
            if (!folds || line_is_blank)
                throw std::invalid_argument("message_edit: line end in a field value: only CRLF before white space may be");
            line_is_blank = true;
            ++i;
        } else if (!is_wsp(c)) {
            if (is_control(c)) throw std::invalid_argument("message_edit: control character in a field value");
            line_is_blank = false;
        }
    }
    if (line_is_blank) throw std::invalid_argument("message_edit: field value ends in an empty continuation line");
}

/// Appends one line, folded where it is too long. The first `fixed` octets hold no place to fold at.
inline void append_folded(std::string& out, std::string_view line, std::size_t fixed) {
    while (line.size() > most_field_line_octets) {
        std::size_t at = most_field_line_octets;
        while (at > fixed && !is_wsp(line[at])) --at;
        // What stays before the fold must not be white space alone.
        bool const useful = is_wsp(line[at]) && line.substr(0, at).find_first_not_of(" \t") != std::string_view::npos;
        if (!useful) throw std::invalid_argument("message_edit: a word of a field value is longer than a line may be (998)");
        out.append(line.substr(0, at)).append("\r\n");
        line.remove_prefix(at);
        fixed = 0;
    }
    out.append(line).append("\r\n");
}

inline std::string make_field(std::string_view name, std::string_view value) {
    check_field_name(name);
    check_field_value(value);
    std::string text{name};
    text += ':';
    std::size_t const fixed = text.size();
    if (!value.empty() && !is_wsp(value[0]) && value[0] != '\r') text += ' ';
    text += value;

    std::string field;
    field.reserve(text.size() + 2);
    std::string_view rest{text};
    std::size_t prefix = fixed;
    for (;;) {
        std::size_t const end = rest.find("\r\n");
        append_folded(field, rest.substr(0, end), prefix);
        if (end == std::string_view::npos) return field;
        rest.remove_prefix(end + 2);
        prefix = 0;
    }
}

}  // namespace detail

MAILQUAY_DECL message_edit::message_edit(transaction const& mail, std::string header, message_buffer* body)
    : mail_(&mail), body_(body), original_(std::move(header)) {
    header_walker walker{original_};
    while (auto field = walker.next()) fields_.push_back(field->whole);
    blank_line_ = walker.blank_line();
}

MAILQUAY_DECL message_edit::~message_edit() = default;

MAILQUAY_DECL std::string_view message_edit::header() const {
    if (!edited_) return original_;
    if (!stale_) return current_;
    current_.clear();
    for (std::string_view field : fields_) {
        // The last line of a message may lack its end.
        if (!current_.empty() && !current_.ends_with("\r\n")) current_ += "\r\n";
        current_ += field;
    }
    if (blank_line_ || (!fields_.empty() && body_octets() != 0)) current_ += "\r\n";
    stale_ = false;
    return current_;
}

MAILQUAY_DECL header_field message_edit::field(std::size_t index) const {
    header_walker walker{fields_[index]};
    return walker.next().value_or(header_field{});
}

MAILQUAY_DECL std::optional<header_field> message_edit::find(std::string_view name, std::size_t nth) const {
    auto const at = index_of(name, nth);
    if (!at) return std::nullopt;
    return field(*at);
}

MAILQUAY_DECL std::optional<std::size_t> message_edit::index_of(std::string_view name, std::size_t nth) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        if (!istarts_with(fields_[i], name) || !field(i).is(name)) continue;
        if (nth == 0) return i;
        --nth;
    }
    return std::nullopt;
}

MAILQUAY_DECL void message_edit::begin_edit() const {
    if (!editable_) throw std::logic_error("message_edit: a filter that edits must say so: needs() == message_needs::edits");
}

MAILQUAY_DECL std::string_view message_edit::keep(std::string_view name, std::string_view value) {
    begin_edit();
    added_.push_back(detail::make_field(name, value));
    edited_ = stale_ = true;
    return added_.back();
}

MAILQUAY_DECL void message_edit::add_field(std::string_view name, std::string_view value, field_place where) {
    add_field_at(where == field_place::top ? 0 : fields_.size(), name, value);
}

MAILQUAY_DECL void message_edit::add_field_at(std::size_t index, std::string_view name, std::string_view value) {
    std::string_view const text = keep(name, value);
    fields_.insert(fields_.begin() + static_cast<std::ptrdiff_t>(std::min(index, fields_.size())), text);
}

MAILQUAY_DECL bool message_edit::replace_field(std::string_view name, std::size_t nth, std::string_view value) {
    begin_edit();
    auto const at = index_of(name, nth);
    if (!at) return false;
    // The name stays as the sender spelled it.
    fields_[*at] = keep(field(*at).name, value);
    return true;
}

MAILQUAY_DECL bool message_edit::remove_field(std::string_view name, std::size_t nth) {
    begin_edit();
    auto const at = index_of(name, nth);
    if (!at) return false;
    fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(*at));
    edited_ = stale_ = true;
    return true;
}

MAILQUAY_DECL std::size_t message_edit::remove_fields(std::string_view name) {
    begin_edit();
    auto const named = [&](std::string_view text) { return header_walker{text}.begin()->is(name); };
    std::size_t const before = fields_.size();
    std::erase_if(fields_, named);
    if (fields_.size() != before) edited_ = stale_ = true;
    return before - fields_.size();
}

MAILQUAY_DECL void message_edit::quarantine(std::string_view reason) {
    mailquay::quarantine(*mail_, reason);
    quarantined_ = true;
}

}  // namespace mailquay::inline MAILQUAY_ABI
