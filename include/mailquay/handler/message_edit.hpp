#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/message_buffer.hpp>
#include <mailquay/message/header_walker.hpp>
#include <mailquay/session/transaction.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Where `message_edit::add_field()` puts a field.
enum class field_place : std::uint8_t {
    top,     ///< above all that is there; for trace fields and signatures
    bottom,  ///< below all that is there
};

/// A message at its end as a filter sees it: what its predecessors left of the header, and the body.
///
/// Our Received field is not part of it; it is written above all. Fields are counted from 0, top to bottom; names compare
/// without regard to case. Octets of fields that nobody edits stay as they came.
///
/// Editing throws `std::invalid_argument` on a name that is none (RFC 5322 §3.6.8) and on a value that holds a control
/// character or a line end other than a fold (CRLF before white space), so that no value can add a field; and
/// `std::logic_error` when the filter did not say `message_needs::edits`. Lines over 998 octets are folded at white space.
/// What is thrown out of a filter defers the message.
///
/// Lifetime: valid during `filter_run::on_end()`, until its answer.
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API message_edit {
public:
    /// @param header  the header section with its empty line; empty if the message has none
    /// @param body    null if the message was not buffered; must outlive this
    message_edit(transaction const& mail, std::string header, message_buffer* body = nullptr);
    message_edit(message_edit const&) = delete;
    message_edit& operator=(message_edit const&) = delete;
    ~message_edit();

    transaction const& mail() const noexcept { return *mail_; }

    /// The header section as it is now, with the empty line that ends it. Lifetime: until the next edit.
    std::string_view header() const;
    std::size_t fields() const noexcept { return fields_.size(); }
    /// Precondition: `index < fields()`. Lifetime: until that field is edited.
    header_field field(std::size_t index) const;
    /// Calls `look(header_field const&)` for each field, top to bottom. Not to be edited meanwhile.
    template <class Look>
    void for_each_field(Look&& look) const {
        for (std::size_t i = 0; i < fields(); ++i) look(field(i));
    }
    /// The field that is number `nth` among those of that name.
    std::optional<header_field> find(std::string_view name, std::size_t nth = 0) const;

    /// False for a filter that did not ask for edits.
    bool editable() const noexcept { return editable_; }
    /// @param value  without the line end; may hold folds
    void add_field(std::string_view name, std::string_view value, field_place where = field_place::top);
    /// Puts the field before the one at `index`; at the bottom if there is none.
    void add_field_at(std::size_t index, std::string_view name, std::string_view value);
    /// @return false if there is no such field
    bool replace_field(std::string_view name, std::size_t nth, std::string_view value);
    /// @return false if there is no such field
    bool remove_field(std::string_view name, std::size_t nth = 0);
    /// @return how many there were
    std::size_t remove_fields(std::string_view name);
    bool edited() const noexcept { return edited_; }

    /// Marks the message as one to be put aside; the sink sees it by `quarantine_of()`.
    void quarantine(std::string_view reason);
    bool quarantined() const noexcept { return quarantined_; }

    /// True if the body can be read here: some filter asked for edits, so that the message was buffered.
    bool has_body() const noexcept { return body_ != nullptr; }
    /// Octets of the body; 0 if it was not kept.
    std::uint64_t body_octets() const noexcept { return body_ != nullptr ? body_->size() : 0; }
    /// Reads on in the body, from its beginning at first. See `message_buffer::read()`; precondition: `has_body()`.
    eventual<result<std::size_t>> read_body(std::span<char> room) { return body_->read(room); }
    void rewind_body() noexcept {
        if (body_ != nullptr) body_->rewind();
    }

    /// For the pipeline: whether the filter at work may edit.
    void allow_edits(bool allowed) noexcept { editable_ = allowed; }

private:
    std::optional<std::size_t> index_of(std::string_view name, std::size_t nth) const;
    std::string_view keep(std::string_view name, std::string_view value);
    void begin_edit() const;

    transaction const* mail_;
    message_buffer* body_;
    std::string original_;
    std::deque<std::string> added_;              // texts of new fields; a deque, so that views stay
    std::vector<std::string_view> fields_;       // whole fields in order, into original_ and added_
    mutable std::string current_;                // the section after edits
    mutable bool stale_ = false;
    bool edited_ = false;
    bool editable_ = true;
    bool blank_line_ = false;
    bool quarantined_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/message_edit.ipp>
#endif
