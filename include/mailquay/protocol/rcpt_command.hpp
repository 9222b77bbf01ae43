#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/address_options.hpp>
#include <mailquay/protocol/path.hpp>
#include <mailquay/protocol/refusal.hpp>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 5321 §4.1.1.3  rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP
/// Rcpt-parameters] CRLF
///
/// @param in  stands behind "RCPT" and its space; is left at the parameters (see `next_parameter()`)
MAILQUAY_DECL parsed<path> parse_rcpt_argument(cursor& in, address_options options = {});

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/rcpt_command.ipp>
#endif
