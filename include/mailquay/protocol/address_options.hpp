#pragma once

#include <mailquay/base/config.hpp>

namespace mailquay::inline MAILQUAY_ABI {

/// How paths, mailboxes and parameters of MAIL and RCPT are read. The defaults are the grammar of RFC 5321 as it
/// stands; each
/// flag is one departure from it.
struct address_options {
    /// RFC 6531 §3.3: UTF-8 in addresses and parameter values. Off: such an address is
    /// `protocol_errc::utf8_not_allowed`.
    bool utf8 = false;
    /// Refuses local parts above 64 and paths above 256 octets, which RFC 5321 §4.5.3.1 gives as the least to be
    /// accepted.
    bool strict_lengths = false;
    /// Leniency: `MAIL FROM: <a@example.org>`.
    bool space_after_colon = false;
    /// Leniency: `MAIL FROM:a@example.org`.
    bool missing_brackets = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI
