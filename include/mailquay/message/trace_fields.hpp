#pragma once

#include <mailquay/base/config.hpp>

#include <string>
#include <string_view>

/// The trace fields that final delivery puts on top of a message, above its Received fields.
///
/// Both write one line that is never folded, as delivery agents read it, and make control characters "?": no address
/// can add a line. An address of more than 980 octets makes the line longer than the 998 that RFC 5322 §2.1.1 allows;
/// cut, it would be another address.
namespace mailquay::inline MAILQUAY_ABI {

/// Appends `Return-Path: <reverse_path>` CRLF (RFC 5321 §4.4). Only where mail leaves SMTP, after those that are
/// already there were removed; never in a spool or at a relay.
///
/// @param reverse_path  the address without "<>"; empty for the null sender
MAILQUAY_DECL void append_return_path(std::string& out, std::string_view reverse_path);

/// Appends `Delivered-To: mailbox` CRLF: where it was delivered, after aliases. One already there with the same value
/// tells of a loop (554 5.4.6).
MAILQUAY_DECL void append_delivered_to(std::string& out, std::string_view mailbox);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/trace_fields.ipp>
#endif
