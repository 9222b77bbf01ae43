#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// An address taken apart. Views into the text that was read.
struct mailbox {
    /// As sent, with its quotes.
    std::string_view local_part{};
    /// As sent, an address literal with its brackets.
    std::string_view domain{};
    /// The local part is a Quoted-string.
    bool quoted = false;
    /// The domain is an address literal.
    bool literal = false;
    /// There is UTF-8 in it.
    bool utf8 = false;
    /// The domain is known to be in the form in which domains are compared. One that is not known to be may be all the same.
    bool normal_domain = false;
};

/// RFC 5321 §4.1.2  Mailbox = Local-part "@" ( Domain / address-literal ), with UTF-8 as RFC 6531 §3.3 has it.
///
/// The local part is a Dot-string or a Quoted-string: no comments, no folding, no control characters. Characters that
/// cannot
/// be seen or that change the direction of text are refused (`forbidden_in_address()`). Reads as far as the domain
/// goes.
///
/// @return `utf8_not_allowed` only for an address that is well-formed otherwise
MAILQUAY_DECL parsed<mailbox> parse_mailbox(cursor& in, address_options options = {});

/// The same for a whole text, such as an address in a configuration.
MAILQUAY_DECL parsed<mailbox> parse_mailbox(std::string_view text, address_options options = {});

/// The local part without quotes and the backslashes of quoted pairs: what addresses are compared by (RFC 5321 §4.1.2:
/// "the quoted
/// and unquoted forms … are equivalent").
///
/// @param local_part  as in `mailbox::local_part`
/// @param out         receives the octets, appended, if there are any quotes
/// @return `local_part` itself if it has no quotes; else a view into `out`, valid until that changes
MAILQUAY_DECL std::string_view local_part_unquoted(std::string_view local_part, std::string& out);
/// The same into memory of at least `local_part.size()` octets.
MAILQUAY_DECL std::string_view local_part_unquoted(std::string_view local_part, std::span<char> out) noexcept;

/// Whether an unquoted local part is no Dot-string, so that it can be sent only in quotes.
MAILQUAY_DECL bool needs_quotes(std::string_view unquoted) noexcept;
/// Appends an unquoted local part as it is sent: in quotes if it needs them.
MAILQUAY_DECL void append_local_part(std::string& out, std::string_view unquoted);

/// Appends the domain in the form in which domains are compared: lower case, A-labels, an address literal with its
/// address in canonical form.
MAILQUAY_DECL void append_normalised_domain(std::string& out, mailbox const& address);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/mailbox.ipp>
#endif
