#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What ends a line of a header section.
enum class header_lines : unsigned char {
    crlf,        ///< CRLF alone, as on the wire; a bare LF or CR is an octet like any other
    crlf_or_lf,  ///< also a bare LF, as in files of Unix programs
};

/// One field of a header section, or a line that is none.
///
/// Lifetime: views into the text that the walker was given.
struct header_field {
    enum class kind : unsigned char {
        field,      ///< `name` ":" `value`
        malformed,  ///< no colon, no valid name before it, or the section begins with a continuation: `name` is empty
    };

    kind what = kind::field;
    /// As it stands there, without the white space that may precede the colon (RFC 5322 §4.5.8).
    std::string_view name{};
    /// All between the colon and the last line end: leading white space and folds included, see `unfold()`. For a
    /// malformed line the whole of it but its last line end.
    std::string_view value{};
    /// All octets of the field, last line end included. The wholes of a section, one after the other, are the section.
    std::string_view whole{};

    bool is_malformed() const noexcept { return what == kind::malformed; }
    /// Whether this is a field of that name; ASCII letters compare without case.
    MAILQUAY_DECL bool is(std::string_view wanted_name) const noexcept;
};

/// Goes over the fields of a complete header section, first to last (RFC 5322 §2.2, obsolete forms §4.5). No
/// allocation.
///
/// The text may be a header section or a whole message: the walk ends at the first empty line or with the text. A field
/// name is one or more printable octets without space and colon. A line that is neither a field nor a continuation ends
/// nothing: it comes as `malformed`, with the continuations behind it. Give it the section that `header_scanner`
/// found, and both agree on fields and hops; alone, the walker does not know `no_header()`.
///
/// Lifetime: the text must outlive the walker and each field taken from it. Cost: linear; one memchr per line.
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// for (header_field const& field : header_walker{section}) if (field.is("Subject")) use(unfold(field.value));
/// @endcode
class MAILQUAY_API header_walker {
public:
    class iterator;

    explicit header_walker(std::string_view text, header_lines lines = header_lines::crlf) noexcept
        : text_(text), lines_(lines) {}

    /// The next field, or nothing when the section is over.
    MAILQUAY_DECL std::optional<header_field> next();

    /// Octets walked over so far; once `next()` has returned nothing, the length of the header section, its empty line
    /// included: the offset where the body begins.
    std::size_t position() const noexcept { return at_; }
    /// True once the empty line was found.
    bool blank_line() const noexcept { return blank_line_; }

    /// From where the walker stands; `begin()` takes the first field.
    iterator begin();
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    struct line {
        std::size_t text_octets;
        std::size_t whole_octets;
    };
    MAILQUAY_DECL line line_at(std::size_t start) const;

    std::string_view text_;
    std::size_t at_ = 0;
    header_lines lines_;
    bool blank_line_ = false;
};

/// Input iterator over the fields. Lifetime: that of its walker.
class header_walker::iterator {
public:
    using value_type = header_field;
    using difference_type = std::ptrdiff_t;

    explicit iterator(header_walker& walker) : walker_(&walker), field_(walker.next()) {}

    header_field const& operator*() const noexcept { return *field_; }
    header_field const* operator->() const noexcept { return &*field_; }
    iterator& operator++() {
        field_ = walker_->next();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& at, std::default_sentinel_t) noexcept { return !at.field_; }

private:
    header_walker* walker_;
    std::optional<header_field> field_;
};

inline header_walker::iterator header_walker::begin() { return iterator{*this}; }

/// The first field of that name, or nothing; malformed lines have none.
MAILQUAY_DECL std::optional<header_field> find_first(std::string_view section, std::string_view name,
                                                     header_lines lines = header_lines::crlf);

/// A field value on one line (RFC 5322 §2.2.3): each line end before white space is dropped, the white space stays;
/// white space at both ends of the value is dropped too. Takes CRLF and LF alike.
MAILQUAY_DECL std::string unfold(std::string_view value);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/header_walker.ipp>
#endif
