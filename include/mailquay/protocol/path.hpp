#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/mailbox.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// A reverse-path or forward-path taken apart. Views into the text that was read.
struct path {
    mailbox address{};
    /// The mailbox as sent, without angle brackets and source route; empty for the null path.
    std::string_view text{};
    /// `<>`
    bool null = false;
    /// `<Postmaster>` in any case, without a domain: `address` has the local part only.
    bool postmaster = false;
};

/// RFC 5321 §4.1.2  Reverse-path = Path / "<>"; Path = "<" [ A-d-l ":" ] Mailbox ">"
///
/// A source route is read and left out of account (§3.6.1, appendix C). Leaves `in` behind ">".
MAILQUAY_DECL parsed<path> parse_reverse_path(cursor& in, address_options options = {});

/// RFC 5321 §4.1.1.3  "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path
///
/// @return `null_forward_path` for "<>"
MAILQUAY_DECL parsed<path> parse_forward_path(cursor& in, address_options options = {});

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/path.ipp>
#endif
